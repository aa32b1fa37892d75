"""What sort of text an option is, and how one is made to look like others."""

from decimal import Decimal
from fractions import Fraction
from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from science_exam.questions.wrong_options.option_numbers import parse_number, propose_numbers, read_value
from science_exam.questions.wrong_options.option_references import (
    claims_all,
    refers_to_all,
    refers_to_items,
    refers_to_letters,
)
from science_exam.questions.wrong_options.option_types import Lexicon, describe_option, find_head, format_like
from science_exam.questions.wrong_options.prompt_forms import asks_for_any, asks_for_exception, read_frame

LEXICON = Lexicon.learn(
    [
        "the planet can melt ice",
        "a cell will divide",
        "it has to divide",
        "red giant stars",
        "the comet of gas",
    ]
)
TEXTS = st.text(max_size=60)


@pytest.mark.parametrize(
    "text", ["Both A and B", "A and C only", "(b) & (d)", "A, B and D", "options A or B"]
)
def test_options_that_name_others_by_letter_are_told(text):
    assert refers_to_letters(text)


@pytest.mark.parametrize("text", ["vitamins A and C", "A", "hepatitis B", "a and the", "blood group AB", ""])
def test_letters_that_mean_something_else_are_no_references(text):
    assert not refers_to_letters(text)


@pytest.mark.parametrize("text", ["I and III only", "II only", "1 and 4 only", "I, II, and III", "I and II"])
def test_options_that_name_numbered_statements_are_told(text):
    assert refers_to_items(text)


@pytest.mark.parametrize("text", ["3", "10, 20", "X", "mix", "phase I trial"])
def test_numbers_are_no_numbered_statements(text):
    assert not refers_to_items(text)


@pytest.mark.parametrize(
    "text", ["All of the above", "both of these", "all these", "Both", "all of the above."]
)
def test_options_that_claim_all_others_are_told(text):
    assert refers_to_all(text)
    assert claims_all(text)


@pytest.mark.parametrize("text", ["None of the above", "neither", "none of these"])
def test_none_of_the_above_speaks_of_all_but_claims_none(text):
    assert refers_to_all(text)
    assert not claims_all(text)


@pytest.mark.parametrize("text", ["they repel each other", "all mammals", "above the horizon"])
def test_other_words_do_not_speak_of_all_options(text):
    assert not refers_to_all(text)


@pytest.mark.parametrize(
    ("text", "value"),
    [("0.5", Fraction(1, 2)), ("1/2", Fraction(1, 2)), ("50%", Fraction(1, 2)), ("five", 5), ("5.", 5),
     ("1,000", 1000), ("1.0 x 10^3", 1000), ("5 km", None), ("often", None), ("1/0", None)],
)  # fmt: skip
def test_the_value_of_a_bare_number_does_not_depend_on_its_writing(text, value):
    assert read_value(text) == value


@pytest.mark.parametrize("text", ["about 1,500 km", "$0.30", "−4 °C", "12 m/s^2", "3.20 x 10^5 m", "25%"])
def test_a_number_is_written_as_it_was_read(text):
    number = parse_number(text)
    assert number.write(number.value) == text


@pytest.mark.parametrize("text", ["three apples", "3 to 5", "10-20", "x^2", ""])
def test_what_is_more_than_a_number_is_none(text):
    assert parse_number(text) is None


def test_made_up_numbers_lie_on_the_grid_of_the_options():
    # Options 10, 20, 30, 40: the gap is 10, and nothing lies farther off than their span of 30.
    found = propose_numbers(parse_number("20 kg"), [Decimal(10), Decimal(30), Decimal(40)], [], Random(0))
    assert sorted(found) == ["50 kg", "60 kg", "70 kg"]


def test_numbers_that_were_seen_elsewhere_come_first():
    found = propose_numbers(parse_number("20 kg"), [Decimal(10), Decimal(30)], [Decimal(15)], Random(0))
    assert found[0] == "15 kg"


def test_a_lone_number_is_varied_with_its_digits():
    found = propose_numbers(parse_number("1,500 m"), [], [], Random(0))
    values = [parse_number(text).value for text in found]
    assert len(found) >= 4
    assert all(150 <= value <= 15000 and value != 1500 and value % 1 == 0 for value in values)
    assert all(text.endswith(" m") for text in found)


def test_years_stay_years_and_percentages_below_a_hundred():
    years = propose_numbers(parse_number("2020"), [], [], Random(0))
    assert years and all(1000 <= int(text) <= 2025 for text in years)
    shares = propose_numbers(parse_number("90%"), [], [], Random(0))
    assert shares and all(float(text.rstrip("%")) <= 100 for text in shares)


