"""How much of a time budget is left, and what still fits into it."""

import time
from collections.abc import Callable

# A pass over some tokens may take that much longer than those before.
MARGIN = 1.1
REMEMBERED_SHARE = 0.7  # of the speed so far, in the running mean


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

    @property
    def has_end(self) -> bool:
        """False without a budget."""
        return self._end != float("inf")

    def count_fitting_tokens(self) -> float:
        """Tokens that can be read in the time left; infinite while no speed is known."""
        left = self._end - self._clock()
        if left <= 0:
            return 0.0
        if self._tokens_per_second is None or not self.has_end:
            return float("inf")
        return left * self._tokens_per_second / MARGIN

    def time(self, run: Callable[[], object], n_tokens: int) -> object:
        """Run something that reads so many tokens, and learn from how long it takes."""
        began = self._clock()
        result = run()
        speed = n_tokens / max(self._clock() - began, 1e-9)
        known = self._tokens_per_second
        mixed = speed if known is None else REMEMBERED_SHARE * known + (1 - REMEMBERED_SHARE) * speed
        self._tokens_per_second = min(speed, mixed)  # slower is believed at once
        return result
