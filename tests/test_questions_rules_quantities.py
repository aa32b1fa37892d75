"""Numbers with units and years, and wrong ones of the same form."""

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from science_exam.questions.generation.rules.phrases import Casing
from science_exam.questions.generation.rules.quantities import (
    MAX_SENTENCE_WORDS,
    MIN_YEARS,
    Quantity,
    ask_for_value,
    ask_for_year,
    collect_values,
    derive_values,
    derive_years,
    find_quantities,
)

CASING = Casing(frozenset(["the"]), frozenset())


def test_quantities_are_numbers_with_a_unit():
    text = "Ice of 3.5 kilometers holds 1,200 kg of dust, 12% salt and 7 fish."
    assert [q.text for q in find_quantities(text)] == ["3.5 kilometers", "1,200 kg", "12%"]


def test_a_quantity_is_blanked_with_its_unit():
    sentence = "Polar ice reaches a thickness of about 3.5 kilometers in the middle of the continent."
    (question,) = ask_for_value(sentence, {}, random.Random(0))
    assert question.prompt == (
        "Which value completes the statement: “Polar ice reaches a thickness of about _____ in the middle "
        "of the continent.”"
    )
    assert question.right.text == "3.5 kilometers"
    assert len(set(question.wrong)) == 4
    assert all(text.endswith(" kilometers") and len(text) == 14 for text in question.wrong)


@pytest.mark.parametrize(
    "sentence",
    [
        "Polar ice reaches a thickness of more than 3.5 kilometers in the middle.",  # so is 3 km
        "Polar ice reaches 2 to 3 kilometers in the middle of the continent.",
        "Polar ice reaches 3 kilometers here and 4 kilometers there on the continent.",
        "Polar ice makes up 25 percent, or one in four parts, of the mountain.",
    ],
)
def test_a_bound_a_range_and_several_numbers_are_not_asked_for(sentence):
    assert not list(ask_for_value(sentence, {}, random.Random(0)))


@pytest.mark.parametrize(
    "who",
    ["people", "patients", "adults", "women", "households", "the population", "the remaining villages"],
)
def test_figures_that_drift_with_the_years_are_not_asked_for(who):
    frame = "Clean glacier water reaches about 35% of {} in dry valleys of the northern mountains."
    assert not list(ask_for_value(frame.format(who), {}, random.Random(0)))
    assert list(ask_for_value(frame.format("the alpine plants"), {}, random.Random(0)))


@pytest.mark.parametrize(
    "talk",
    [
        "although thin snow covers it",
        "while the coast stays bare",
        "so that ships keep away",
        "as the picture of it tells",
        "which researchers told the press",
    ],
)
def test_talk_gives_no_question_for_a_number(talk):
    value = "Polar ice reaches a thickness of about 3.5 kilometers in the middle of the continent{}."
    year = "In 1911, Ada Berg drilled the first ice core of the northern continent{}."
    assert list(ask_for_value(value.format(""), {}, random.Random(0)))
    assert list(ask_for_year(year.format(""), {}, random.Random(0), CASING))
    assert not list(ask_for_value(value.format(f", {talk}"), {}, random.Random(0)))
    assert not list(ask_for_year(year.format(f", {talk}"), {}, random.Random(0), CASING))


def test_a_long_sentence_gives_no_question_for_a_number():
    value = "Polar ice reaches about 3.5 kilometers in{} valleys."
    # The number counts as two words: its point splits it.
    n_plain = len("Polar ice reaches about 3 5 kilometers in valleys".split())
    longest = value.format(" deep" * (MAX_SENTENCE_WORDS - n_plain))
    too_long = value.format(" deep" * (MAX_SENTENCE_WORDS - n_plain + 1))
    assert list(ask_for_value(longest, {}, random.Random(0)))
    assert not list(ask_for_value(too_long, {}, random.Random(0)))


def test_a_passive_sentence_becomes_a_question_for_the_year():
    sentence = "The first ice core was drilled by Ada Berg in 1911."
    (question,) = ask_for_year(sentence, {}, random.Random(0), CASING)
    assert question.prompt == "In which year was the first ice core drilled by Ada Berg?"
    assert question.right.text == "1911"


def test_another_sentence_is_completed_with_the_year():
    sentence = "In 1911, Ada Berg drilled the first ice core of the northern continent."
    (question,) = ask_for_year(sentence, {}, random.Random(0), CASING)
    assert question.prompt.startswith("Which year completes the statement: “In _____, Ada Berg")


def test_values_are_collected_by_unit():
    assert list(collect_values("In 1911, ice of 3 meters held 12 percent of salt.")) == [
        ("meters", 3.0),
        ("%", 12.0),
        ("year", 1911.0),
    ]


@given(st.integers(1500, 2025), st.lists(st.integers(1000, 2025)), st.integers())
def test_wrong_years_are_four_others_of_no_future(year, nearby, seed):
    wrong = derive_years(year, nearby, random.Random(seed))
    assert len({*wrong, str(year)}) == 5
    assert all(int(text) <= 2025 for text in wrong)
    assert all(abs(int(text) - year) >= MIN_YEARS for text in wrong)


def test_wrong_years_lie_near_and_those_of_recent_times_nearer():
    def find_farthest(year, nearby=()):
        drawn = [text for seed in range(50) for text in derive_years(year, list(nearby), random.Random(seed))]
        return max(abs(int(text) - year) for text in drawn)

    assert find_farthest(1990) < find_farthest(1890) <= 30
    assert find_farthest(1990, [1960, 2020]) == find_farthest(1990)  # met nearby, but too far away


def test_years_met_nearby_are_preferred():
    years = [1884, 1886, 1894, 1896, 1883, 1899, 1882, 1897]
    for seed in range(20):
        assert set(map(int, derive_years(1890, years, random.Random(seed)))) <= set(years)


@given(
    st.integers(1, 99_999), st.integers(0, 3), st.sampled_from([" km", "%", " million years"]), st.integers()
)
def test_wrong_values_have_the_form_of_the_right_one_and_are_not_near_it(digits, decimals, rest, seed):
    number = f"{digits / 10**decimals:.{decimals}f}"
    quantity = Quantity(number, rest)
    for text in derive_values(quantity, [], random.Random(seed)):
        assert text.endswith(rest)
        wrong = text.removesuffix(rest)
        assert len(wrong.partition(".")[2]) == decimals
        assert abs(float(wrong) - quantity.value) >= 0.25 * quantity.value - 1e-9


def test_wrong_percentages_stay_below_a_hundred():
    for seed in range(50):
        wrong = derive_values(Quantity("95", "%"), [], random.Random(seed))
        assert all(float(text.removesuffix("%")) < 100 for text in wrong)


def test_the_right_value_takes_every_rank():
    ranks = set()
    for seed in range(100):
        wrong = derive_values(Quantity("45", " km"), [], random.Random(seed))
        ranks.add(sum(float(text.split()[0]) < 45 for text in wrong))
    assert ranks == {0, 1, 2, 3, 4}
