"""The overlap of two texts, by hand."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from science_exam.overlap import measure_overlap, word_triples


def test_runs_of_three_lower_case_words():
    assert word_triples("Ice melts at 273 K.") == {"ice melts at", "melts at 273", "at 273 k"}


@pytest.mark.parametrize(
    ("text", "runs"),
    [
        ("Ice melts slowly", {"ice melts slowly"}),
        ("Ice melts", {"ice melts"}),
        ("Ice", {"ice"}),
        ("… – !", {""}),
        ("", {""}),
    ],
)
def test_a_text_of_up_to_three_words_is_one_run(text, runs):
    assert word_triples(text) == runs


def test_punctuation_case_and_white_space_do_not_count_but_accents_do():
    assert word_triples("ICE, melts\n(at)\t273") == word_triples("ice melts at 273")
    assert word_triples("Ångström is small") == {"ångström is small"}
    assert word_triples("Angstrom is small") != word_triples("Ångström is small")


def test_words_are_letters_digits_and_underscores_of_any_script():
    assert word_triples("Вода кипит при 100°C") == {"вода кипит при", "кипит при 100", "при 100 c"}


def test_a_repeated_run_counts_once():
    assert word_triples("a b c a b c") == {"a b c", "b c a", "c a b"}


def test_overlap_is_what_both_have_of_what_either_has():
    # abc bcd cde of the one, bcd cde def of the other: 2 of 4.
    assert measure_overlap(word_triples("a b c d e"), word_triples("b c d e f")) == 0.5
    assert measure_overlap({"a"}, {"a", "b", "c"}) == pytest.approx(1 / 3)
    assert measure_overlap({"a"}, {"b"}) == 0
    assert measure_overlap({"a"}, set()) == 0


WORDS = st.lists(st.sampled_from("abcd"), max_size=12).map(" ".join)


@given(WORDS, WORDS)
def test_overlap_is_symmetric_from_0_to_1_and_1_for_the_same_runs_alone(one, other):
    a, b = word_triples(one), word_triples(other)
    assert measure_overlap(a, b) == measure_overlap(b, a)
    assert 0 <= measure_overlap(a, b) <= 1
    assert (measure_overlap(a, b) == 1) == (a == b)
    assert measure_overlap(a, a) == 1


@given(st.text())
def test_any_text_has_a_run(text):
    assert word_triples(text)
