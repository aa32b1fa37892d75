"""What counts of a question's words."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from science_exam.questions.repeats.wording import hash_text, join_options, list_content_words, normalise_text


@pytest.mark.parametrize(
    ("text", "plain"),
    [
        ("What is the “Roche  limit”?", "what is the roche limit"),
        ("LIGHT-YEAR, light–year\nlight year", "light year light year light year"),
        ("straße_STRASSE", "strasse strasse"),
        ("ﬁve Ångström", "five ångström"),
        ("Is −3 < 2.5?", "is - 3 < 2 . 5"),
        ("10% of 3/4, or 1:10", "10 % of 3 / 4 or 1 10"),
        ("The blank is ______.", "the blank is"),
        ("", ""),
        (" ? ", "?"),
    ],
)
def test_words_and_signs_of_formulas_are_left(text, plain):
    assert normalise_text(text) == plain


@pytest.mark.parametrize(
    ("one", "other"), [("x + 3", "x − 3"), ("2.5 m", "25 m"), ("a < b", "a > b"), ("3", "3%")]
)
def test_formulas_that_differ_stay_different(one, other):
    assert normalise_text(one) != normalise_text(other)


@given(st.text())
def test_only_nothing_becomes_nothing(text):
    assert bool(normalise_text(text)) == bool(text.strip())


def test_content_words_say_what_a_prompt_is_about():
    assert list_content_words("Which of the following statements accurately describes a glacier?") == {
        "glacier"
    }
    assert list_content_words("Which of the following is NOT true?") == frozenset()


def test_the_order_of_options_does_not_count():
    assert join_options(("Why?", ("b", "a"))) == join_options(("Why?", ("a", "b"))) == "Why? a b"


def test_a_text_has_the_same_code_in_every_process():
    # The first 8 bytes of BLAKE2b with that digest size, big end first.
    assert hash_text("") == 0xE4A6A0577479B2B4
    assert hash_text("ice") != hash_text("Ice")
