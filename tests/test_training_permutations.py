from collections import Counter
from dataclasses import replace
from itertools import pairwise

import pytest
from conftest import KINDS
from hypothesis import given, settings
from hypothesis import strategies as st

from science_exam.prompt import Question, join_contexts
from science_exam.training.examples import build_examples
from science_exam.training.permutations import permute_options


def make_questions(answers):
    options = ("red", "green", "blue", "white", "black")
    return [Question(f"q{i}", "Which colour?", options, answer) for i, answer in enumerate(answers)]


def divide(permuted, n_orders):
    return [permuted[start : start + n_orders] for start in range(0, len(permuted), n_orders)]


def test_one_order_is_the_order_given():
    questions = make_questions([1, 5, 3])
    assert permute_options(questions, 1, seed=0) == questions


@settings(deadline=None)
@given(
    answers=st.lists(st.integers(1, 5), min_size=1, max_size=8),
    n_orders=st.integers(1, 120),
    seed=st.integers(0, 3),
)
def test_orders_are_distinct_begin_as_given_and_keep_the_right_option(answers, n_orders, seed):
    questions = make_questions(answers)
    groups = divide(permute_options(questions, n_orders, seed), n_orders)
    assert len(groups) == len(questions)
    for question, orders in zip(questions, groups, strict=True):
        assert orders[0] == question
        assert len({order.options for order in orders}) == n_orders
        assert {tuple(sorted(order.options)) for order in orders} == {tuple(sorted(question.options))}
        right = question.options[question.answer - 1]
        assert {order.options[order.answer - 1] for order in orders} == {right}
        assert {order.question_id for order in orders} == {question.question_id}
        places = Counter(order.answer for order in orders)
        assert max(places.values()) - min(places[place] for place in range(1, 6)) <= 1


def test_all_orders_of_five_options_are_120():
    orders = permute_options(make_questions([2]), 120, seed=1)
    assert Counter(order.answer for order in orders) == dict.fromkeys(range(1, 6), 24)


def test_the_example_of_the_docstring():
    permuted = permute_options(make_questions([1, 1, 2]), 2, seed=0)
    assert sorted(question.answer for question in permuted[1::2]) == [3, 4, 5]


def test_answers_that_lean_to_one_letter_are_evened_out():
    questions = make_questions([1] * 40 + [2, 3, 4, 5] * 15)  # 40% of 100
    places = Counter(question.answer for question in permute_options(questions, 2, seed=0))
    assert places == dict.fromkeys(range(1, 6), 40)


def test_equal_options_are_told_apart_by_their_place():
    question = Question("q", "Which?", ("", "", "", "", "right"), 5)
    orders = permute_options([question], 5, seed=0)
    assert sorted(order.answer for order in orders) == [1, 2, 3, 4, 5]
    assert all(order.options[order.answer - 1] == "right" for order in orders)


def test_the_seed_decides():
    questions = make_questions([1, 2, 3, 4, 5])
    assert permute_options(questions, 5, seed=0) == permute_options(questions, 5, seed=0)
    assert permute_options(questions, 5, seed=0) != permute_options(questions, 5, seed=1)


@pytest.mark.parametrize("kind", KINDS)
def test_rows_of_one_question_stand_together_and_share_context_and_question(bases, question_set, kind):
    tokenizer = bases[kind].tokenizer
    asked = join_contexts(question_set.questions.head(4), question_set.contexts, 2)
    rows = build_examples(permute_options(asked, 3, seed=0), tokenizer, 600)
    assert [row["group"] for row in rows] == [q.question_id for q in asked for _ in range(3)]
    for question, group in zip(asked, divide(rows, 3), strict=True):
        bare = replace(question, options=("",) * 5)
        [alone] = build_examples([bare], tokenizer, 600)
        n_common = len(alone["input_ids"]) // 2  # well inside context and question
        assert all(a["input_ids"][:n_common] == b["input_ids"][:n_common] for a, b in pairwise(group))
