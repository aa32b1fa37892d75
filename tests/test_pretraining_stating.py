"""Questions as statements with a slot for an option."""

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from science_exam.pretraining.stating import SLOT, make_template


@pytest.mark.parametrize(
    "prompt, templates",
    [
        ("What is the unit of force?", {"the unit of force is {}", "{} is the unit of force"}),
        ("When was the first dynamo built?", {"the first dynamo was built in {}"}),
        ("What does a barometer measure?", {"a barometer measure {}"}),
        ("When did the comet return?", {"the comet return in {}"}),
        ("Who discovered polonium?", {"{} discovered polonium"}),
        ("Which enzyme is found in saliva?", {"{} is found in saliva"}),
        ("Which metal is liquid at room temperature?", {"{} is liquid at room temperature"}),
        ("In which organ does bile form?", {"bile form in {}"}),
        ("Which of these leads to rust?", {"{} leads to rust"}),
        ("Which of the following statements accurately describes osmosis?", {"{}", "osmosis: {}"}),
        ("The unit of force is ____.", {"The unit of force is {}"}),
        ("Sound is fastest in", {"Sound is fastest in {}"}),
        (
            "According to the text, what is the unit of force?",
            {"the unit of force is {}", "{} is the unit of force"},
        ),
        ("All magnets have which property?", {"All magnets have which property: {}"}),
    ],
)
def test_forms_of_questions(prompt, templates):
    assert {make_template(prompt, random.Random(seed)) for seed in range(30)} == templates


@given(st.text())
def test_any_text_gets_one_slot(prompt):
    template = make_template(prompt.replace("{", "").replace("}", ""), random.Random(0))
    assert template.count(SLOT) == 1
