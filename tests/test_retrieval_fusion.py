"""Fusion of ranked lists, by hand and against a slow and plain version."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from small_library import list_hits, make_hits

from science_exam.retrieval.fusion import fuse_hits
from science_exam.retrieval.hits import NO_ROW

METHODS = ["convex", "reciprocal_rank"]
ANY_METHOD = pytest.mark.parametrize("method", METHODS)


def fuse(*lists, weights=None, k=10, method="convex"):
    """The fused (row, score) pairs of one question's lists of (row, score) pairs."""
    width = max(1, *map(len, lists))
    hits = fuse_hits([make_hits(pairs, k=width) for pairs in lists], weights or [1] * len(lists), k, method)
    filled = hits.rows[0] != NO_ROW
    assert np.isneginf(hits.scores[0][~filled]).all()
    return list(zip(hits.rows[0][filled].tolist(), hits.scores[0][filled].tolist(), strict=True))


def near(pairs):
    return [(row, pytest.approx(score, abs=1e-6)) for row, score in pairs]


# -------------------------------------------------------------------------------------- convex


def test_scores_are_scaled_and_weighed_by_hand():
    # First list: 10, 6, 2 -> 1, 1/2, 0; second: 3, 1 -> 1, 0.
    first, second = [(4, 10), (2, 6), (7, 2)], [(2, 3), (4, 1)]
    assert fuse(first, second, weights=[0.4, 0.6]) == near([(2, 0.4 * 0.5 + 0.6), (4, 0.4), (7, 0)])
    assert fuse(first, second, weights=[0.8, 0.2]) == near([(4, 0.8), (2, 0.8 * 0.5 + 0.2), (7, 0)])


def test_the_example_of_the_docstring():
    assert fuse([(7, 2), (8, 1)], [(8, 2), (9, 1)]) == near([(7, 0.5), (8, 0.5), (9, 0)])


def test_only_the_ratios_of_the_weights_matter():
    lists = [(4, 10), (2, 6), (7, 2)], [(2, 3), (4, 1)]
    assert fuse(*lists, weights=[4, 6]) == near(fuse(*lists, weights=[0.4, 0.6]))


def test_the_scale_and_the_origin_of_a_lists_scores_do_not_matter():
    first, second = [(4, 10), (2, 6), (7, 2)], [(2, 3), (4, 1)]
    moved = [(row, 5 * score - 100) for row, score in first]
    assert fuse(moved, second, weights=[0.4, 0.6]) == near(fuse(first, second, weights=[0.4, 0.6]))


def test_a_single_hit_counts_as_a_best_one():
    assert fuse([(5, -3.5)]) == near([(5, 1)])
    assert fuse([(5, -3.5)], [(6, 9), (5, 1)], weights=[0.3, 0.7]) == near([(6, 0.7), (5, 0.3)])


def test_hits_of_equal_scores_all_count_as_best_ones():
    assert fuse([(3, 2), (5, 2), (9, 2)]) == near([(3, 1), (5, 1), (9, 1)])


# ----------------------------------------------------------------------------- reciprocal ranks


def test_reciprocal_ranks_by_hand():
    # 1 / (10 + rank), whatever the scores.
    first, second = [(4, 10), (2, 6), (7, 2)], [(2, 300), (4, -1)]
    expected = near([(2, 0.5 / 12 + 0.5 / 11), (4, 0.5 / 11 + 0.5 / 12), (7, 0.5 / 13)])
    assert fuse(first, second, method="reciprocal_rank") == expected
    expected = near([(2, 0.25 / 12 + 0.75 / 11), (4, 0.25 / 11 + 0.75 / 12), (7, 0.25 / 13)])
    assert fuse(first, second, weights=[1, 3], method="reciprocal_rank") == expected


# --------------------------------------------------------------------------------------- both


@ANY_METHOD
def test_ties_go_to_the_lower_row(method):
    assert [row for row, _ in fuse([(9, 2)], [(3, 1)], method=method)] == [3, 9]


