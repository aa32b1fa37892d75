"""Replies of language models: what is mended, what is dropped, and under which name."""

import json
from pathlib import Path

import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from science_exam.questions.generation.engines import Passage
from science_exam.questions.generation.replies.answers import find_answers, read_answer
from science_exam.questions.generation.replies.malformed import Malformed
from science_exam.questions.generation.replies.reading import read_reply

pytestmark = pytest.mark.usefixtures("no_collection")

MODEL_OUTPUTS = Path(__file__).parents[2] / "shared" / "data" / "model_outputs"
PASSAGE = Passage("p1", "a1", "Plant cells", "", "Plant cells\nChloroplasts absorb light.")
QUESTION = "What do chloroplasts do in a plant cell?"
OPTIONS = ("They absorb light", "They store starch", "They copy genes", "They pump sodium", "They digest fat")
LETTERED = dict(zip("ABCDE", OPTIONS, strict=True))
NUMBERED = {f"option_{number}": option for number, option in enumerate(OPTIONS, start=1)}
WHOLE = {"question": QUESTION, **NUMBERED, "answer": "option_3"}
TEXT = json.dumps(WHOLE)
PLAIN = "Question: {}\n{}\nAnswer: C\nExplanation: genes are copied elsewhere."
LINES = "\n".join(f"{letter}) {option}" for letter, option in LETTERED.items())


def read(text):
    return read_reply(text if isinstance(text, str) else json.dumps(text), PASSAGE, "local", "passage p1")


def change(**fields):
    return {**WHOLE, **fields}


def with_options(options, answer):
    return {"question": QUESTION, "options": options, "answer": answer}


def test_a_draft_knows_where_it_comes_from():
    draft = read(TEXT)
    assert (draft.prompt, draft.right) == (QUESTION, OPTIONS[2])
    assert draft.wrong == OPTIONS[:2] + OPTIONS[3:]
    assert (draft.contexts, draft.group, draft.passage_id) == ((PASSAGE.text,), "a1", "p1")
    assert (draft.source, draft.place, draft.generated) == ("local", "passage p1", True)


@pytest.mark.parametrize(
    "text",
    [
        f"Here is {{one}} question: {TEXT} I hope it helps!",
        f"```json\n{json.dumps(WHOLE, indent=2)}\n```",
        f'<think>Perhaps {{"question": "no"}}?</think>\n{TEXT}',
        f"So I write it down.</think>{TEXT}",
        TEXT.replace('"option_3"}', '"option_3",}'),
        str(WHOLE),
        str(WHOLE).replace("'question'", '"question"'),
        TEXT.replace('"', "”"),
        TEXT.replace('": "', "”: “").replace('", "', "”, “").replace('{"', "{“").replace('"}', "”}"),
        TEXT.replace("do in", "do\nin"),
        json.dumps({key.upper(): value for key, value in WHOLE.items()}),
        json.dumps({key.replace("_", " ").title(): value for key, value in WHOLE.items()}),
        json.dumps([WHOLE]),
        json.dumps({"result": {"questions": [WHOLE]}}),
        "{" + TEXT + "}",
        f"{TEXT}\n{TEXT}",
    ],
)
def test_what_stands_around_or_is_written_differently_does_not_matter(text):
    assert read(text) == read(TEXT)


@pytest.mark.parametrize(
    "reply",
    [
        {"question": QUESTION, **LETTERED, "answer": "C"},
        {
            "question": QUESTION,
            **{f"Option {key}": text for key, text in LETTERED.items()},
            "answer": "Option C",
        },
        with_options(list(OPTIONS), "C"),
        with_options(LETTERED, "(C)"),
        with_options([f"{key}) {text}" for key, text in LETTERED.items()], "C) They copy genes"),
        with_options([f"{number}. {text}" for number, text in enumerate(OPTIONS, start=1)], 3),
        with_options([f"{key}: {text}" for key, text in NUMBERED.items()], "3"),
        with_options([{"label": key, "text": text} for key, text in LETTERED.items()], "C"),
        with_options([{key: text} for key, text in LETTERED.items()], "C"),
        {"prompt": QUESTION, "choices": LETTERED, "correct_answer": "c"},
        PLAIN.format(QUESTION, LINES),
        PLAIN.format(QUESTION, LINES).replace("\n", " ").partition(" Explanation")[0],
        f"Sure!\n\n**Question:** {QUESTION}\n\n{LINES}\n\n**Correct answer:** C) They copy genes",
    ],
)
def test_other_common_forms_are_read(reply):
    assert read(reply) == read(TEXT)


