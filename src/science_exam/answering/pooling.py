"""What is averaged over runs - probabilities, logits or ranks - and what comes out of the average.

The averaged quantity is called a score: every pool is a weighted mean of scores, so weights are fitted the
same way for all three.

- probabilities: the linear pool; one run that is sure is outvoted.
- logits: the logarithmic pool (geometric mean, normalised); who is sure that an option is wrong rules it out.
- ranks: Borda counts; how sure a run is does not matter.

Source of the first two: Genest & Zidek, Combining Probability Distributions (1986).
"""

from typing import Literal

import numpy as np

from science_exam.answering.calibration import normalize_logits, to_logits

Pool = Literal["probabilities", "logits", "ranks"]
POOLS: tuple[Pool, ...] = ("probabilities", "logits", "ranks")
# Mean ranks of few runs are often equal; then the mean probability decides, being less than any difference of
# mean ranks among up to 500 equal runs.
TIE_BREAKER = 1e-3


def make_scores(probabilities: np.ndarray, pool: Pool) -> np.ndarray:
    """What the pool averages, (…, 5) for probabilities (…, 5)."""
    if pool == "logits":
        return to_logits(probabilities)
    return count_borda(probabilities) if pool == "ranks" else probabilities


def pool_scores(scores: np.ndarray, weights: np.ndarray, pool: Pool) -> np.ndarray:
    """The runs' weighted mean as probabilities.

    Args:
        scores: (runs, rows, 5) of `make_scores`.
        weights: (runs,) >= 0 that sum to 1.
        pool: the one that the scores were made for.

    Returns:
        (rows, 5), rows sum to 1.
    """
    mean = np.tensordot(weights, scores, axes=1)
    return normalize_logits(mean) if pool == "logits" else mean / mean.sum(axis=1, keepdims=True)


def count_borda(probabilities: np.ndarray) -> np.ndarray:
    """Points by rank, 5 for the first option to 1 for the last, over their sum of 15; equal options share.

    Example:
        Without the tie-breaker: 5, 2, 2, 4 and 2 of 15 points.

        >>> count_borda(np.array([0.5, 0.1, 0.1, 0.2, 0.1])).round(2).tolist()
        [0.33, 0.13, 0.13, 0.27, 0.13]
    """
    from scipy.stats import rankdata

    points = rankdata(probabilities, axis=-1) + TIE_BREAKER * probabilities
    return points / points.sum(axis=-1, keepdims=True)
