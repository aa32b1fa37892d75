"""Questions become queries, and the hits of a question's queries become one list."""

from itertools import chain

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from small_library import list_hits, make_hits, make_questions

from science_exam.retrieval.hits import NO_ROW
from science_exam.retrieval.queries import QUERY_FORMS, merge_queries, write_queries

OPTIONS = ["red", "blue", "green", "white", "black"]


def test_the_question_alone():
    questions = make_questions("Which colour?", "Why?", options=OPTIONS)
    assert write_queries(questions, "question") == [["Which colour?"], ["Why?"]]


def test_the_question_with_all_options_behind_it():
    questions = make_questions("Which colour?", options=OPTIONS)
    assert write_queries(questions, "all_options") == [["Which colour? red blue green white black"]]


def test_the_question_with_one_option_each():
    queries = write_queries(make_questions("Which colour?", "Why?", options=OPTIONS), "each_option")
    assert queries[0] == [f"Which colour? {option}" for option in OPTIONS]
    assert queries[1][4] == "Why? black"


def test_an_empty_option_leaves_no_space_behind():
    questions = make_questions("Which colour?", options=["", "", "", "", ""])
    assert write_queries(questions, "all_options") == [["Which colour?"]]
    assert write_queries(questions, "each_option") == [["Which colour?"] * 5]


@pytest.mark.parametrize("form", QUERY_FORMS)
def test_the_order_is_the_tables_whatever_its_index(form):
    questions = make_questions("first", "second", "third", options=OPTIONS)
    selected = questions[questions["prompt"] != "first"][::-1]
    queries = write_queries(selected, form)
    assert [own[0].split()[0] for own in queries] == ["third", "second"]
    assert len({len(own) for own in queries}) == 1


def test_of_one_query_a_question_the_first_hits_are_kept():
    hits = make_hits([(4, 9), (2, 5), (7, 1)], [(3, 2)])
    merged = merge_queries(hits, per_question=1, k=2)
    assert merged.rows.tolist() == [[4, 2], [3, NO_ROW]]
    assert merged.scores.tolist() == [[9, 5], [2, -np.inf]]


def test_a_passage_keeps_its_best_score_by_hand():
    hits = make_hits(
        [(4, 9), (2, 5), (7, 1)],  # the first question's two queries
        [(2, 8), (1, 5), (4, 3)],
        [(6, 3)],  # the second's
        [],
    )
    merged = merge_queries(hits, per_question=2, k=3)
    assert merged.rows.tolist() == [[4, 2, 1], [6, NO_ROW, NO_ROW]]
    assert merged.scores.tolist() == [[9, 8, 5], [3, -np.inf, -np.inf]]


def test_equal_scores_are_ordered_by_row():
    hits = make_hits([(9, 2), (5, 1)], [(3, 2), (1, 1)])
    assert list_hits(merge_queries(hits, per_question=2, k=4)) == [[3, 9, 1, 5]]


def test_questions_without_any_hit_stay_without():
    hits = make_hits([], [], [], [], k=3)
    merged = merge_queries(hits, per_question=2, k=3)
    assert list_hits(merged) == [[], []]
    assert np.isneginf(merged.scores).all()


RANKED = st.dictionaries(st.integers(0, 12), st.integers(-4, 4), max_size=6).map(
    lambda scores: sorted(scores.items(), key=lambda pair: (-pair[1], pair[0]))
)


@settings(deadline=None)
@given(
    queries=st.lists(RANKED, min_size=6, max_size=6),
    per_question=st.sampled_from([2, 3, 6]),
    k=st.integers(1, 9),
)
def test_merging_keeps_the_best_of_every_passage(queries, per_question, k):
    merged = merge_queries(make_hits(*queries, k=6), per_question, k)
    assert merged.rows.shape == merged.scores.shape == (6 // per_question, k)
    for number, (rows, scores) in enumerate(zip(merged.rows, merged.scores, strict=True)):
        best = {}
        for row, score in chain(*queries[number * per_question : (number + 1) * per_question]):
            best[row] = max(score, best.get(row, score))
        expected = sorted(best.items(), key=lambda pair: (-pair[1], pair[0]))[:k]
        assert list(zip(rows.tolist(), scores.tolist(), strict=True))[: len(expected)] == expected
        assert (rows[len(expected) :] == NO_ROW).all()
        assert np.isneginf(scores[len(expected) :]).all()