@pytest.mark.parametrize(
    "answer",
    ["option_3", "Option 3", "C", "(C)", 3, "3", "C) They copy genes", "They copy  genes.", ["C"], "**C**"],
)
def test_an_answer_may_be_given_in_several_ways(answer):
    assert read(change(answer=answer)).right == OPTIONS[2]


@pytest.mark.parametrize(
    ("reply", "reason"),
    [
        ("", "no JSON object"),
        ("Chloroplasts absorb light.", "no JSON object"),
        ("I'm sorry, but I cannot write this question.", "refused"),
        ('{"fact": "Chloroplasts absorb light."}', "no question"),
        (TEXT[:90], "cut off"),
        (f"```json\n{TEXT[:-1]}\n```", "cut off"),
        ("<think>Which options could there be", "cut off"),
        (TEXT.replace("chloroplasts", 'the "green" parts'), "broken object"),
        (TEXT.replace("option_2", "option_1"), "repeated key"),
        (str(WHOLE).replace("option_2", "option_1"), "repeated key"),
        ([WHOLE, change(question="What do mitochondria do?")], "several questions"),
        (change(question=""), "no question"),
        (change(question="? ?"), "no question"),
        (change(option_6="They divide"), "not five options"),
        ({key: text for key, text in WHOLE.items() if key != "option_5"}, "not five options"),
        (with_options(list(OPTIONS[:4]), "C"), "not five options"),
        (with_options(list(OPTIONS), "C") | NUMBERED, "not five options"),
        (with_options([f"{key}) {LETTERED[key]}" for key in "BACDE"], "C"), "options out of order"),
        (change(option_5=" "), "empty option"),
        (change(option_5=None), "empty option"),
        (change(option_5=True), "value is no text"),
        (change(option_5="they absorb  light."), "equal options"),
        (change(option_5="..."), "placeholder"),
        (change(option_5="<option text>"), "placeholder"),
        (change(option_5="plausible but wrong option 5"), "placeholder"),
        ({"question": QUESTION, **{key: key for key in "ABCDE"}, "answer": "A"}, "placeholder"),
        (change(option_5="All of the above"), "option speaks of others"),
        (change(option_5="Both A and C"), "option speaks of others"),
        (change(question="What does the passage say of chloroplasts?"), "speaks of the passage"),
        (change(answer=None), "no answer"),
        (change(answer=""), "answer names no option"),
        (change(answer=0), "answer names no option"),
        (change(answer="option_6"), "answer names no option"),
        (change(answer="They make ribosomes"), "answer names no option"),
        (change(answer="B, C"), "several answers"),
        (change(answer=["B", "C"]), "several answers"),
        (change(answer="C) They pump sodium"), "several answers"),
        (change(correct_answer="option_1"), "several answers"),
        # It may count from 0 or from 1.
        (with_options(list(OPTIONS), 3), "number without numbered options"),
        ({"question": QUESTION, **LETTERED, "answer": 3}, "number without numbered options"),
        (PLAIN.format(QUESTION, LINES).replace("Answer: C", ""), "no answer"),
        (PLAIN.format(QUESTION, LINES) + "\nAnswer: D", "several answers"),
        (PLAIN.format(QUESTION, LINES[: LINES.index("E)")]), "not five options"),
        (PLAIN.format(QUESTION, LINES) * 2, "several questions"),
        # JSON reads \t, \f and \b as control characters: the formula's command has lost its first letter.
        (TEXT.replace("chloroplasts", r"\theta and \frac"), "broken escape"),
        (TEXT.replace("chloroplasts", r"\ud800"), "broken escape"),
    ],
)  # fmt: skip
def test_what_cannot_be_read_in_one_way_is_dropped_under_a_name(reply, reason):
    with pytest.raises(Malformed) as caught:
        read(reply)
    assert caught.value.reason == reason


def test_a_number_that_is_an_option_as_well_as_a_place_is_not_guessed():
    masses = {f"option_{number}": str(number + 1) for number in range(1, 6)}
    with pytest.raises(Malformed, match="several answers"):
        read({"question": "How many protons has boron?", **masses, "answer": "3"})
    assert read({"question": "How many protons has boron?", **masses, "answer": "option_3"}).right == "4"


@pytest.mark.parametrize(
    "options", [("1.5 m", "2.5 m", "3.5 m", "4.5 m", "5.5 m"), ("1:2", "2:3", "3:4", "4:5", "5:6")]
)
def test_numbers_that_begin_an_option_are_no_labels(options):
    assert read(with_options(list(options), "B")).right == options[1]


