"""How much of a time budget is left, and what still fits into it."""

import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pandas as pd

# A pass over some tokens may take that much longer than those before.
MARGIN = 1.1
REMEMBERED_SHARE = 0.7  # of the speed so far, in the running mean
WRITING_SECONDS = 2.0  # for the last tables, and for Python to end with all its libraries: nearly all of it
LEAST_SECONDS = 1e-3  # a budget that is spent already is still one


class Deadline:
    """A time budget that measures the speed of what it is spent on."""

    def __init__(
        self, seconds: float, reserved_seconds: float = 0.0, clock: Callable[[], float] = time.monotonic
    ) -> None:
        """
        Args:
            seconds: of the budget, from now on; 0 for no end.
            reserved_seconds: of these, for what comes after.
            clock: gives the time in seconds.
        """
        self._clock = clock
        self._end = clock() + seconds - reserved_seconds if seconds else float("inf")
        self._tokens_per_second: float | None = None
        self._begun: deque[tuple[int, float]] = deque()  # tokens of what is not finished, and when it began
        self._finished = clock()

    @property
    def has_end(self) -> bool:
        """False without a budget."""
        return self._end != float("inf")

    @property
    def seconds_left(self) -> float:
        """Until the end, at least 0; infinite without a budget."""
        return max(0.0, self._end - self._clock())

    @property
    def is_measured(self) -> bool:
        """Whether it is known what fits; always without a budget."""
        return not self.has_end or self._tokens_per_second is not None

    def count_fitting_tokens(self) -> float:
        """Tokens that fit into the time left, behind what has begun; infinite while no speed is known."""
        left = self.seconds_left
        if not left:
            return 0.0
        if self._tokens_per_second is None or not self.has_end:
            return float("inf")
        n_begun = sum(n_tokens for n_tokens, _ in self._begun)
        return max(0.0, left * self._tokens_per_second / MARGIN - n_begun)

    def end_earlier(self, seconds: float) -> "Deadline":
        """One that is over so much earlier, with a speed of its own to measure."""
        if not self.has_end:
            return self
        return Deadline(max(self.seconds_left - seconds, LEAST_SECONDS), clock=self._clock)

    def begin(self, n_tokens: int) -> None:
        """Something is given to the model that has so many tokens; it is read behind what began before."""
        self._begun.append((n_tokens, self._clock()))

    def finish(self) -> None:
        """What began first has been read: learn from how long it took."""
        n_tokens, began = self._begun.popleft()
        began, self._finished = max(began, self._finished), self._clock()
        speed = n_tokens / max(self._finished - began, 1e-9)
        known = self._tokens_per_second
        mixed = speed if known is None else REMEMBERED_SHARE * known + (1 - REMEMBERED_SHARE) * speed
        self._tokens_per_second = min(speed, mixed)  # slower is believed at once


@dataclass(frozen=True)
class Limits:
    """When to stop, and what is kept on the way there.

    Attributes:
        deadline: after which nothing new is begun.
        begin: called before the first file is read or written.
        sheet: file of the answers so far; an interrupted examination goes on from it.
        keep: gets the predictions table so far whenever the sheet is written.
    """

    deadline: Deadline
    begin: Callable[[], None]
    sheet: Path
    keep: Callable[[pd.DataFrame], None]


def start_deadline(budget_seconds: float, started: float) -> Deadline:
    """The end of a budget that began at `started` on the monotonic clock; without an end when it is 0."""
    if not budget_seconds:
        return Deadline(0)
    spent = time.monotonic() - started
    return Deadline(max(budget_seconds - spent, LEAST_SECONDS), WRITING_SECONDS)
