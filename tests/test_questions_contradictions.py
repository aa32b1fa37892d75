"""Rows of one prompt that cannot both be right."""

import numpy as np
import pytest

from science_exam.questions.repeats import contradictions
from science_exam.questions.repeats.contradictions import find_contradicting
from science_exam.questions.repeats.wording import hash_text, normalise_text


def contradicting(*rows):
    """Of (prompt, right option, wrong options …)."""
    prompts, rights = (
        np.array([hash_text(normalise_text(row[place])) for row in rows], dtype=np.uint64) for place in (0, 1)
    )
    return find_contradicting(
        prompts, rights, lambda numbers: {number: (rows[number][0], rows[number][1:]) for number in numbers}
    )


def test_no_rows_contradict_nobody():
    assert contradicting() == {}


def test_both_rows_are_listed_where_the_right_option_of_one_is_wrong_in_the_other():
    assert contradicting(("Who?", "Ann", "Ben"), ("who", "ben", "Cid")) == {0: 1, 1: 0}


def test_other_right_options_that_are_nowhere_wrong_make_other_questions():
    assert contradicting(("Which is a metal?", "tin", "wood"), ("Which is a metal?", "zinc", "clay")) == {}


def test_the_same_options_below_another_prompt_are_no_contradiction():
    assert contradicting(("Who won?", "Ann", "Ben"), ("Who lost?", "Ben", "Ann")) == {}


def test_rows_that_agree_with_a_denied_one_are_denied_too():
    rows = [("Who?", "Ann", "Cid"), ("Who?", "Ann", "Dan"), ("Who?", "Ben", "Ann"), ("Who?", "Eve", "Cid")]
    assert contradicting(*rows) == {0: 2, 1: 2, 2: 0}


def test_an_option_that_is_right_and_wrong_in_one_row_contradicts_no_other():
    assert contradicting(("Who?", "Ann", "ann"), ("Who?", "Ben", "Cid")) == {}


@pytest.mark.parametrize("rows_at_once", [1, 3, 100])
def test_groups_are_fetched_some_at_a_time_with_the_same_result(monkeypatch, rows_at_once):
    monkeypatch.setattr(contradictions, "ROWS_AT_ONCE", rows_at_once)
    rows = [(f"Question {n // 2}?", ("yes", "no")[n % 2], ("no", "yes")[n % 2]) for n in range(20)]
    assert contradicting(*rows) == {n: n ^ 1 for n in range(20)}


def test_thousands_of_rows_of_one_prompt_are_compared_quickly():
    rows = [("True or false?", *(("true", "false") if n % 2 else ("false", "true"))) for n in range(20_000)]
    assert len(contradicting(*rows)) == 20_000
