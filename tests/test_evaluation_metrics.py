import itertools

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from science_exam.evaluation.metrics import (
    accuracy,
    brier_scores,
    expected_calibration_error,
    log_losses,
    map_at_k,
    ndcg_at,
    rank_options,
    recall_at,
    reciprocal_ranks,
)


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


# ---------------------------------------------------------------------------------- probabilities


def test_log_loss_is_minus_the_log_of_the_right_options_probability():
    losses = log_losses([[0.5, 0.25, 0.25], [0.2, 0.7, 0.1]], [2, 1])
    assert losses.tolist() == pytest.approx([np.log(4), np.log(5)])
    assert log_losses(np.full((1, 5), 0.2), [4])[0] == pytest.approx(1.6094, abs=1e-4)


def test_an_impossible_right_option_costs_much_but_not_everything():
    assert log_losses([[1.0, 0, 0, 0, 0]], [2])[0] == pytest.approx(15 * np.log(10))


def test_brier_score_is_the_squared_distance_from_certainty():
    # (0.5 - 1)² + 0.3² + 0.2² = 0.38;  0.5² + (0.3 - 1)² + 0.2² = 0.78
    assert brier_scores([[0.5, 0.3, 0.2], [0.5, 0.3, 0.2]], [1, 2]).tolist() == pytest.approx([0.38, 0.78])
    assert brier_scores(np.full((1, 5), 0.2), [1])[0] == pytest.approx(0.8)
    assert brier_scores([[0, 1.0], [1.0, 0]], [2, 2]).tolist() == [0, 2]


def test_calibration_error_is_the_mean_gap_of_bins_of_equal_count():
    confident = np.array([[0.9, 0.1], [0.8, 0.2], [0.6, 0.4], [0.7, 0.3]])
    # Least confident two: 0.65 against 1/2 right; the others: 0.85 against 1.
    assert expected_calibration_error(confident, [1, 1, 2, 1], n_bins=2) == pytest.approx((0.15 + 0.15) / 2)
    # A bin a row: 0.6 against 0, 0.7, 0.8 and 0.9 against 1.
    gaps = (0.6 + 0.3 + 0.2 + 0.1) / 4
    assert expected_calibration_error(confident, [1, 1, 2, 1], n_bins=4) == pytest.approx(gaps)
    assert expected_calibration_error(confident, [1, 1, 2, 1], n_bins=50) == pytest.approx(gaps)
    # One bin: 0.75 against 3/4.
    assert expected_calibration_error(confident, [1, 1, 2, 1], n_bins=1) == pytest.approx(0)


def test_bins_differ_by_one_row_at_most_and_weigh_by_their_rows():
    # Two bins: 0.5, 0.6 and 0.7, of which none is right; 0.8 and 0.9, of which both are.
    p = np.array([[x, 1 - x] for x in (0.5, 0.6, 0.7, 0.8, 0.9)])
    error = expected_calibration_error(p, [2, 2, 2, 1, 1], n_bins=2)
    assert error == pytest.approx((3 * 0.6 + 2 * 0.15) / 5)


def test_rows_of_one_confidence_share_their_accuracy():
    # Half of the rows are right, and all say 0.5: nothing to complain of, however they lie in the bins.
    p = np.tile([0.5, 0.3, 0.2], (8, 1))
    for answers in ([1, 1, 1, 1, 2, 2, 2, 2], [1, 2, 1, 2, 1, 2, 1, 2]):
        assert expected_calibration_error(p, answers, n_bins=4) == pytest.approx(0)


def test_perfect_certainty_has_no_error_of_any_kind():
    p, answers = np.eye(5)[[0, 2, 4]], [1, 3, 5]
    assert log_losses(p, answers).tolist() == brier_scores(p, answers).tolist() == [0, 0, 0]
    assert expected_calibration_error(p, answers) == 0


PROBABILITIES = st.lists(
    st.tuples(st.lists(st.integers(0, 4), min_size=5, max_size=5).filter(any), st.integers(1, 5)),
    min_size=1,
    max_size=30,
)


