"""The weight of lexical search, where the best one is known by construction."""

import numpy as np
import pytest
from small_library import make_hits

from science_exam.retrieval.tuning import N_FOLDS, WEIGHTS, measure_hits, tune_weight

FIRST, SECOND, THIRD = 1.0, 1 / np.log2(3), 0.5  # nDCG of the one right passage at these ranks
GOLD = 1


def rank(place):
    """One question's hits with the gold passage at a place; 0 is nowhere."""
    others = [(100 + number, 0) for number in range(12)]
    return others if place == 0 else [*others[: place - 1], (GOLD, 0), *others[place - 1 :]][:12]


def fuse_by(places):
    """A fusion in which `places(question, weight)` says where each question's passage ends up."""

    def fuse(weight):
        return make_hits(*(rank(places(question, weight)) for question in range(10)))

    return fuse


GOLD_ROWS = np.full(10, GOLD)


def test_ndcg_by_hand():
    hits = make_hits(*(rank(place) for place in (1, 2, 3, 10, 11, 0)))
    gains = measure_hits(hits, np.full(6, GOLD))
    np.testing.assert_allclose(gains, [FIRST, SECOND, THIRD, 1 / np.log2(11), 0, 0])


def test_each_question_is_measured_by_its_own_passage():
    hits = make_hits([(5, 2), (6, 1)], [(5, 2), (6, 1)])
    np.testing.assert_allclose(measure_hits(hits, np.array([5, 6])), [FIRST, SECOND])


def test_fewer_hits_than_ten_are_measured_too():
    np.testing.assert_allclose(measure_hits(make_hits([(5, 1)], k=3), np.array([5])), [1])


def test_the_weight_that_is_best_for_all_is_found():
    weight, expected = tune_weight(fuse_by(lambda _, w: 1 if w == 0.65 else 2), GOLD_ROWS)
    assert weight == 0.65
    assert expected == pytest.approx(FIRST)  # every fifth chooses as the others do


@pytest.mark.parametrize("best", [0.0, 1.0])
def test_one_of_the_searches_alone_may_be_best(best):
    assert tune_weight(fuse_by(lambda _, w: 1 if w == best else 0), GOLD_ROWS)[0] == best


def test_of_equally_good_weights_the_middle_one_is_taken():
    assert tune_weight(fuse_by(lambda _, w: 1 if 0.2 <= w <= 0.4 else 2), GOLD_ROWS)[0] == 0.3
    assert tune_weight(fuse_by(lambda *_: 1), GOLD_ROWS)[0] == 0.5


def test_the_mean_over_the_questions_decides():
    # 0.2 is best for four questions, 0.8 for six.
    weight, _ = tune_weight(fuse_by(lambda q, w: 1 if w == (0.2 if q < 4 else 0.8) else 3), GOLD_ROWS)
    assert weight == 0.8


def test_the_estimate_is_of_fifths_that_had_no_say():
    # Every fifth (questions n and n + 5) has a weight of its own: chosen by the others it does worse.
    own = [0.1, 0.3, 0.5, 0.7, 0.9]
    fuse = fuse_by(lambda q, w: 1 if w == own[q % N_FOLDS] else 2)
    weight, expected = tune_weight(fuse, GOLD_ROWS)
    assert weight in own
    assert expected == pytest.approx(SECOND)
    assert measure_hits(fuse(weight), GOLD_ROWS).mean() == pytest.approx(0.2 * FIRST + 0.8 * SECOND)


def test_the_estimate_is_the_mean_over_all_questions():
    # The weight is 0.5 for everyone; under it the questions end at ranks 1, 2 or 3.
    places = [1, 2, 3, 1, 1, 2, 2, 3, 1, 1]
    _, expected = tune_weight(fuse_by(lambda q, w: places[q] if w == 0.5 else 0), GOLD_ROWS)
    assert expected == pytest.approx((5 * FIRST + 3 * SECOND + 2 * THIRD) / 10)


def test_five_questions_are_enough():
    def fuse(weight):
        return make_hits(*[rank(1 if weight == 0.45 else 2)] * N_FOLDS)

    assert tune_weight(fuse, np.full(N_FOLDS, GOLD)) == (0.45, pytest.approx(FIRST))


def test_weights_are_tried_in_steps_of_a_twentieth():
    tried = []

    def fuse(weight):
        tried.append(weight)
        return make_hits(*[rank(1)] * 5)

    tune_weight(fuse, np.full(5, GOLD))
    assert tried == [round(number / 20, 2) for number in range(21)] == WEIGHTS.tolist()
