"""Questions written out as instructions: options told apart for certain, or left out."""

import json
import string

import pytest
from hypothesis import given
from hypothesis import strategies as st

from science_exam.questions.adaptors.instructions import split_instruction
from science_exam.questions.adaptors.reading import read_drafts
from science_exam.questions.config import SourceConfig
from science_exam.questions.drafts import Tally
from science_exam.questions.rows.values import RowError

# Words that look like marks, beside others.
TRAPS = ["Answer1:", "Answer2:", "answer3", "Answer", "format:", "(A)", "(B)", "(E)", "(B)x", "Choices:", "/"]
TEXTS = st.lists(st.sampled_from(TRAPS) | st.text(string.ascii_letters + "():. \n", max_size=9), max_size=6)
WORDS = st.lists(st.text(string.ascii_letters + "(),", min_size=1, max_size=9), min_size=1, max_size=5)


def number_options(question, options):
    listed = " ".join(f"Answer{n}: {option}" for n, option in enumerate(options, 1))
    form = "/".join(f"answer{n}" for n in range(1, len(options) + 1))
    return (
        f"Please choose the correct answer to the question: {question}\n\n{listed}\n\nAnswer format: {form}"
    )


def letter_options(question, options):
    listed = " ".join(f"({letter}) {option}" for letter, option in zip("ABCDE", options, strict=False))
    return f"{question} Answer Choices: {listed}"


def normalise(options):
    return [option.strip() for option in options]


def test_there_may_be_more_numbered_options_than_five():
    assert split_instruction(number_options("Why?", list("abcdefghijk"))) == ("Why?", list("abcdefghijk"))


@pytest.mark.parametrize("write", [number_options, letter_options])
@pytest.mark.parametrize("n", [2, 3, 4, 5])
def test_question_and_options_are_told_apart(write, n):
    options = ["ice (solid)", "the Answer to all", "A", "answer2, perhaps", "x: (y) (z)"][:n]
    assert split_instruction(write("What: (really) melts?", options)) == ("What: (really) melts?", options)


@given(WORDS, st.lists(WORDS, min_size=2, max_size=5))
def test_plain_words_always_come_back(question, options):
    question, options = " ".join(question), [" ".join(words) for words in options]
    marks = {"(A)", "(B)", "(C)", "(D)", "(E)"}
    assert split_instruction(number_options(question, options)) == (question, options)
    if not any(marks & set(option.split()) for option in options):
        assert split_instruction(letter_options(question, options)) == (question, options)


@given(TEXTS, st.lists(TEXTS, min_size=2, max_size=5))
def test_numbered_options_come_back_or_are_refused_whatever_is_in_them(question, options):
    question, options = " ".join(question), [" ".join(words) for words in options]
    try:
        found = split_instruction(number_options(question, options))
    except RowError:
        return
    assert found == (question.strip(), normalise(options))


@given(TEXTS, st.lists(TEXTS, min_size=5, max_size=5))
def test_five_lettered_options_come_back_or_are_refused_whatever_is_in_them(question, options):
    question, options = " ".join(question), [" ".join(words) for words in options]
    try:
        found = split_instruction(letter_options(question, options))
    except RowError:
        return
    assert found == (question.strip(), normalise(options))


@given(st.text())
def test_any_text_is_split_or_refused(text):
    try:
        _, options = split_instruction(text)
    except RowError:
        return
    assert options


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("Why?", "not multiple choice"),
        ("Is it so?\n\nAnswer format: true/false", "not multiple choice"),
        ("Why? Answer Choices: a, b or c", "not multiple choice"),
        (number_options("Why?", ["a", "b Answer1: c"]), "options not told apart"),
        (number_options("Why?", ["a", "b"]).replace("Answer2:", "Answer3:"), "options not told apart"),
        (letter_options("Why?", ["a", "(A) or (C)"]), "options not told apart"),
        (letter_options("Why?", ["a", "b", "c"]).replace("(B)", "-"), "options not told apart"),
        ("Why? Answer Choices: (A) a Answer Choices: (A) b", "options not told apart"),
    ],
)
def test_what_could_be_read_in_two_ways_is_not_guessed(text, reason):
    with pytest.raises(RowError) as caught:
        split_instruction(text)
    assert caught.value.reason == reason


@pytest.fixture
def read(tmp_path):
    def read_objects(*rows):
        path = tmp_path / "train.json"
        path.write_text(json.dumps([{"input": "", "output": "", **row} for row in rows]))
        dropped = Tally()
        drafts = list(read_drafts(SourceConfig(path=str(path)), dropped))
        return drafts, {reason: count for (_, reason), count in dropped.counts.items()}

    return read_objects


@pytest.mark.parametrize(
    ("write", "answer"),
    [(number_options, "answer2"), (number_options, "Answer2"), (letter_options, "B"), (letter_options, "b")],
)
def test_the_answer_names_the_right_option(read, write, answer):
    ((draft,), _) = read({"instruction": write("Why?", ["a", "b", "c"]), "answer": answer})
    assert (draft.prompt, draft.right, draft.wrong) == ("Why?", "b", ("a", "c"))


def test_rows_of_no_use_are_counted(read):
    whole = number_options("Why?", ["a", "b", "c"])
    drafts, dropped = read(
        {"instruction": whole, "answer": "answer4"},
        {"instruction": whole, "answer": "yes"},
        {"instruction": whole, "answer": ""},
        {"instruction": whole, "answer": None},
        {"instruction": number_options("", ["a", "b"]), "answer": "answer1"},
        {"instruction": "Add 2 and 2.", "answer": "4"},
        {"instruction": number_options("Why?", ["a"]), "answer": "answer1"},
        {"instruction": None, "answer": "answer1"},
    )
    assert drafts == []
    assert dropped == {
        "answer names no option": 2,
        "no answer": 2,
        "no question": 1,
        "not multiple choice": 2,
        "fewer than two options": 1,
    }
