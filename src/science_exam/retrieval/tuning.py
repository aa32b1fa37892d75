"""The weight of lexical against dense search, from questions whose passage is known."""

from collections.abc import Callable

import numpy as np

from science_exam.evaluation.metrics import ndcg_at
from science_exam.retrieval.hits import Hits

WEIGHTS = np.round(np.arange(0, 1.001, 0.05), 2)
N_FOLDS = 5
K = 10  # nDCG@10


def tune_weight(fuse: Callable[[float], Hits], gold_rows: np.ndarray) -> tuple[float, float]:
    """The best weight over all questions, and the honest nDCG@10 of choosing it so.

    Args:
        fuse: weight -> fused hits of the questions.
        gold_rows: (questions,) row of each question's passage; at least one question a fifth.

    Returns:
        The weight, and the mean nDCG@10 of each fifth of the questions under the weight that is
        best on the other four: what to expect on new questions.
    """
    gains = np.stack(
        [measure_hits(fuse(float(weight)), gold_rows) for weight in WEIGHTS]
    )  # (weights, questions)
    fold = np.arange(len(gold_rows)) % N_FOLDS
    held_out = [gains[_best(gains[:, fold != number]), fold == number] for number in range(N_FOLDS)]
    return float(WEIGHTS[_best(gains)]), float(np.concatenate(held_out).mean())


def measure_hits(hits: Hits, gold_rows: np.ndarray) -> np.ndarray:
    """nDCG@10 of each question, (questions,)."""
    return ndcg_at(hits.rows == gold_rows[:, None], np.ones(len(hits), dtype=int), K)


def _best(gains: np.ndarray) -> int:
    """Position of the best weight; of equal ones the middle, which is the safest."""
    means = gains.mean(axis=1).round(6)
    best = np.flatnonzero(means == means.max())
    return int(best[len(best) // 2])
