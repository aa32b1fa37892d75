import itertools

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from science_exam.evaluation.metrics import accuracy, map_at_k, rank_options, reciprocal_ranks


def published_apk(actual: list[int], predicted: list[int], k: int) -> float:
    """Average precision at k as in Ben Hamner's ml_metrics, which the competition's hosts point to."""
    predicted, score, hits = predicted[:k], 0.0, 0.0
    for i, label in enumerate(predicted):
        if label in actual and label not in predicted[:i]:
            hits += 1.0
            score += hits / (i + 1.0)
    return score / min(len(actual), k)


def test_hand_computed_scores():
    rankings = [[1, 2, 3], [2, 1, 3], [3, 2, 1], [4, 5, 2], [1, 2, 3, 4, 5]]
    answers = [1, 1, 1, 1, 4]
    assert reciprocal_ranks(rankings, answers).tolist() == [1, 1 / 2, 1 / 3, 0, 0]
    assert map_at_k(rankings, answers) == pytest.approx((1 + 1 / 2 + 1 / 3) / 5)
    assert accuracy(rankings, answers) == pytest.approx(1 / 5)
    assert map_at_k(rankings, answers, k=5) == pytest.approx((1 + 1 / 2 + 1 / 3 + 1 / 4) / 5)
    assert map_at_k(rankings, answers, k=1) == accuracy(rankings, answers)


def test_fewer_than_three_labels_count_as_they_stand():
    assert reciprocal_ranks([[1], [2, 1], [2], []], [1, 1, 1, 1]).tolist() == [1, 0.5, 0, 0]


def test_a_repeated_label_counts_once_at_its_first_place():
    assert reciprocal_ranks([[1, 1, 1], [2, 1, 1], [1, 2, 1]], [1, 1, 1]).tolist() == [1, 0.5, 1]


def test_every_ranking_of_different_labels_scores_as_the_published_reference():
    for length, answer in itertools.product(range(1, 6), range(1, 6)):
        for ranking in itertools.permutations(range(1, 6), length):
            expected = published_apk([answer], list(ranking), 3)
            assert reciprocal_ranks([ranking], [answer])[0] == expected


@given(st.lists(st.integers(1, 5), max_size=5), st.integers(1, 5))
def test_a_repeated_label_scores_as_the_published_reference(ranking, answer):
    assert reciprocal_ranks([ranking], [answer])[0] == published_apk([answer], ranking, 3)


def test_a_random_order_scores_as_expected():
    orders = list(itertools.permutations(range(1, 6)))
    assert accuracy(orders, [2] * len(orders)) == pytest.approx(0.2)
    assert map_at_k(orders, [2] * len(orders)) == pytest.approx(11 / 30)


def test_options_rank_by_score_and_ties_go_to_the_lower_number():
    scores = np.array([[0.1, 0.4, 0.1, 0.4, 0.0], [0.2] * 5, [1, 2, 3, 4, 5]])
    assert rank_options(scores).tolist() == [[2, 4, 1, 3, 5], [1, 2, 3, 4, 5], [5, 4, 3, 2, 1]]


def test_nan_ranks_last():
    assert rank_options(np.array([[np.nan, 0.1, -5.0, np.nan, 0.2]])).tolist() == [[5, 2, 3, 1, 4]]


@given(st.lists(st.integers(-3, 3), min_size=5, max_size=5))
def test_a_ranking_holds_every_option_once_with_falling_scores(scores):
    [ranking] = rank_options(np.array([scores])).tolist()
    assert sorted(ranking) == [1, 2, 3, 4, 5]
    ordered = [scores[number - 1] for number in ranking]
    assert ordered == sorted(scores, reverse=True)
    for (a, x), (b, y) in itertools.pairwise(zip(ranking, ordered, strict=True)):
        assert x > y or a < b


def test_rankings_and_answers_must_be_as_many():
    with pytest.raises(ValueError, match="zip"):
        reciprocal_ranks([[1, 2, 3]], [1, 2])
