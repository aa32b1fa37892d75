"""How many requests are under way at a time, and how long to wait before one is tried again."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC
from email.utils import parsedate_to_datetime
from threading import Condition

FIRST_PAUSE_SECONDS = 1.0
MAX_PAUSE_SECONDS = 60.0  # that is chosen here
MAX_RETRY_AFTER_SECONDS = 300.0  # that a server may ask for


def draw_pause(n_tries: int, draw: Callable[[float, float], float]) -> float:
    """Seconds to wait after `n_tries` tries: exponential backoff with full jitter.

    A pause is drawn from 0 to a bound that doubles with every try, so that those who failed together
    do not come back together (Brooker, "Exponential Backoff and Jitter", AWS Architecture Blog, 2015).

    Args:
        n_tries: tries so far, at least 1.
        draw: a number between its two arguments, as `random.uniform`.
    """
    return draw(0.0, min(MAX_PAUSE_SECONDS, FIRST_PAUSE_SECONDS * 2 ** (n_tries - 1)))


def read_retry_after(value: str | None, now: float) -> float | None:
    """Seconds that a header Retry-After asks for, in seconds or as an HTTP date; None where it tells none.

    Args:
        value: the header's text; None where there is no header.
        now: seconds since the epoch.
    """
    if value is None:
        return None
    try:
        seconds = float(value)
    except ValueError:
        seconds = _read_date(value) - now
    if seconds != seconds:  # neither a number nor a date
        return None
    return min(max(seconds, 0.0), MAX_RETRY_AFTER_SECONDS)


def _read_date(value: str) -> float:
    """Seconds since the epoch, or NaN where it is no date."""
    try:
        date = parsedate_to_datetime(value)
    except ValueError:
        return float("nan")
    return (date if date.tzinfo else date.replace(tzinfo=UTC)).timestamp()


class Throttle:
    """Lets a number of requests through at a time: halved when the server is busy, one more a success.

    Additive increase, multiplicative decrease, as TCP avoids congestion (Chiu and Jain, 1989).
    """

    def __init__(self, most: int) -> None:
        self.most = most
        self.limit = most
        self._n_under_way = 0
        self._n_halvings = 0
        self._changed = Condition()

    @contextmanager
    def slot(self) -> Iterator[int]:
        """Wait for room and take it for the block; yields what `shrink` wants to know."""
        with self._changed:
            self._changed.wait_for(lambda: self._n_under_way < self.limit)
            self._n_under_way += 1
            n_halvings = self._n_halvings
        try:
            yield n_halvings
        finally:
            with self._changed:
                self._n_under_way -= 1
                self._changed.notify_all()

    def grow(self) -> None:
        """A request went well."""
        with self._changed:
            self.limit = min(self.limit + 1, self.most)
            self._changed.notify_all()

    def shrink(self, n_halvings: int) -> None:
        """The server was too busy for a request that began after so many halvings.

        Those sent together fail together; only the first of them halves the number.
        """
        with self._changed:
            if n_halvings == self._n_halvings:
                self.limit = max(1, self.limit // 2)
                self._n_halvings += 1
