"""Asking again what a network or a busy server has refused, and waiting for what takes its time."""

import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeVar

import requests

from science_exam.errors import KaggleError

Answer = TypeVar("Answer")
MAX_WAIT_SECONDS = 120.0


@dataclass(frozen=True)
class Patience:
    """How long to go on.

    Attributes:
        wait_seconds: before a request is repeated for the first time; each later wait is twice as long.
        poll_seconds: between two looks at what takes its time.
        attempts: at one request.
    """

    wait_seconds: float
    poll_seconds: float
    attempts: int = 6

    def wait(self, attempt: int, error: requests.RequestException) -> None:
        """Wait after the failure of an attempt (from 1), or as long as the server asks for."""
        seconds = min(self.wait_seconds * 2 ** (attempt - 1), MAX_WAIT_SECONDS)
        asked = error.response.headers.get("Retry-After", "") if error.response is not None else ""
        if asked.isdecimal():  # a date, which is allowed too, is not worth its parsing
            seconds = min(float(asked), MAX_WAIT_SECONDS)
        print(f"Kaggle: {name_failure(error)}; again in {seconds:.0f} s", file=sys.stderr)
        time.sleep(seconds)


def is_passing(error: requests.RequestException) -> bool:
    """Whether the same request may well succeed later: too many, a server in trouble, a cut connection."""
    if error.response is not None:
        return error.response.status_code in (408, 429) or error.response.status_code >= 500
    broken = requests.ConnectionError, requests.Timeout, requests.exceptions.ChunkedEncodingError
    return isinstance(error, broken)


def name_failure(error: requests.RequestException) -> str:
    """What went wrong with a request, in a few words."""
    if error.response is not None:
        return f"answered {error.response.status_code}"
    late = isinstance(error, requests.Timeout)
    return "did not answer in time" if late else "could not be reached, or cut the connection"


def ask_again(
    call: Callable[[], Answer], patience: Patience, find: Callable[[], Answer | None] = lambda: None
) -> Answer:
    """What `call` returns, which is repeated while its failures may pass.

    Args:
        call: the request.
        patience: how often, and how long between.
        find: looks, before a repetition, whether the request was served all the same: its answer got lost,
            and what it made is not to be made twice.

    Raises:
        requests.RequestException: the last failure.
    """
    for attempt in range(1, patience.attempts + 1):
        try:
            return call()
        except requests.RequestException as error:
            if attempt == patience.attempts or not is_passing(error):
                raise
            patience.wait(attempt, error)
            if (found := find()) is not None:
                return found
    raise AssertionError("the last attempt returns or raises")


def wait_until(look: Callable[[], tuple[bool, str]], patience: Patience, minutes: float, what: str) -> str:
    """Look until it is over, and return how things stand then; each change is printed.

    Args:
        look: whether it is over, and how things stand.
        patience: how long between two looks.
        minutes: after which to give up.
        what: is waited for, for the eye.

    Raises:
        KaggleError: it takes longer.
    """
    started, shown = time.monotonic(), ""
    while True:
        over, state = look()
        elapsed = time.monotonic() - started
        if state != shown:
            print(f"  {what}: {state} after {elapsed / 60:.1f} min", flush=True)
        if over:
            return state
        if elapsed > 60 * minutes:
            raise KaggleError(
                f"{what}: still {state} after {minutes:g} minutes; the same command goes on waiting"
            )
        shown = state
        time.sleep(patience.poll_seconds)