def test_an_opening_that_leans_on_the_passage_is_left_out():
    question = "According to the passage, what do chloroplasts do?"
    assert read(change(question=question)).prompt == "What do chloroplasts do?"


def test_formulas_keep_their_backslashes():
    assert read(TEXT.replace("chloroplasts", r"\(x\) and \alpha")).prompt.startswith(
        r"What do \(x\) and \alpha"
    )


@pytest.mark.parametrize(
    ("text", "answer"),
    [
        ("B", 2), ("b", 2), ("(E)", 5), ("option_4", 4), ("Answer: B", 2), ("C: Boron", 3), ("B. Boron", 2),
        ("The correct answer is:\n\nD: Iron", 4), ("The answer is D because ice floats.", 4), ("<B>", 2),
        ("D C B", None), ("E,C,B", None), ("B D -", None), ("- - -", None), ("", None), ("0", None),
        ("F", None), ("E. coli", None), ("A molecule of water", None), ("Answer: A molecule", None),
        ("3.5 mol", None), ("None of the options is right.", None), ("The answer is not B", None),
        ("Hepatitis B", None), ("Answer: B or D", None), ("Answer: B. On second thought, answer: C.", None),
    ],
)  # fmt: skip
def test_raw_answers_name_one_option_or_none(text, answer):
    assert read_answer(text) == answer


def test_an_option_that_looks_like_a_letter_is_told_by_its_text():
    options = ("S. aureus", "E. coli", "B. subtilis", "V. cholerae", "C. botulinum")
    assert find_answers("E. coli", options) == {2}
    assert find_answers("E. coli") == set()


needs_outputs = pytest.mark.skipif(not MODEL_OUTPUTS.is_dir(), reason=f"needs {MODEL_OUTPUTS}")


@needs_outputs
@pytest.mark.parametrize(("name", "n_one"), [("MairaRubab_5shot.csv", 190), ("MairaRubab_zeroshot.csv", 198)])
def test_real_answers_of_one_option_are_read(name, n_one):
    answers = pd.read_csv(MODEL_OUTPUTS / name)["output"]
    read_ones = answers[answers.map(lambda text: read_answer(text) is not None)]
    assert len(read_ones) == n_one
    # Where one letter is all there is, it must be the one that is read.
    for text in read_ones[read_ones.str.len() == 1]:
        assert read_answer(text) == "ABCDE".index(text) + 1


@needs_outputs
def test_real_rankings_are_not_taken_for_answers():
    rankings = pd.read_csv(MODEL_OUTPUTS / "favio_submission_llama2_13b_chat_00.csv")["prediction"]
    assert all(read_answer(text) is None for text in rankings)
    assert sum(len(find_answers(text)) > 1 for text in rankings) == 189


def try_reading(text):
    try:
        return read(text)
    except Malformed as fault:
        assert fault.reason
        return None


@given(st.text())
def test_any_text_is_read_or_malformed(text):
    try_reading(text)


@given(st.lists(st.sampled_from([*'{}[]"“”\\\n:,AB1)', "'", "question", "Answer: ", "options", "<think>"])))
def test_any_heap_of_marks_is_read_or_malformed(pieces):
    try_reading("".join(pieces))


@given(st.integers(0, len(TEXT)), st.integers(0, 8), st.text(max_size=3))
def test_a_damaged_reply_gives_five_different_options_or_none(start, length, patch):
    damaged = TEXT[:start] + patch + TEXT[start + length :]
    draft = try_reading(damaged)
    if draft is not None:
        assert len(set(draft.options)) == 5
        assert all(draft.options)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=9) | st.sampled_from(OPTIONS),
    lambda inner: (
        st.lists(inner, max_size=6) | st.dictionaries(st.sampled_from([*WHOLE, "options", "A"]), inner)
    ),
    max_leaves=12,
)


@given(st.fixed_dictionaries({"question": JSON, "answer": JSON}, optional=dict.fromkeys(NUMBERED, JSON)))
def test_any_object_is_read_or_malformed(value):
    try_reading(json.dumps(value))
    try_reading(repr(value))


@pytest.mark.parametrize(
    "text", ["{" * 50_000, '{"a":' * 20_000, "{" * 9_000 + "}" * 9_000, '"{' * 30_000, "A) " * 30_000]
)
def test_hostile_nesting_ends(text):
    assert try_reading(text) is None