@ANY_METHOD
def test_an_empty_list_takes_no_part(method):
    first = [(4, 10), (2, 6), (7, 2)]
    fused = fuse(first, [], weights=[0.5, 0.5], method=method)
    assert [row for row, _ in fused] == [4, 2, 7]
    assert fuse([], [], method=method) == []


@ANY_METHOD
def test_only_the_best_k_are_kept(method):
    assert [row for row, _ in fuse([(4, 3), (2, 2), (7, 1)], k=2, method=method)] == [4, 2]


@ANY_METHOD
def test_more_room_than_hits_is_filled_up(method):
    hits = fuse_hits([make_hits([(4, 3)], [])], [1], 3, method)
    assert hits.rows.tolist() == [[4, NO_ROW, NO_ROW], [NO_ROW] * 3]
    assert hits.rows.dtype == np.int64
    assert hits.scores.dtype == np.float32


@ANY_METHOD
def test_questions_do_not_mix(method):
    first, second = (
        make_hits([(1, 2), (2, 1)], [(5, 9), (6, 1)]),
        make_hits([(2, 2), (1, 1)], [(6, 4), (7, 3)]),
    )
    together = fuse_hits([first, second], [0.7, 0.3], 3, method)
    for number in range(2):
        alone = fuse_hits(
            [hits.select(slice(number, number + 1)) for hits in (first, second)], [0.7, 0.3], 3, method
        )
        np.testing.assert_array_equal(together.rows[number], alone.rows[0])
        np.testing.assert_array_equal(together.scores[number], alone.scores[0])


@ANY_METHOD
def test_lists_of_different_lengths_are_fused(method):
    short, long = make_hits([(1, 2)]), make_hits([(3, 9), (1, 5), (2, 1)])
    assert list_hits(fuse_hits([short, long], [1, 1], 4, method)) == [[1, 3, 2]]


RANKED = st.dictionaries(st.integers(0, 15), st.integers(-9, 9), max_size=8).map(
    lambda scores: sorted(scores.items(), key=lambda pair: (-pair[1], pair[0]))
)


@ANY_METHOD
@settings(deadline=None)
@given(ranked=RANKED, weight=st.floats(0.01, 10))
def test_fusing_one_list_keeps_its_order(method, ranked, weight):
    assert [row for row, _ in fuse(ranked, weights=[weight], method=method)] == [row for row, _ in ranked]


@ANY_METHOD
@settings(deadline=None)
@given(lists=st.lists(RANKED, min_size=1, max_size=4), data=st.data())
def test_it_is_the_weighted_sum_of_what_each_list_says(method, lists, data):
    weights = data.draw(st.lists(st.sampled_from([1, 2, 4, 8]), min_size=len(lists), max_size=len(lists)))
    total = {}
    for ranked, weight in zip(lists, weights, strict=True):
        scores = [score for _, score in ranked]
        for rank, (row, score) in enumerate(ranked, start=1):
            spread = max(scores) - min(scores)
            scaled = (score - min(scores)) / spread if spread else 1
            part = scaled if method == "convex" else 1 / (10 + rank)
            total[row] = total.get(row, 0) + weight / sum(weights) * part
    found = dict(fuse(*lists, weights=weights, k=99, method=method))
    assert found == {row: pytest.approx(score, abs=1e-6) for row, score in total.items()}
    scores = [total[row] for row in found]
    assert scores == pytest.approx(sorted(scores, reverse=True), abs=1e-6)


@ANY_METHOD
@settings(deadline=None)
@given(lists=st.lists(RANKED, min_size=2, max_size=3), seed=st.integers(0, 99))
def test_the_order_of_the_lists_does_not_matter(method, lists, seed):
    weights = [1, 2, 4][: len(lists)]
    order = np.random.default_rng(seed).permutation(len(lists))
    shuffled = fuse(*[lists[i] for i in order], weights=[weights[i] for i in order], method=method, k=99)
    assert dict(shuffled) == dict(near(fuse(*lists, weights=weights, method=method, k=99)))
