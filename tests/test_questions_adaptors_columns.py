"""Sources of any layout, by a mapping of their columns: files and datasets."""

import gzip
import json

import pandas as pd
import pytest

from science_exam.errors import UserError
from science_exam.questions.adaptors.columns import find_answer
from science_exam.questions.adaptors.reading import read_drafts
from science_exam.questions.config import ColumnsConfig, SourceConfig
from science_exam.questions.drafts import Tally
from science_exam.questions.rows.values import RowError

BY_PLACE = ColumnsConfig(prompt="q", options=("w", "x", "y", "z"), answer="label")
IN_A_LIST = ColumnsConfig(prompt="q", options=("choices.text",), answer="key")


def read(path, columns, **settings):
    """Drafts, and how many rows were left out by reason."""
    dropped = Tally()
    source = SourceConfig(**{"format": "columns", "path": str(path), "columns": columns} | settings)
    drafts = list(read_drafts(source, dropped))
    return drafts, {reason: count for (_, reason), count in dropped.counts.items()}


def parts(draft):
    return draft.prompt, draft.right, list(draft.wrong)


@pytest.fixture
def write_json(tmp_path):
    def write(*rows):
        path = tmp_path / "quiz.jsonl"
        path.write_text("".join(json.dumps(row) + "\n" for row in rows))
        return path

    return write


def write_as(kind, frame, folder):
    path = folder / f"quiz.{kind}"
    writers = {
        "csv": lambda: frame.to_csv(path, index=False),
        "csv.gz": lambda: path.write_bytes(gzip.compress(frame.to_csv(index=False).encode())),
        "jsonl": lambda: frame.to_json(path, orient="records", lines=True),
        "json": lambda: frame.to_json(path, orient="records", indent=1),
        "parquet": lambda: frame.to_parquet(path),
    }
    writers[kind]()
    return path


@pytest.mark.parametrize("kind", ["csv", "csv.gz", "jsonl", "json", "parquet"])
@pytest.mark.parametrize("answers", [[2, 0], ["C", "a"], ["ice", "up"], ["(C)", "A."]])
def test_every_kind_of_file_and_every_form_of_answer_gives_the_same(tmp_path, kind, answers):
    frame = pd.DataFrame(
        {"q": ["What melts?", "Where?"], "w": ["air", "up"], "x": ["fire", "down"], "y": ["ice", "left"]}
    ).assign(z=["rock", "right"], label=answers, text="Ice floats.", topic=["heat", "space"])
    columns = ColumnsConfig(prompt="q", options=tuple("wxyz"), answer="label", context="text", group="topic")
    drafts, dropped = read(write_as(kind, frame, tmp_path), columns)
    assert [parts(draft) for draft in drafts] == [
        ("What melts?", "ice", ["air", "fire", "rock"]),
        ("Where?", "up", ["down", "left", "right"]),
    ]
    assert [(d.place, d.source, d.contexts, d.group) for d in drafts] == [
        (f"quiz.{kind}: row 1", "quiz", ("Ice floats.",), "heat"),
        (f"quiz.{kind}: row 2", "quiz", ("Ice floats.",), "space"),
    ]
    assert dropped == {}


@pytest.mark.parametrize(
    "choices",
    [
        {"choices": {"text": ["a", "b", "c"], "label": ["A", "B", "C"]}},
        {"choices": [{"text": "a"}, {"text": "b"}, {"text": "c"}]},
        {"choices.text": ["a", "b", "c"]},
    ],
)
def test_a_dotted_name_reaches_into_objects_and_lists_of_them(write_json, choices):
    drafts, _ = read(write_json({"q": "Why?", **choices, "key": "B"}), IN_A_LIST)
    assert [parts(draft) for draft in drafts] == [("Why?", "b", ["a", "c"])]


