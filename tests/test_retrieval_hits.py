"""Merging hits: the best of all parts, ties by row."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from science_exam.retrieval.hits import NO_ROW, Hits, merge_hits, no_hits


def make_hits(pairs_per_query, k):
    """Hits from (row, score) pairs of each query, in any order."""
    hits = no_hits(len(pairs_per_query), k)
    for query, pairs in enumerate(pairs_per_query):
        for place, (row, score) in enumerate(sorted(pairs, key=lambda pair: (-pair[1], pair[0]))[:k]):
            hits.rows[query, place], hits.scores[query, place] = row, score
    return hits


# Few different scores, so that many are equal; a row comes once.
QUERY = st.dictionaries(st.integers(0, 30), st.sampled_from([0.25, 0.5, 1.0, 2.0]), max_size=12)


@given(st.lists(QUERY, max_size=4), st.integers(1, 8), st.integers(1, 4))
def test_merged_parts_are_the_best_of_the_whole(queries, k, n_parts):
    parts = [
        make_hits([[(r, s) for r, s in query.items() if r % n_parts == part] for query in queries], k)
        for part in range(n_parts)
    ]
    expected = make_hits([query.items() for query in queries], k)
    merged = merge_hits(parts, k)
    assert np.array_equal(merged.rows, expected.rows)
    assert np.array_equal(merged.scores, expected.scores)


def test_equal_scores_are_ordered_by_row_whatever_the_order_of_the_parts():
    late, early = make_hits([[(7, 1.0)]], 2), make_hits([[(3, 1.0), (5, 1.0)]], 2)
    for parts in ([late, early], [early, late]):
        assert merge_hits(parts, 2).rows.tolist() == [[3, 5]]


def test_merging_keeps_the_types_and_fills_up():
    merged = merge_hits(iter([no_hits(2, 3), make_hits([[(4, 0.5)], []], 3)]), 3)
    assert merged.rows.dtype == np.int64 and merged.scores.dtype == np.float32
    assert merged.rows.tolist() == [[4, NO_ROW, NO_ROW], [NO_ROW] * 3]
    assert merged.scores.tolist() == [[0.5, -np.inf, -np.inf], [-np.inf] * 3]


def test_more_is_asked_for_than_there_is():
    assert merge_hits([make_hits([[(1, 1.0)]], 1), make_hits([[(0, 2.0)]], 1)], 5).rows.tolist() == [[0, 1]]


def test_no_hits_and_selection():
    hits = no_hits(3, 2)
    assert len(hits) == 3 and hits.rows.shape == (3, 2) and (hits.rows == NO_ROW).all()
    assert hits.select(slice(1, 3)).scores.shape == (2, 2)
    assert len(no_hits(0, 2)) == 0
    both = Hits(np.array([[1], [2]]), np.array([[0.5], [0.25]], dtype=np.float32))
    assert both.select(np.array([1, 0])).rows.tolist() == [[2], [1]]
