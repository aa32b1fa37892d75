"""Sentences that can be understood alone, and those that cannot."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from science_exam.questions.generation.rules.sentences import (
    has_strange_letters,
    is_self_contained,
    points_elsewhere,
    select_sentences,
    split_sentences,
)

GOOD = (
    "Glaciers are slowly moving bodies of ice that form where snow outlasts many summers.",
    "The heart is a muscle that moves blood through the vessels of the body.",
    "Hepatitis B is caused by a virus that attacks the liver.",
    "In 1911, Ada Berg measured the speed of sound in seawater at several depths.",
)
BAD = {
    "a pronoun": "They are slowly moving bodies of ice that form where snow outlasts many summers.",
    "a word that points back": "Glaciers move slowly, and this process forms deep valleys over many years.",
    "a figure": "Glaciers move slowly down the valleys that Figure 3 shows in profile.",
    "a first person": "Glaciers move slowly, and we measured their speed over many summers.",
    "the present": "Glaciers are currently retreating in most mountain ranges of the world.",
    "a citation": "Glaciers move slowly down valleys [12] and carry rocks for many kilometers.",
    "a formula": "The speed of glaciers grows with the slope as v = kx in most valleys.",
    "a lone letter": "The speed of glaciers grows with the slope x of the valley below them.",
    "a link": "Glaciers move slowly down valleys, as http://ice.example tells in many words.",
    "a connective": "However, glaciers move slowly down valleys and carry rocks for many kilometers.",
    "an exercise": "Suppose that glaciers move slowly down a valley and carry rocks with them.",
    "an order": "Find the speed of glaciers that move slowly down valleys with many rocks.",
    "advice": "Hikers should keep away from glaciers that move slowly down steep valleys.",
    "a study": "Glaciers moved slowly in the study and carried rocks for many kilometers.",
    "unnamed patients": "About half of affected people have a stiff neck and a fast heart rate at night.",
    "no end": "Glaciers move slowly down valleys and carry rocks for many kilometers",
    "a heading run in": "Slow rivers of ice The glaciers move slowly down valleys and carry rocks.",
    "an unknown subject": "The peninsula is covered with ice that moves slowly towards the sea.",
    "an unknown thing": "Melting water runs under the ice before the process is complete in summer.",
    "a list": "Glaciers carry (1) rocks and (2) sand for many kilometers down the valleys.",
    "too few words": "Glaciers move slowly.",
}


@pytest.mark.parametrize("sentence", GOOD)
def test_a_plain_statement_is_self_contained(sentence):
    assert is_self_contained(sentence)


@pytest.mark.parametrize("reason", BAD)
def test_a_sentence_is_not_self_contained_for(reason):
    assert not is_self_contained(BAD[reason])


def test_sentences_do_not_end_at_abbreviations_and_initials():
    text = "Ice\nDr. A. B. Stone drilled into the ice. St. Olaf lies near it. Nobody knew."
    assert split_sentences(text) == [
        "Dr. A. B. Stone drilled into the ice.",
        "St. Olaf lies near it.",
        "Nobody knew.",
    ]


def test_lines_are_not_joined_and_the_title_line_is_left_out():
    assert split_sentences("Ice > Motion\nHow ice moves\nIt flows.") == ["How ice moves", "It flows."]


def test_asides_in_brackets_are_left_out_of_selected_sentences():
    text = "Ice\nGlaciers (from a word for ice) are slowly moving bodies of ice that form from old snow."
    assert select_sentences(text) == ["Glaciers are slowly moving bodies of ice that form from old snow."]


def test_a_pointing_noun_that_says_which_one_is_meant_points_nowhere():
    assert points_elsewhere("heat given off by the process")
    assert not points_elsewhere("heat given off by the process of freezing")


def test_only_common_abbreviations_are_known():
    assert not has_strange_letters("DNA and RNA are copied in cells")
    assert has_strange_letters("the QXZ pathway is blocked")


@given(st.text())
def test_any_text_is_split_into_parts_of_it(text):
    for sentence in split_sentences(text):
        assert set(sentence.split()) <= set(text.split())