def test_a_csv_may_hold_a_list_as_json(tmp_path):
    frame = pd.DataFrame({"q": ["Why?", "How?"], "o": ['["a", "b"]', "[a, b"], "key": ["b", "b"]})
    columns = ColumnsConfig(prompt="q", options=("o",), answer="key")
    drafts, dropped = read(write_as("csv", frame, tmp_path), columns)
    assert [parts(draft) for draft in drafts] == [("Why?", "b", ["a"])]
    assert sum(dropped.values()) == 1


@pytest.mark.parametrize("wrong", [("no1", "no2"), ("nos",)])
def test_right_and_wrong_options_may_have_columns_of_their_own(write_json, wrong):
    row = {"prompt": "Why?", "yes": "a", "no1": "b", "no2": "c", "nos": ["b", "c"]}
    drafts, dropped = read(write_json(row, {**row, "yes": ""}), ColumnsConfig(right="yes", wrong=wrong))
    assert [parts(draft) for draft in drafts] == [("Why?", "a", ["b", "c"])]
    assert dropped == {"no right option": 1}


def test_a_right_option_needs_no_wrong_ones(write_json):
    drafts, _ = read(write_json({"prompt": "Why?", "yes": "a"}), ColumnsConfig(right="yes"))
    assert drafts[0].wrong == ()


def test_a_context_may_be_a_list_and_names_the_group(write_json):
    columns = ColumnsConfig(right="yes", context="found")
    drafts, _ = read(write_json({"prompt": "Why?", "yes": "a", "found": ["best", "", None, "next"]}), columns)
    assert drafts[0].contexts == ("best", "next")
    assert drafts[0].group.startswith("context-")


@pytest.mark.parametrize(
    ("row", "reason"),
    [
        ({"q": ""}, "no question"),
        ({"q": None}, "no question"),
        ({"key": None}, "no answer"),
        ({"key": "D"}, "answer names no option"),
        ({"key": 7}, "answer names no option"),
        ({"key": -1}, "answer names no option"),
        ({"key": "something"}, "answer names no option"),
        ({"choices": {"text": ["a"]}, "key": 0}, "fewer than two options"),
        ({"choices": None, "key": 0}, "fewer than two options"),
        ({"key": {"a": 1}}, "unreadable row"),
        ({"choices": {"text": [["a"], "b"]}}, "unreadable row"),
    ],
)
def test_rows_of_no_use_are_counted(write_json, row, reason):
    whole = {"q": "Why?", "choices": {"text": ["a", "b"]}, "key": "B"}
    drafts, dropped = read(write_json(whole, whole | row), IN_A_LIST)
    assert len(drafts) == 1
    assert dropped == {reason: 1}


@pytest.mark.parametrize(
    ("answer", "options", "first", "position"),
    [
        ("B", ["x", "y", "z"], 0, 1),
        ("b", ["x", "y", "z"], 0, 1),
        ("1", ["x", "y", "z"], 0, 1),
        ("1", ["x", "y", "z"], 1, 0),
        ("1.0", ["x", "y", "z"], 0, 1),
        ("y", ["x", "y", "z"], 0, 1),
        ("12", ["11", "12"], 0, 1),  # no such number, so it is the text
        ("1", ["0", "1"], 0, 1),  # the number and the text agree
        ("a", ["a", "x", "a"], 0, 0),  # the same text twice
        (1, ["1", "2", "3"], 0, 1),  # a number among texts counts them
        (12, [11, 12, 13], 0, 1),
        ("", ["x", "y"], 0, None),
        (None, ["x", "y"], 0, None),
    ],
)
def test_an_answer_is_a_letter_a_number_or_the_text(answer, options, first, position):
    assert find_answer(answer, options, first) == position


@pytest.mark.parametrize("answer", ["C", "2", 2, "-1", "iron", "1.5", True])
def test_an_answer_that_names_no_option_is_not_guessed(answer):
    with pytest.raises(RowError) as caught:
        find_answer(answer, ["carbon", "oxygen"], 0)
    assert caught.value.reason == "answer names no option"


