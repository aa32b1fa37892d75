import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from science_exam.answering.views import list_orders, reorder, restore
from science_exam.prompt import Question


def test_the_first_orders_are_the_given_one_and_its_rotations():
    assert list_orders(5, 1, seed=0) == [(0, 1, 2, 3, 4)]
    orders = list_orders(5, 5, seed=0)
    for place in range(5):
        assert {order[place] for order in orders} == set(range(5))


@pytest.mark.parametrize("n_orders", [6, 60, 120])
def test_further_orders_are_distinct_and_seeded(n_orders):
    orders = list_orders(5, n_orders, seed=1)
    assert len(set(orders)) == n_orders
    assert orders == list_orders(5, n_orders, seed=1)
    if n_orders < 120:
        assert orders != list_orders(5, n_orders, seed=2)


def test_more_orders_than_there_are_is_a_mistake_of_the_caller():
    with pytest.raises(AssertionError, match="that many orders"):
        list_orders(3, 7, seed=0)


@given(st.permutations(range(5)))
def test_what_is_said_about_reordered_options_comes_back_in_the_questions_order(order):
    question = Question("q", "Which?", ("a", "b", "c", "d", "e"), answer=2)
    asked = reorder(question, order)
    values = np.array([[ord(text) for text in asked.options]] * 2)
    assert restore(values, order).tolist() == [[97, 98, 99, 100, 101]] * 2
    assert asked.answer is None
