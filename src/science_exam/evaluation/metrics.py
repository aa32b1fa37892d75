"""Accuracy and MAP@k of ranked options, how far their probabilities can be trusted (log-loss, Brier score,
expected calibration error), recall and nDCG of ranked passages. A leaf: numpy only.
"""

from collections.abc import Sequence

import numpy as np

N_OPTIONS = 5
# One right option that was held impossible would make a mean log-loss infinite.
SMALLEST_PROBABILITY = 1e-15
N_BINS = 10  # of the expected calibration error


def rank_options(scores: np.ndarray) -> np.ndarray:
    """Rank options by score, best first; equal scores go to the lower option number.

    Args:
        scores: (rows, options), larger is better; NaN ranks last.

    Returns:
        (rows, options) option numbers counted from 1.

    Example:
        >>> rank_options(np.array([[0.1, 0.4, 0.1, 0.4, 0.0]])).tolist()
        [[2, 4, 1, 3, 5]]
    """
    scores = np.nan_to_num(np.asarray(scores, dtype=float), nan=-np.inf)
    return np.argsort(-scores, axis=1, kind="stable") + 1


def reciprocal_ranks(rankings: Sequence[Sequence[int]], answers: Sequence[int], k: int = 3) -> np.ndarray:
    """1 / rank of the right option within the first `k` labels of each row, else 0.

    With one right answer a question, average precision at k is this number. A ranking may hold
    fewer than k labels (a submission may name one or two); a label that stands twice counts at its
    first place and takes up the second one too.

    Args:
        rankings: option numbers of each row, best first.
        answers: (rows,) right option numbers.
        k: how many labels count.

    Returns:
        (rows,) values in {1, 1/2, … 1/k, 0}.

    Example:
        >>> reciprocal_ranks([[2, 1, 3], [4], [5, 5, 1]], [1, 2, 1]).tolist()
        [0.5, 0.0, 0.3333333333333333]
    """
    values = np.zeros(len(answers))
    for row, (ranking, answer) in enumerate(zip(rankings, answers, strict=True)):
        labels = [int(label) for label in ranking][:k]
        if int(answer) in labels:
            values[row] = 1 / (labels.index(int(answer)) + 1)
    return values


def map_at_k(rankings: Sequence[Sequence[int]], answers: Sequence[int], k: int = 3) -> float:
    """Mean over rows of `reciprocal_ranks`: the competition's MAP@3 for k = 3."""
    return float(reciprocal_ranks(rankings, answers, k).mean())


def accuracy(rankings: Sequence[Sequence[int]], answers: Sequence[int]) -> float:
    """Share of rows whose first label is right; the same as MAP@1."""
    return map_at_k(rankings, answers, k=1)


def log_losses(probabilities: np.ndarray, answers: np.ndarray) -> np.ndarray:
    """-log of the right option's probability, in nats, (rows,); ln 5 = 1.609 where all options are alike.

    Args:
        probabilities: (rows, options) that sum to 1; below `SMALLEST_PROBABILITY` counts as that.
        answers: (rows,) right option numbers, from 1.
    """
    return -np.log(np.maximum(_pick_right(probabilities, answers), SMALLEST_PROBABILITY))


def brier_scores(probabilities: np.ndarray, answers: np.ndarray) -> np.ndarray:
    """Squared distance of the probabilities from 1 for the right option and 0 for the others, (rows,).

    From 0 to 2; 0.8 where five options are alike. Arguments as in `log_losses`.

    Source: Brier, Verification of forecasts expressed in terms of probability (1950).
    """
    probabilities = np.asarray(probabilities, dtype=float)
    # Σ (p - y)² = Σ p² - 2 p_right + 1
    return (probabilities**2).sum(axis=1) - 2 * _pick_right(probabilities, answers) + 1


def expected_calibration_error(probabilities: np.ndarray, answers: np.ndarray, n_bins: int = N_BINS) -> float:
    """How far the likeliest options' probability is from how often they are right: |accuracy - confidence|.

    Rows are sorted by their largest probability and cut into bins of equal count, because bins of equal
    width leave most rows of a confident model in one. Rows of one confidence share their accuracy, so that
    the order of the rows decides nothing. With few rows the error is biased upwards.

    Sources: Guo et al., On Calibration of Modern Neural Networks (2017); bins of equal count: Nguyen &
    O'Connor, Posterior calibration and exploratory analysis for natural language processing models (2015).

    Args:
        probabilities, answers: as in `log_losses`.
        n_bins: fewer where there are fewer rows.

    Example:
        Two bins: confidence .6 against half right, .9 against all right.

        >>> p = np.array([[0.6, 0.4], [0.6, 0.4], [0.9, 0.1], [0.9, 0.1]])
        >>> round(expected_calibration_error(p, np.array([1, 2, 1, 1]), n_bins=2), 3)
        0.1
    """
    right = rank_options(probabilities)[:, 0] == np.asarray(answers)
    confidences, level = np.unique(np.asarray(probabilities, dtype=float).max(axis=1), return_inverse=True)
    accuracy_of_level = np.bincount(level, right) / np.bincount(level)
    by_confidence = np.sort(level)
    gaps = (accuracy_of_level - confidences)[by_confidence]  # (rows,), least confident first
    bins = np.array_split(gaps, min(n_bins, len(gaps)))
    return float(sum(abs(gap.sum()) for gap in bins) / len(gaps))


def _pick_right(probabilities: np.ndarray, answers: np.ndarray) -> np.ndarray:
    """Probability of the right option, (rows,)."""
    columns = np.asarray(answers, dtype=int)[:, None] - 1
    return np.take_along_axis(np.asarray(probabilities, dtype=float), columns, axis=1)[:, 0]


def recall_at(relevant: np.ndarray, k: int) -> np.ndarray:
    """1 where one of the first `k` hits is relevant, else 0; float (queries,).

    With one relevant passage a query this is recall; with several it is also known as success@k.

    Args:
        relevant: bool (queries, hits), hits ranked best first.
        k: how many hits count.
    """
    return relevant[:, :k].any(axis=1).astype(float)


def ndcg_at(relevant: np.ndarray, n_relevant: np.ndarray, k: int) -> np.ndarray:
    """Normalised discounted cumulative gain of binary relevance, float (queries,).

    Source: Järvelin and Kekäläinen, Cumulated Gain-Based Evaluation of IR Techniques (2002).

    Args:
        relevant: bool (queries, hits), hits ranked best first.
        n_relevant: (queries,) relevant passages there are, at least 1.
        k: how many hits count.

    Example:
        The one relevant passage at rank 2: 1 / log2(3).

        >>> ndcg_at(np.array([[False, True]]), np.array([1]), k=10).round(3).tolist()
        [0.631]
    """
    discounts = 1 / np.log2(np.arange(2, k + 2))  # (k,)
    gained = relevant[:, :k] @ discounts[: relevant.shape[1]]
    best = np.cumsum(discounts)[np.minimum(n_relevant, k) - 1]
    return gained / best
