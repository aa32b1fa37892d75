"""Length must not give the answer away: in generated sets the longest option is right by chance only."""

from collections.abc import Callable, Sequence

import numpy as np

from science_exam.questions.building.positions import N_OPTIONS

BY_CHANCE = 1 / N_OPTIONS
MIN_ROWS, MAX_LOSS = 50, 0.75


def measure_extreme(lengths: Sequence[int], right: int, extreme: Callable[[Sequence[int]], int]) -> float:
    """How often "always the longest" (or the shortest) finds the right option: 1, 0, or 1/n where n tie.

    Args:
        lengths: of the options.
        right: position of the right one, from 0.
        extreme: `max` or `min`.

    Example:
        >>> measure_extreme([5, 4, 5], 0, max), measure_extreme([5, 4, 5], 1, max)
        (0.5, 0.0)
    """
    return 1 / lengths.count(lengths[right]) if lengths[right] == extreme(lengths) else 0.0


def choose_surplus(longest: np.ndarray, tolerance: float, seed: int) -> np.ndarray:
    """Rows to leave out, drawn at random, so that the mean of `longest` is 20% within `tolerance`.

    As few as bring it to half the tolerance: rows whose longest option is right where those are too many,
    rows where it is wrong where those are. A source that would lose more than three quarters of its rows,
    or has fewer than fifty, stays as it is: its report shows the share.

    Args:
        longest: (rows,) `measure_extreme` of each row's options with `max`.
        tolerance: how far from a fifth the mean may be.
        seed: of the draw.

    Returns:
        Positions, rising; empty where the mean is within the tolerance already.
    """
    n, total = len(longest), float(longest.sum())
    if n < MIN_ROWS or abs(total / n - BY_CHANCE) <= tolerance:
        return np.empty(0, dtype=int)
    if total / n > BY_CHANCE:
        share = BY_CHANCE + tolerance / 2
        candidates, surplus = np.flatnonzero(longest == 1), (total - share * n) / (1 - share)
    else:
        share = BY_CHANCE - tolerance / 2
        candidates, surplus = np.flatnonzero(longest == 0), n - total / share
    count = int(np.ceil(surplus))
    if count > min(len(candidates), MAX_LOSS * n):
        return np.empty(0, dtype=int)
    return np.sort(np.random.default_rng(seed).choice(candidates, count, replace=False))