@given(
    st.decimals(-1000000, 1000000, places=2), st.lists(st.decimals(-1000000, 1000000, places=2), max_size=3)
)
@settings(max_examples=50, deadline=None)
def test_made_up_numbers_are_new_and_of_the_sign_that_all_have(right, others):
    number = parse_number(f"{right} K")
    values = [parse_number(text).value for text in propose_numbers(number, others, [], Random(1))]
    assert len(set(values)) == len(values)
    assert not {right, *others} & set(values)
    assert min(right, *others, 0) < 0 or all(value >= 0 for value in values)
    assert max(right, *others, 0) > 0 or all(value <= 0 for value in values)


@pytest.mark.parametrize(
    ("text", "kind"),
    [("12 km", "number"), ("1905", "number"), ("increases", "verdict"), ("True, False", "verdict"),
     ("stays the same", "verdict"), ("2x + 1", "formula"), ("x = y", "formula"), ("…", "formula"),
     ("comet", "word"), ("red giant stars", "phrase"), ("evaporate the water", "statement"),
     ("Ice is lighter than water.", "statement"), ("by melting of old ice", "statement")],
)  # fmt: skip
def test_the_kind_of_an_option(text, kind):
    assert describe_option(text, LEXICON).kind == kind


def test_years_and_units_are_told_apart():
    assert describe_option("1905").unit == "year"
    assert describe_option("5 km").unit == describe_option("70 km").unit != describe_option("5 kg").unit


def test_names_plurals_and_verbs_are_told():
    assert describe_option("Isaac Newton", LEXICON).is_name
    assert not describe_option("Comet", LEXICON).is_name
    assert describe_option("red giant stars", LEXICON).plural
    assert not describe_option("the law of large numbers", LEXICON).plural
    assert describe_option("divide", LEXICON).form == "verb"
    assert describe_option("freezing water", LEXICON).form == "-ing"
    assert describe_option("a comet", LEXICON).form == "a"
    assert describe_option("porous", LEXICON).form == "adjective"


def test_the_head_of_a_phrase_is_the_noun_before_a_preposition():
    assert find_head("a change of state") == "change"
    assert find_head("liquid nitrogen") == "nitrogen"
    assert find_head("") == ""


def test_an_added_option_takes_capital_article_and_full_stop():
    assert format_like("comet", ["The planet.", "The moon."], LEXICON) == "The comet."
    assert format_like("the comet", ["planet", "moon"], LEXICON) == "comet"
    assert format_like("Comet.", ["planet", "moon"], LEXICON) == "comet"
    assert format_like("red giant", ["Black Hole", "White Dwarf"], LEXICON) == "Red Giant"
    assert format_like("red Giant", ["black hole", "white dwarf"], LEXICON) == "red giant"


def test_names_and_abbreviations_keep_their_letters():
    assert format_like("Jupiter", ["planet", "moon"], LEXICON) == "Jupiter"
    assert format_like("mRNA", ["Protein", "Lipid"], LEXICON) == "mRNA"
    assert format_like("DNA", ["protein", "lipid"], LEXICON) == "DNA"


@given(TEXTS, st.lists(TEXTS, min_size=1, max_size=4))
@settings(max_examples=50, deadline=None)
def test_any_text_is_described_and_adapted(text, options):
    describe_option(text, LEXICON)
    adapted = format_like(text, options, LEXICON)
    assert bool(adapted.strip(" .;,")) <= bool(text.strip())


@given(
    st.lists(st.sampled_from(["comet", "gas", "ice", "Jupiter", "red"]), min_size=1, max_size=4).map(
        " ".join
    ),
    st.lists(
        st.sampled_from(["planet", "Moon", "The sun.", "the star", "Black Hole"]), min_size=1, max_size=4
    ),
)
def test_adapting_twice_changes_no_more(text, options):
    once = format_like(text, options, LEXICON)
    assert format_like(once, options, LEXICON) == once


@pytest.mark.parametrize(
    "prompt",
    ["Which of these is NOT a metal?", "All are planets except", "Bats cannot", "Which animal does not fly?",
     "Which is the least dense?", "All of these are gases, but"],
)  # fmt: skip
def test_questions_for_the_exception_are_told(prompt):
    assert asks_for_exception(prompt)


@pytest.mark.parametrize(
    "prompt", ["Why is ice less dense than water?", "Water that does not flow is called what?"]
)
def test_other_questions_ask_for_no_exception(prompt):
    assert not asks_for_exception(prompt)


def test_questions_with_many_answers_are_told():
    assert asks_for_any("Which of these is an example of a solvent?")
    assert not asks_for_any("What is the largest planet called?")


def test_the_frame_is_the_asking_word_or_the_last_one():
    assert read_frame("Sand is hot. How does it cool?") == "how?"
    assert read_frame("Sand cools because ____.") == "because"
    assert read_frame("Which one?") == read_frame("What is it?") == "what?"
    assert read_frame("") == ""
