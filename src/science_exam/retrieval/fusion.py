"""Several ranked lists of one question -> one.

Convex combination of min-max normalised scores; Bruch, Gai and Ingber, An Analysis of Fusion
Functions for Hybrid Retrieval (2023). Reciprocal ranks, which look at no score, are the
alternative; Cormack, Clarke and Buettcher, Reciprocal Rank Fusion (2009).
"""

from collections.abc import Sequence
from typing import Literal

import numpy as np

from science_exam.retrieval.hits import NO_ROW, Hits, no_hits

FusionMethod = Literal["convex", "reciprocal_rank"]
RANK_OFFSET = 10  # of reciprocal ranks; small, because the first ranks are what a reader sees


def fuse_hits(
    lists: Sequence[Hits], weights: Sequence[float], k: int, method: FusionMethod = "convex"
) -> Hits:
    """The best `k` rows of each question by the weighted sum of the lists' normalised scores.

    A row that a list does not hold counts as that list's worst.

    Args:
        lists: ranked hits of the same questions.
        weights: one a list; only their ratios matter.
        k: hits a question.
        method: how scores are normalised.

    Example:
        Two lists of one question, rows 7 and 8, and rows 8 and 9, with scores 2 and 1 each: min-max
        gives 7: .5 · 1, 8: .5 · 0 + .5 · 1, 9: 0, so 7 and 8 tie and the lower row stands first.
    """
    normalise = _scale_scores if method == "convex" else _invert_ranks
    shares = np.asarray(weights, dtype=np.float64) / sum(weights)
    rows = np.concatenate([hits.rows for hits in lists], axis=1)  # (questions, all lists' k)
    scores = np.concatenate(
        [share * normalise(hits) for share, hits in zip(shares, lists, strict=True)], axis=1
    )
    fused = no_hits(len(rows), k)
    for number in range(len(rows)):
        distinct, inverse = np.unique(rows[number], return_inverse=True)
        total = np.bincount(inverse, weights=scores[number], minlength=len(distinct))
        total[distinct == NO_ROW] = -np.inf
        best = np.lexsort((distinct, -total))[:k]
        best = best[distinct[best] != NO_ROW]
        fused.rows[number, : len(best)] = distinct[best]
        fused.scores[number, : len(best)] = total[best]
    return fused


def _scale_scores(hits: Hits) -> np.ndarray:
    """Scores of each question moved and scaled to 0 … 1; a single hit is a 1."""
    filled = hits.rows != NO_ROW
    highest = np.where(filled, hits.scores, -np.inf).max(axis=1, keepdims=True, initial=-np.inf)
    lowest = np.where(filled, hits.scores, np.inf).min(axis=1, keepdims=True, initial=np.inf)
    spread = np.where(highest > lowest, highest - lowest, 1)
    return np.where(filled, np.where(highest > lowest, (hits.scores - lowest) / spread, 1.0), 0.0)


def _invert_ranks(hits: Hits) -> np.ndarray:
    ranks = np.arange(1, hits.rows.shape[1] + 1)
    return np.where(hits.rows != NO_ROW, 1 / (RANK_OFFSET + ranks), 0.0)
