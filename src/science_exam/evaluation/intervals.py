"""How sure a score is: bootstrap intervals, paired differences, McNemar's exact test."""

from dataclasses import dataclass

import numpy as np

CONFIDENCE = 0.95
RESAMPLES = 10_000
# Scores have a handful of distinct values, losses as many as there are questions.
FEW_LEVELS = 64
DRAWS_AT_ONCE = 4_000_000  # 32 MB of row numbers


@dataclass(frozen=True)
class Interval:
    """A mean with its percentile-bootstrap bounds."""

    mean: float
    low: float
    high: float

    def __str__(self) -> str:
        return f"{self.mean:.3f} [{self.low:.3f}, {self.high:.3f}]"

    @property
    def signed(self) -> str:
        """As text, of a difference: "+0.100 [-0.020, +0.220]"."""
        return f"{self.mean:+.3f} [{self.low:+.3f}, {self.high:+.3f}]"


def bootstrap_mean(values: np.ndarray, seed: int = 0) -> Interval:
    """Mean of per-question `values` (rows,) with a 95% percentile bootstrap over questions.

    Source: Efron & Tibshirani, An Introduction to the Bootstrap (1993), chapter 13.
    """
    values = np.asarray(values, dtype=float)
    means = _resample_means(values, np.random.default_rng(seed))
    tail = (1 - CONFIDENCE) / 2
    low, high = np.quantile(means, [tail, 1 - tail])
    return Interval(float(values.mean()), float(low), float(high))


def _resample_means(values: np.ndarray, generator: np.random.Generator) -> np.ndarray:
    """Means of `RESAMPLES` samples of n of the n values with replacement, (resamples,).

    Such a sample holds multinomial counts of the distinct values, so where these are few all means come
    from one small product; where they are many, rows are drawn, a block of samples at a time.
    """
    n = len(values)
    levels, counts = np.unique(values, return_counts=True)
    if len(levels) <= FEW_LEVELS:
        return generator.multinomial(n, counts / n, size=RESAMPLES) @ levels / n
    size = max(1, DRAWS_AT_ONCE // n)
    blocks = [min(size, RESAMPLES - start) for start in range(0, RESAMPLES, size)]
    return np.concatenate([values[generator.integers(n, size=(b, n))].mean(axis=1) for b in blocks])


def bootstrap_difference(new: np.ndarray, old: np.ndarray, seed: int = 0) -> Interval:
    """Mean of `new - old` over the same questions (rows,), resampled in pairs.

    Pairing takes out how hard each question is, so it sees differences that two separate
    intervals hide.
    """
    return bootstrap_mean(np.asarray(new, dtype=float) - np.asarray(old, dtype=float), seed)


def mcnemar_p(new_right: np.ndarray, old_right: np.ndarray) -> float:
    """Two-sided exact McNemar p-value for two answerers on the same questions.

    Only questions that exactly one of them answers rightly tell them apart; under equal skill each
    such question is a fair coin.

    Args:
        new_right, old_right: (rows,) booleans.

    Source: McNemar, Psychometrika 12 (1947); exact binomial form.
    """
    from scipy.stats import binomtest

    new_right, old_right = np.asarray(new_right, bool), np.asarray(old_right, bool)
    gained, lost = int((new_right & ~old_right).sum()), int((old_right & ~new_right).sum())
    return float(binomtest(gained, gained + lost, 0.5).pvalue) if gained + lost else 1.0
