"""Accuracy and MAP@k of ranked options, recall and nDCG of ranked passages. A leaf: numpy only."""

from collections.abc import Sequence

import numpy as np

N_OPTIONS = 5


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
