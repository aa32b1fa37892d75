from dataclasses import replace

import pytest
from conftest import KINDS, LLAMA

from science_exam.answering.examining import make_pass
from science_exam.answering.views import list_orders, reorder
from science_exam.prompt import encode_prompt, join_contexts

ORDERS = list_orders(5, 3, seed=0)


@pytest.fixture
def asked(question_set):
    return join_contexts(question_set.questions.head(5), question_set.contexts, 2)


@pytest.mark.parametrize("kind", KINDS)
def test_questions_encoded_together_are_what_each_is_in_each_order(bases, asked, kind):
    tokenizer = bases[kind].tokenizer
    one = make_pass(asked, tokenizer, 600, ORDERS, "a", None)
    expected = [[encode_prompt(reorder(q, order), tokenizer, 600) for order in ORDERS] for q in asked]
    assert one.encode([3, 0]) == [expected[3], expected[0]]
    assert one.encode([]) == []


def test_a_question_that_cannot_fit_has_no_prompts_and_takes_none_from_the_others(bases, asked):
    tokenizer = bases[LLAMA].tokenizer
    long = replace(asked[1], prompt="Which? " * 500)
    one = make_pass([asked[0], long, asked[2]], tokenizer, 600, ORDERS, "a", None)
    found = one.encode([2, 1, 0])
    assert found[1] is None
    assert [found[0], found[2]] == one.encode([2]) + one.encode([0])
