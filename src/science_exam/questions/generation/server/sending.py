"""One request from its key to its answer: cache, budget, tries, pauses."""

import json
from collections.abc import Callable
from dataclasses import dataclass, replace
from threading import Event
from typing import Any

from science_exam.questions.generation.asking import BUDGET_SPENT, Failure, Reply
from science_exam.questions.generation.config import EndpointConfig
from science_exam.questions.generation.server.chat import TOO_MANY_REQUESTS, ChatClient, RetryableError
from science_exam.questions.generation.server.completions import Completion, write_body
from science_exam.questions.generation.server.crew import StoppedError
from science_exam.questions.generation.server.meter import Meter, Usage
from science_exam.questions.generation.server.pacing import Throttle, draw_pause
from science_exam.questions.generation.server.reply_cache import ReplyCache, hash_request

REFUSED = "refused"


@dataclass(frozen=True)
class Request:
    """A body, the key of its reply, and the most that it can cost."""

    body: dict[str, Any]
    key: str
    worst: Usage


def prepare_request(
    messages: list[dict[str, str]], schema: dict[str, Any] | None, config: EndpointConfig, seed: int
) -> Request:
    """A request for a reply to `messages`; the arguments are those of `write_body`."""
    body = write_body(messages, schema, config, seed)
    # No tokenizer makes more tokens than bytes, and the JSON around the text stands in for the chat
    # template. Too much by far, but set aside only as long as the request is under way.
    n_bytes = len(json.dumps(body))
    return Request(body, hash_request(body), Usage(n_bytes, config.max_new_tokens))


class Sender:
    """Has requests answered, each by the cache or after as many tries as it takes; safe from several threads.

    Attributes:
        trouble: what went wrong last, in the server's or the system's words.
    """

    def __init__(
        self,
        client: ChatClient,
        cache: ReplyCache,
        meter: Meter,
        sleep: Callable[[float], Any] | None,
        draw: Callable[[float, float], float],
    ) -> None:
        """Make ready.

        Args:
            client: sends requests.
            cache: of this run.
            meter: counts them and keeps the budget.
            sleep: see `Endpoint`.
            draw: see `Endpoint`.
        """
        self.max_tries = client.config.max_tries
        self.trouble = ""
        self._client, self._cache, self._meter = client, cache, meter
        self._throttle = Throttle(client.config.concurrency)
        self._sleep, self._draw = sleep, draw

    def answer(self, request: Request, stopped: Event) -> Reply | Failure:
        """What the cache or the server says to a request.

        Args:
            request: tried again as long as its failures may pass.
            stopped: set when the answer is no longer wanted.

        Raises:
            StoppedError: no longer wanted.
            UserError: the server rejects the request, as it would all others; the cache fails.
        """
        if known := self._cache.find(request.key):
            return known
        for n_tries in range(1, self.max_tries + 1):
            if not self._meter.reserve(request.worst):
                return Failure(BUDGET_SPENT)
            try:
                return self._try(request, again=n_tries > 1, stopped=stopped)
            except RetryableError as error:
                self.trouble, trouble = str(error), error
            if n_tries < self.max_tries:
                self._pause(n_tries, trouble.pause_seconds, stopped)
        return Failure(trouble.reason)

    def _try(self, request: Request, again: bool, stopped: Event) -> Reply | Failure:
        """Send a request whose cost is reserved; what it did cost is settled when its reply is safe."""
        used = Usage()
        try:
            completion = self._send(request, again, stopped)
            used = completion.usage
            answer = _read_answer(completion)
            self._cache.store(request.key, answer, used)
            return answer
        except RetryableError as trouble:
            if trouble.perhaps_paid:
                used = replace(request.worst, estimated=True)
                self._cache.store_lost(used)
            raise
        finally:
            self._meter.settle(request.worst, used)

    def _send(self, request: Request, again: bool, stopped: Event) -> Completion:
        with self._throttle.slot() as n_halvings:
            if stopped.is_set():
                raise StoppedError
            self._meter.count_request(again)
            try:
                completion = self._client.complete(request.body)
            except RetryableError as trouble:
                if trouble.status == TOO_MANY_REQUESTS:
                    self._throttle.shrink(n_halvings)
                raise
            self._throttle.grow()
            return completion

    def _pause(self, n_tries: int, asked_seconds: float | None, stopped: Event) -> None:
        sleep = self._sleep or stopped.wait
        sleep(draw_pause(n_tries, self._draw) if asked_seconds is None else asked_seconds)


def _read_answer(completion: Completion) -> Reply | Failure:
    if completion.text is None:
        return Failure(REFUSED)
    usage = completion.usage
    return Reply(completion.text, usage.tokens_in, usage.tokens_out, completion.truncated)