@pytest.mark.parametrize(
    ("answer", "options"), [("1", ["1", "2", "3"]), (1, [1, 2, 3]), ("A", ["C", "A", "B"])]
)
def test_an_answer_that_names_two_options_is_not_guessed(answer, options):
    with pytest.raises(RowError) as caught:
        find_answer(answer, options, 0)
    assert caught.value.reason == "answer names two options"


@pytest.mark.parametrize("kind", ["csv", "jsonl", "json", "parquet"])
def test_a_mapped_column_that_is_not_there_is_named(tmp_path, kind):
    frame = pd.DataFrame({"q": ["Why?"], "w": ["a"], "x": ["b"], "label": [0]})
    with pytest.raises(UserError, match=r"y, z is missing .* found q, w, x, label"):
        read(write_as(kind, frame, tmp_path), BY_PLACE)


def test_a_key_may_be_absent_from_some_json_rows(write_json):
    rows = [{"prompt": "Why?", "yes": "a"}, {"prompt": "How?", "yes": "b", "found": "text"}]
    drafts, _ = read(write_json(*rows), ColumnsConfig(right="yes", context="found"))
    assert [draft.contexts for draft in drafts] == [(), ("text",)]


# ----------------------------------------------------------------------------------- datasets


def read_dataset(path, columns, **settings):
    return read(path, columns, format="hub", **settings)


def test_a_dataset_is_streamed_with_the_same_mapping(tmp_path):
    choices = [{"text": ["a", "b", "c"], "label": ["1", "2", "3"]}] * 3
    frame = pd.DataFrame({"q": ["Why?", "How?", ""], "choices": choices, "key": ["2", "C", "A"]})
    (tmp_path / "quiz").mkdir()
    frame.to_parquet(tmp_path / "quiz" / "train.parquet")
    columns = ColumnsConfig(prompt="q", options=("choices.text",), answer="key", first_answer=1)
    drafts, dropped = read_dataset(tmp_path / "quiz", columns)
    assert [parts(draft) for draft in drafts] == [("Why?", "b", ["a", "c"]), ("How?", "c", ["a", "b"])]
    assert {draft.source for draft in drafts} == {"quiz"}
    assert drafts[0].place.endswith("quiz: row 1")
    assert dropped == {"no question": 1}
    assert len(read_dataset(tmp_path / "quiz", columns, max_rows=1)[0]) == 1
    with pytest.raises(UserError, match=r"cannot read split 'test'"):
        read_dataset(tmp_path / "quiz", columns, split="test")
    with pytest.raises(UserError, match=r"quiz: expected the columns .* found q, choices, key"):
        read_dataset(tmp_path / "quiz", ColumnsConfig(right="yes"))


def test_a_dataset_that_cannot_be_had_says_what_to_do():
    with pytest.raises(UserError) as caught:
        read_dataset("nobody/no-such-dataset", BY_PLACE, subset="main")
    message = str(caught.value)
    assert message.startswith("dataset nobody/no-such-dataset, subset main: cannot read split 'train'")
    assert "HF_HUB_OFFLINE" in message
    assert "format: columns" in message


# ----------------------------------------------------------------------------------- settings


@pytest.mark.parametrize(
    "settings",
    [
        {"options": ("a",)},
        {"answer": "a"},
        {"options": ("a", "b"), "answer": "c", "right": "d"},
        {"wrong": ("a",)},
    ],
)
def test_a_mapping_that_contradicts_itself_is_refused(settings):
    with pytest.raises(ValueError, match="columns: expected"):
        ColumnsConfig(**settings)


@pytest.mark.parametrize(
    "settings",
    [{"format": "columns"}, {"format": "hub"}, {"columns": BY_PLACE}, {"max_rows": -1}],
)
def test_a_source_whose_settings_do_nothing_is_refused(settings):
    with pytest.raises(ValueError, match="expected"):
        SourceConfig(path="quiz.csv", **settings)
