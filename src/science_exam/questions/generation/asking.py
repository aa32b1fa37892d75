"""Asking a language model: what goes in, and what comes back."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

BUDGET_SPENT = "budget spent"  # the one reason after which no further request is worth sending

Messages = list[dict[str, str]]  # of a chat: {"role": "user", "content": "…"}


@dataclass(frozen=True)
class Reply:
    """Text that a model wrote.

    Attributes:
        text: the reply as it came.
        tokens_in: tokens of the request.
        tokens_out: tokens of the reply.
        truncated: it ended at the limit of tokens.
        cached: read from disk; nothing was asked.
    """

    text: str
    tokens_in: int
    tokens_out: int
    truncated: bool = False
    cached: bool = False


@dataclass(frozen=True)
class Failure:
    """A request without a usable reply, and why: "timeout", "refused" or `BUDGET_SPENT`."""

    reason: str


class BudgetSpent(Exception):  # noqa: N818 - an end that was asked for
    """The budget did not last for all requests; what was paid for has been handed out before.

    Attributes:
        n_unasked: requests that were not sent.
    """

    def __init__(self, n_unasked: int) -> None:
        super().__init__(f"{BUDGET_SPENT}: {n_unasked} requests were not sent")
        self.n_unasked = n_unasked


class Asker(Protocol):
    """A language model here or behind a server."""

    def ask(
        self,
        requests: Sequence[Messages],
        schema: dict[str, Any] | None,
        progress: Callable[[Iterable], Iterable] = iter,
    ) -> Iterator[Reply | Failure]:
        """One outcome for every request, in their order.

        Args:
            requests: the messages of one chat each.
            schema: JSON schema of the replies, or None for any text.
            progress: wraps the iterator over outcomes (tqdm).
        """
