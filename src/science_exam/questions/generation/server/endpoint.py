"""Asks a server that speaks OpenAI's chat completions: many requests at a time, none of them twice."""

import random
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import Future
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from science_exam.errors import UserError
from science_exam.questions.generation.asking import Failure, Reply
from science_exam.questions.generation.config import EndpointConfig
from science_exam.questions.generation.server.chat import NO_CONNECTION, ChatClient
from science_exam.questions.generation.server.crew import Crew
from science_exam.questions.generation.server.meter import Meter
from science_exam.questions.generation.server.reply_cache import ReplyCache
from science_exam.questions.generation.server.sending import Sender, prepare_request

AHEAD = 8  # requests held for each that is under way: the first may be slow, and answers keep their order


@dataclass(frozen=True)
class _Awaited:
    """An answer to come; `repeated` where the same request stands further ahead."""

    key: str
    future: Future
    repeated: bool


class Endpoint:
    """A server that is asked; its replies stay in the run's folder, and none is paid for twice.

    Attributes:
        meter: what was sent and spent.
    """

    def __init__(
        self,
        config: EndpointConfig,
        folder: Path,
        seed: int = 0,
        sleep: Callable[[float], Any] | None = None,
        draw: Callable[[float, float], float] = random.uniform,
    ) -> None:
        """Make ready; nothing is sent.

        Args:
            config: the server, the model and the limits.
            folder: of the run; holds the cache of replies.
            seed: sent along; another one asks for other replies.
            sleep: waits so many seconds before a request is tried again; by default until the run stops.
            draw: a number between its two arguments, for the length of pauses.

        Raises:
            UserError: an address, model or key that cannot be; a damaged cache.
        """
        self.config = config
        self.seed = seed
        self._client = ChatClient(config)
        self._cache = ReplyCache(folder)
        self.meter = Meter(
            config.price_in,
            config.price_out,
            config.budget_usd,
            config.budget_tokens,
            self._cache.sum_usage(),
        )
        self._sender = Sender(self._client, self._cache, self.meter, sleep, draw)
        self._n_unreached = 0  # answers in a row without a connection
        self._reached = False

    def __enter__(self) -> "Endpoint":
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Close the cache and the connections."""
        self._client.close()
        self._cache.close()

    def ask(
        self,
        requests: Sequence[list[dict[str, str]]],
        schema: dict[str, Any] | None,
        progress: Callable[[Iterable], Iterable] = iter,
    ) -> Iterator[Reply | Failure]:
        """Answers to the requests, in their order, as they come.

        Args:
            requests: chat messages, each with "role" and "content"; equal ones are asked once.
            schema: JSON schema that replies shall follow; None where only the prompt says it.
            progress: wraps the iterator over answers (tqdm).

        Yields:
            A reply; or why there is none: after `max_tries`, for a refusal, or `BUDGET_SPENT` where the
            budget does not allow the request, from which on none is begun.

        Raises:
            UserError: the server rejects requests for good (key, model, format), or cannot be reached by as
                many requests in a row as go out at a time.
        """
        crew = Crew(self._sender.answer, min(self.config.concurrency, len(requests)))
        try:
            yield from progress(self._collect(crew, requests, schema))
        except UserError:
            crew.stop()
            crew.join()  # what is under way is paid for: it goes into the cache
            raise
        finally:
            crew.stop()

    def _collect(
        self, crew: Crew, requests: Iterable[list[dict[str, str]]], schema: dict[str, Any] | None
    ) -> Iterator[Reply | Failure]:
        """Keep the crew busy, some way ahead of the answer that is next."""
        ahead: deque[_Awaited] = deque()
        under_way: dict[str, Future] = {}
        for messages in requests:
            request = prepare_request(messages, schema, self.config, self.seed)
            repeated = request.key in under_way
            if not repeated:
                under_way[request.key] = crew.submit(request)
            ahead.append(_Awaited(request.key, under_way[request.key], repeated))
            if len(ahead) == AHEAD * self.config.concurrency:
                yield self._take(ahead.popleft(), under_way)
        while ahead:
            yield self._take(ahead.popleft(), under_way)
        if self._n_unreached and not self._reached:
            raise self._explain_silence()

    def _take(self, awaited: _Awaited, under_way: dict[str, Future]) -> Reply | Failure:
        answer = awaited.future.result()
        if not awaited.repeated:
            del under_way[awaited.key]  # from here on the cache knows it
            self._watch_connection(answer)
        elif isinstance(answer, Reply):
            answer = replace(answer, cached=True)
        return answer

    def _watch_connection(self, answer: Reply | Failure) -> None:
        """Stop where the server is down: to ask on would only drop passages."""
        if answer == Failure(NO_CONNECTION):
            self._n_unreached += 1
            if self._n_unreached >= self.config.concurrency:
                raise self._explain_silence()
        elif not (isinstance(answer, Reply) and answer.cached):
            self._n_unreached, self._reached = 0, True

    def _explain_silence(self) -> UserError:
        return UserError(
            f"{self.config.url}: expected a server, found none after {self.config.max_tries} tries "
            f"({self._sender.trouble}); start it, or set endpoint.url=… to where it runs, and run the same "
            "command again: replies so far are kept"
        )