@given(PROBABILITIES, st.randoms())
def test_scores_of_probabilities_keep_their_bounds_and_forget_the_order_of_rows(rows, random):
    def score(rows):
        p = np.array([weights for weights, _ in rows], dtype=float)
        p /= p.sum(axis=1, keepdims=True)
        answers = [answer for _, answer in rows]
        return log_losses(p, answers), brier_scores(p, answers), expected_calibration_error(p, answers)

    losses, brier, error = score(rows)
    assert (losses >= 0).all()
    assert (losses <= 15 * np.log(10) + 1e-9).all()
    assert (brier >= -1e-12).all()
    assert (brier <= 2 + 1e-12).all()
    assert 0 <= error <= 1
    shuffled = list(rows)
    random.shuffle(shuffled)
    assert score(shuffled)[2] == pytest.approx(error, abs=1e-12)


# ------------------------------------------------------------------------------------ retrieval

HITS = np.array(
    [
        [True, False, False, False],
        [False, False, True, False],
        [False, True, False, True],
        [False, False, False, False],
    ]
)


@pytest.mark.parametrize(
    ("k", "found"),
    [(1, [1, 0, 0, 0]), (2, [1, 0, 1, 0]), (3, [1, 1, 1, 0]), (4, [1, 1, 1, 0]), (9, [1, 1, 1, 0])],
)
def test_recall_is_1_where_one_of_the_first_hits_is_relevant(k, found):
    recall = recall_at(HITS, k)
    assert recall.tolist() == found
    assert recall.dtype == float


def test_gain_falls_with_the_logarithm_of_the_rank():
    # One relevant passage at rank r: 1 / log2(r + 1).
    gains = ndcg_at(np.eye(4, dtype=bool), np.ones(4, dtype=int), k=4)
    assert gains.tolist() == pytest.approx([1, 1 / np.log2(3), 1 / 2, 1 / np.log2(5)])


def test_gains_of_several_relevant_passages_add_up_and_the_best_order_is_1():
    # Two relevant ones at ranks 2 and 4, and at best at 1 and 2: (.6309 + .4307) / (1 + .6309).
    expected = (1 / np.log2(3) + 1 / np.log2(5)) / (1 + 1 / np.log2(3))
    assert ndcg_at(HITS[2:3], np.array([2]), k=4)[0] == pytest.approx(expected)
    assert expected == pytest.approx(0.6510, abs=1e-4)
    assert ndcg_at(np.array([[True, True, False]]), np.array([2]), k=3)[0] == pytest.approx(1)


def test_relevant_passages_that_were_not_found_count():
    # Three there are, one is found, first: 1 / (1 + .6309 + .5).
    assert ndcg_at(HITS[:1], np.array([3]), k=4)[0] == pytest.approx(1 / (1 + 1 / np.log2(3) + 1 / 2))


def test_no_more_relevant_passages_are_expected_than_hits_count():
    assert ndcg_at(np.ones((1, 2), dtype=bool), np.array([50]), k=2)[0] == pytest.approx(1)


def test_hits_behind_the_first_k_do_not_count():
    assert ndcg_at(HITS, np.array([1, 1, 2, 1]), k=1).tolist() == [1, 0, 0, 0]


def test_a_ranking_may_be_shorter_than_k():
    gains = ndcg_at(np.array([[False, True]]), np.array([1]), k=10)
    assert gains[0] == pytest.approx(1 / np.log2(3))
    assert ndcg_at(np.zeros((2, 0), dtype=bool), np.array([1, 3]), k=10).tolist() == [0, 0]
    assert recall_at(np.zeros((2, 0), dtype=bool), 10).tolist() == [0, 0]


def test_queries_are_scored_one_by_one():
    together = ndcg_at(HITS, np.array([1, 2, 3, 1]), k=3)
    alone = [ndcg_at(HITS[i : i + 1], np.array([n]), k=3)[0] for i, n in enumerate([1, 2, 3, 1])]
    assert together.tolist() == pytest.approx(alone)


@given(st.lists(st.booleans(), min_size=1, max_size=8), st.integers(1, 10), st.integers(0, 3))
def test_gain_is_within_0_and_1_and_1_for_the_best_order_alone(hits, k, n_missed):
    n_relevant = sum(hits) + n_missed
    if not n_relevant:
        return
    gain = ndcg_at(np.array([hits]), np.array([n_relevant]), k)[0]
    assert -1e-9 <= gain <= 1 + 1e-9
    assert (gain > 0) == (recall_at(np.array([hits]), k)[0] == 1)
    n_best = min(k, n_relevant)
    assert (abs(gain - 1) < 1e-9) == (hits[:n_best] == [True] * n_best)
