"""Which questions are unusable, which are mended, and that both are counted under their reason."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from science_exam.questions.building.quality import check_draft, mend_options, normalise
from science_exam.questions.config import QualityConfig
from science_exam.questions.drafts import Draft, Tally

LIMITS = QualityConfig()
SOUND = Draft(
    place="quiz.csv: row 7",
    source="quiz",
    prompt="Which gas do green plants take in for photosynthesis?",
    right="Carbon dioxide",
    wrong=("Oxygen", "Nitrogen", "Argon", "Methane"),
)


def check(draft, limits=LIMITS):
    dropped, mended = Tally(), Tally()
    return check_draft(draft, limits, dropped, mended), dropped, mended


def reason(draft, limits=LIMITS):
    checked, dropped, _ = check(draft, limits)
    assert checked is None
    [((source, found), n)] = dropped.counts.items()
    assert (source, n, dropped.places[source, found]) == ("quiz", 1, ["quiz.csv: row 7"])
    return found


def test_a_sound_question_passes_untouched():
    checked, dropped, mended = check(SOUND)
    assert checked == SOUND
    assert dropped.total() == mended.total() == 0


def test_empty_and_repeated_wrong_options_are_left_out_and_counted():
    draft = replace(SOUND, wrong=("Oxygen", "  ", "oxygen.", "CARBON DIOXIDE", "Argon"))
    checked, _, mended = check(draft)
    assert checked.wrong == ("Oxygen", "Argon")
    assert mended.counts == {
        ("quiz", "empty wrong option left out"): 1,
        ("quiz", "repeated option left out"): 2,
    }


def test_signs_inside_an_option_tell_it_from_others():
    draft = replace(SOUND, right="x - 1", wrong=("x + 1", "-x - 1", "x − 1"))
    assert mend_options(draft, Tally()).wrong == ("x + 1", "-x - 1", "x − 1")


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        ({"prompt": "  "}, "no question"),
        ({"right": " . "}, "no right option"),
        ({"prompt": "why " * 501}, "prompt too long"),
        ({"right": "a" * 1001}, "option too long"),
        ({"wrong": ("Oxygen", "Both A and B", "Argon")}, "options refer to letters"),
        ({"prompt": "Which organ is labelled in the figure?"}, "asks for what is not shown"),
        ({"prompt": "What is shown above?"}, "asks for what is not shown"),
        ({"prompt": "According to the passage, what do plants take in?"}, "asks for what is not shown"),
        ({"prompt": "Plants take in carbon dioxide; which gas is it?"}, "answer stands in the question"),
        (
            {"right": "Carbon dioxide, " + "which every green plant takes in by its leaves " * 2},
            "right option far longer",
        ),
    ],
)
def test_a_question_that_cannot_be_used_is_counted_under_its_reason(change, expected):
    assert reason(replace(SOUND, **change)) == expected


@pytest.mark.parametrize(
    "change",
    [
        {"prompt": "Which map of the genome was drawn first?"},
        {"prompt": "According to the passage, what is argon?", "contexts": ("Argon is a gas.",)},
        # All that is compared stands in the prompt.
        {"prompt": "Do plants take in carbon dioxide, oxygen, nitrogen, argon or methane?"},
        # Part of a word is not the word.
        {"prompt": "What do saltworks make?", "right": "salt", "wrong": ("sugar", "soap")},
        # Long options beside other long ones.
        {"right": "carbon " * 20, "wrong": ("oxygen " * 19, "argon " * 22)},
    ],
)
def test_what_only_resembles_a_fault_passes(change):
    draft = replace(SOUND, **change)
    assert check(draft)[0] == draft


def test_the_least_number_of_wrong_options_is_a_setting():
    draft = replace(SOUND, wrong=("Oxygen", "oxygen"))
    assert check(draft)[0].wrong == ("Oxygen",)
    assert reason(draft, QualityConfig(min_wrong=2)) == "too few wrong options"


@given(st.lists(st.text(), max_size=6), st.text())
def test_what_is_left_holds_no_option_twice_and_nothing_empty(wrong, right):
    mended = mend_options(replace(SOUND, right=right, wrong=tuple(wrong)), Tally())
    names = [normalise(option) for option in mended.wrong]
    assert "" not in names
    assert normalise(right) not in names
    assert len(set(names)) == len(names)
