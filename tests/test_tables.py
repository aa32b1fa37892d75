"""Tables: what is checked, and that the message names file, row and column."""

import json

import numpy as np
import pandas as pd
import pyarrow.parquet as pq
import pytest

from science_exam.errors import UserError
from science_exam.tables import (
    ARTICLES,
    CONTEXTS,
    FOLDS,
    OPTION_COLUMNS,
    PASSAGES,
    PREDICTIONS,
    PROBABILITY_COLUMNS,
    QUESTIONS,
    REPEATED,
    check_table,
    list_parts,
    open_table,
    read_table,
    write_table,
)


def question(question_id="q1", **changes):
    row = {"question_id": question_id, "prompt": "Why?", **dict.fromkeys(OPTION_COLUMNS, "text")}
    return {**row, "answer": 1, "source": "s", "group": "g", "passage_id": None, **changes}


def prediction(*probabilities, question_id="q1"):
    columns = dict(zip(PROBABILITY_COLUMNS, probabilities, strict=True))
    return {"question_id": question_id, **columns, "fold": "0", "run": "r"}


def context(question_id="q1", rank=1, **changes):
    row = {"question_id": question_id, "rank": rank, "passage_id": None, "score": None}
    return {**row, "retriever": "given", "text": "text", **changes}


LEAD, HISTORY = {"path": "", "text": "Ice melts."}, {"path": "History > Use", "text": "Since ever."}


def article(article_id="w:1", sections=(LEAD,), **changes):
    row = {"article_id": article_id, "title": "Ice", "sections": list(sections), "source": "w"}
    return {**row, "url": None, "licence": None, **changes}


def passage(passage_id="p1", **changes):
    row = {"passage_id": passage_id, "article_id": "w:1", "title": "Ice", "section_path": ""}
    return {**row, "text": "Ice\nIce melts.", "n_tokens": 4, **changes}


def repeated(row, **changes):
    return {"row": row, "passage_id": "p2", "article_id": "w:2", "kept_id": "p1", **changes}


def fault_of(table, *rows):
    with pytest.raises(UserError) as caught:
        check_table(pd.DataFrame(rows), table, "the-file")
    message = str(caught.value)
    assert message.startswith("the-file: ")
    assert "\n" not in message
    return message


SOUND = {
    "questions": (QUESTIONS, [question("q1"), question("q2", answer=None, passage_id="p")]),
    "contexts": (CONTEXTS, [context(rank=1), context(rank=2, score=0.5, passage_id="p")]),
    "folds": (FOLDS, [{"question_id": "q1", "fold": 0}, {"question_id": "q2", "fold": 4}]),
    "predictions": (PREDICTIONS, [prediction(0.2, 0.2, 0.2, 0.2, 0.2)]),
    "articles": (
        ARTICLES,
        [article(), article("w:2", [], url="u", licence="l"), article("3", [LEAD, HISTORY])],
    ),
    "passages": (PASSAGES, [passage(), passage("p2", title="", text="", n_tokens=0)]),
    "repeated": (REPEATED, [repeated(7), repeated(9)]),
}


@pytest.mark.parametrize("name", SOUND)
def test_a_table_is_read_as_it_was_written(name, tmp_path):
    table, rows = SOUND[name]
    path = tmp_path / "below" / "table.parquet"
    write_table(pd.DataFrame(rows), table, path)
    written = check_table(pd.DataFrame(rows), table, "here")
    pd.testing.assert_frame_equal(read_table(table, path), written)
    assert [p.name for p in path.parent.iterdir()] == ["table.parquet"]


@pytest.mark.parametrize("name", SOUND)
def test_an_empty_table_is_sound_and_keeps_its_types(name, tmp_path):
    table, rows = SOUND[name]
    write_table(pd.DataFrame(rows).iloc[:0], table, tmp_path / "table.parquet")
    frame = read_table(table, tmp_path / "table.parquet")
    assert len(frame) == 0
    assert frame.dtypes.to_dict() == check_table(pd.DataFrame(rows), table, "here").dtypes.to_dict()


def test_columns_come_in_the_order_of_the_table_and_rows_are_counted_anew():
    frame = pd.DataFrame([question("q1"), question("q2")], index=[7, 7])
    checked = check_table(frame[frame.columns[::-1]], QUESTIONS, "here")
    assert list(checked.columns) == list(QUESTIONS.columns)
    assert list(checked.index) == [0, 1]


def test_a_missing_answer_stays_missing_and_the_others_stay_whole_numbers():
    checked = check_table(
        pd.DataFrame([question("q1", answer=3), question("q2", answer=None)]), QUESTIONS, "x"
    )
    assert checked["answer"].tolist() == [3, pd.NA]
    assert str(checked["answer"].dtype) == "Int64"


def test_the_frame_that_is_checked_is_left_alone():
    frame = pd.DataFrame([question("q1", answer=3.0)])
    before = frame.copy()
    check_table(frame, QUESTIONS, "here")
    pd.testing.assert_frame_equal(frame, before)


def test_missing_and_unknown_columns_are_both_named():
    row = question()
    row["promt"] = row.pop("prompt")
    message = fault_of(QUESTIONS, row)
    assert "questions table" in message
    assert "missing columns ['prompt']" in message
    assert "unknown columns ['promt']" in message


def test_a_column_that_stands_twice_is_refused():
    frame = pd.DataFrame([question()])
    with pytest.raises(UserError, match="prompt"):
        check_table(pd.concat([frame, frame[["prompt"]]], axis=1), QUESTIONS, "here")


@pytest.mark.parametrize("column", ["question_id", "prompt", "option_5", "source", "group"])
def test_a_missing_value_is_named_by_row_and_column(column):
    message = fault_of(QUESTIONS, question("q1"), {**question("q2"), column: None})
    assert f"row 2, column {column}: expected a value, found none" in message


@pytest.mark.parametrize("answer", [0, 6, -1])
def test_an_answer_outside_1_to_5_is_named_by_row(answer):
    message = fault_of(QUESTIONS, question("q1"), question("q2", answer=answer))
    assert f"row 2, column answer: expected 1 to 5, found {answer}" in message


@pytest.mark.parametrize("prompt", ["", "  \n"])
def test_a_prompt_of_white_space_is_no_question(prompt):
    message = fault_of(QUESTIONS, question("q1"), question("q2", prompt=prompt))
    assert "row 2, column prompt: expected a question" in message


@pytest.mark.parametrize("answer", ["x", 2.5, float("inf")])
def test_a_value_of_the_wrong_type_is_named_by_row_and_column(answer):
    message = fault_of(QUESTIONS, question("q1"), question("q2", answer=answer))
    assert "row 2, column answer: expected" in message


def test_text_is_expected_where_a_list_stands():
    message = fault_of(QUESTIONS, question("q1"), question("q2", prompt=["Why?"]))
    assert "row 2, column prompt: expected" in message


def test_a_key_that_stands_twice_is_named_with_both_rows():
    message = fault_of(QUESTIONS, question("q1"), question("q2"), question("q1"))
    assert "row 3, column question_id" in message
    assert "'q1'" in message
    assert "row 1" in message


def test_the_key_of_contexts_is_question_and_rank_together():
    check_table(pd.DataFrame([context("a", 1), context("a", 2), context("b", 1)]), CONTEXTS, "here")
    message = fault_of(CONTEXTS, context("a", 1), context("a", 2), context("a", 2))
    assert "row 3, column question_id, rank" in message
    assert "row 2" in message


@pytest.mark.parametrize(
    "probabilities",
    [(0.2, 0.2, 0.2, 0.2, 0.3), (-0.2, 0.4, 0.4, 0.2, 0.2), (0, 0, 0, 0, 0), (float("inf"), 0, 0, 0, 0)],
)
def test_probabilities_that_are_no_distribution_are_refused(probabilities):
    sound = prediction(1, 0, 0, 0, 0, question_id="q0")
    assert "row 2, column p_1: expected" in fault_of(PREDICTIONS, sound, prediction(*probabilities))


def test_probabilities_may_miss_one_by_what_float16_rounds():
    check_table(pd.DataFrame([prediction(0.20005, 0.2, 0.2, 0.2, 0.2)]), PREDICTIONS, "here")


def test_a_missing_probability_is_named():
    message = fault_of(PREDICTIONS, prediction(0.2, 0.2, float("nan"), 0.3, 0.3))
    assert "row 1, column p_3: expected a value" in message


def test_an_unsound_table_is_not_written_and_the_old_one_stays(tmp_path):
    path = tmp_path / "questions.parquet"
    write_table(pd.DataFrame([question("old")]), QUESTIONS, path)
    with pytest.raises(UserError, match=r"questions\.parquet: row 1, column answer"):
        write_table(pd.DataFrame([question("new", answer=9)]), QUESTIONS, path)
    assert read_table(QUESTIONS, path)["question_id"].tolist() == ["old"]


def test_a_long_table_is_written_in_several_appends(tmp_path):
    path = tmp_path / "below" / "questions.parquet"
    with open_table(QUESTIONS, path) as append:
        append(pd.DataFrame([question("q1", answer=None), question("q2")]))
        append(pd.DataFrame(columns=list(QUESTIONS.columns)))
        append(pd.DataFrame([question("q3", passage_id="p")], index=[7]))
        assert not path.exists()
    read = read_table(QUESTIONS, path)
    assert read["question_id"].tolist() == ["q1", "q2", "q3"]
    assert read["passage_id"].tolist() == [pd.NA, pd.NA, "p"]
    write_table(read, QUESTIONS, tmp_path / "at once.parquet")
    pd.testing.assert_frame_equal(read_table(QUESTIONS, tmp_path / "at once.parquet"), read)


def test_a_long_table_to_which_nothing_is_appended_is_empty_and_sound(tmp_path):
    with open_table(CONTEXTS, tmp_path / "contexts.parquet"):
        pass
    assert read_table(CONTEXTS, tmp_path / "contexts.parquet").empty


@pytest.mark.parametrize("old", [False, True])
def test_a_long_table_is_whole_or_not_there_after_an_error(tmp_path, old):
    path = tmp_path / "questions.parquet"
    if old:
        write_table(pd.DataFrame([question("old")]), QUESTIONS, path)
    with pytest.raises(KeyError), open_table(QUESTIONS, path) as append:
        append(pd.DataFrame([question("new")]))
        raise KeyError
    assert path.exists() == old
    with (
        pytest.raises(UserError, match=r"questions\.parquet: row 2, column answer"),
        open_table(QUESTIONS, path) as append,
    ):
        append(pd.DataFrame([question("new")]))
        append(pd.DataFrame([question("q2"), question("q3", answer=9)]))
    assert path.exists() == old
    if old:
        assert read_table(QUESTIONS, path)["question_id"].tolist() == ["old"]


def test_a_key_in_two_appends_is_seen_when_the_table_is_read(tmp_path):
    path = tmp_path / "questions.parquet"
    with open_table(QUESTIONS, path) as append:
        for _ in range(2):
            append(pd.DataFrame([question("q1")]))
    with pytest.raises(UserError, match="row 2, column question_id"):
        read_table(QUESTIONS, path)


def test_a_file_that_is_not_there_is_named_with_the_command_that_makes_it(tmp_path):
    path = tmp_path / "questions.parquet"
    with pytest.raises(UserError) as caught:
        read_table(QUESTIONS, path, hint="make it with: make questions")
    assert str(path) in str(caught.value)
    assert "make it with: make questions" in str(caught.value)


@pytest.mark.parametrize("content", [b"", b"id,prompt\n1,Why?\n", b"PAR1 half a file"])
def test_a_file_that_is_not_parquet_says_so(content, tmp_path):
    path = tmp_path / "questions.parquet"
    path.write_bytes(content)
    with pytest.raises(UserError, match=r"questions\.parquet: expected a Parquet file"):
        read_table(QUESTIONS, path)


def test_a_truncated_file_says_so(tmp_path):
    path = tmp_path / "questions.parquet"
    write_table(pd.DataFrame([question()]), QUESTIONS, path)
    path.write_bytes(path.read_bytes()[:-100])
    with pytest.raises(UserError, match="expected a Parquet file"):
        read_table(QUESTIONS, path)


def test_another_table_is_not_taken_for_this_one(tmp_path):
    path = tmp_path / "folds.parquet"
    write_table(pd.DataFrame(SOUND["folds"][1]), FOLDS, path)
    with pytest.raises(UserError, match="not a questions table"):
        read_table(QUESTIONS, path)


# -------------------------------------------------------------------------- articles and passages


def test_sections_come_back_as_they_were_written(tmp_path):
    sections = {
        "none": [],
        "two": [LEAD, HISTORY],
        "empty texts": [{"path": "", "text": ""}],
        "other scripts": [{"path": "Naïve > 水", "text": "H₂O\n\n👩‍🔬 \u2003"}],
        "a path twice": [LEAD, LEAD],
    }
    path = tmp_path / "articles.parquet"
    write_table(pd.DataFrame([article(name, value) for name, value in sections.items()]), ARTICLES, path)
    read = read_table(ARTICLES, path)
    assert dict(zip(read["article_id"], read["sections"], strict=True)) == sections
    assert all(type(value) is list for value in read["sections"])


def test_articles_without_any_section_have_the_types_of_others(tmp_path):
    for name, rows in {"none": [], "empty": [article(sections=[])], "full": [article()]}.items():
        frame = pd.DataFrame(rows, columns=list(ARTICLES.columns))
        write_table(frame, ARTICLES, tmp_path / f"{name}.parquet")
    schemas = [pq.read_schema(tmp_path / f"{name}.parquet") for name in ("none", "empty", "full")]
    assert schemas[0].equals(schemas[2])
    assert schemas[1].equals(schemas[2])


@pytest.mark.parametrize("sequence", [list, tuple, lambda rows: np.array(rows, dtype=object)])
def test_sections_may_come_in_any_sequence(sequence):
    row = {**article(), "sections": sequence([LEAD, HISTORY])}
    frame = pd.DataFrame([row, {**row, "article_id": "w:2"}])
    assert check_table(frame, ARTICLES, "here")["sections"].tolist() == [[LEAD, HISTORY]] * 2


@pytest.mark.parametrize(
    "sections",
    [
        "text",
        5,
        LEAD,  # one section, not a list of one
        ["path", "text"],
        [["path", "text"]],
        [("path", "text")],
        [None],
        [5],
        [{"path": ""}],
        [{"text": "Ice melts."}],
        [{**LEAD, "level": 2}],
        [{"path": None, "text": "Ice melts."}],
        [{"path": "", "text": 5}],
        [LEAD, {"heading": "", "text": ""}],
    ],
)
def test_sections_of_another_make_are_named_by_row(sections):
    message = fault_of(ARTICLES, article("w:1"), {**article("w:2"), "sections": sections})
    assert "row 2, column sections: expected sections, found" in message


def test_sections_must_be_there():
    message = fault_of(ARTICLES, article("w:1"), {**article("w:2"), "sections": None})
    assert "row 2, column sections: expected a value, found none" in message


@pytest.mark.parametrize("column", ["article_id", "title", "source"])
def test_an_article_has_an_id_a_title_and_a_source(column):
    message = fault_of(ARTICLES, article("w:1"), {**article("w:2"), column: None})
    assert f"row 2, column {column}: expected a value, found none" in message


def test_the_same_article_twice_is_named():
    assert "row 2, column article_id" in fault_of(ARTICLES, article("w:1"), article("w:1"))


def test_the_same_passage_twice_is_named():
    assert "row 3, column passage_id" in fault_of(PASSAGES, passage("a"), passage("b"), passage("a"))


@pytest.mark.parametrize("n_tokens", ["many", 2.5, None])
def test_tokens_are_counted_in_whole_numbers(n_tokens):
    message = fault_of(PASSAGES, passage("a"), passage("b", n_tokens=n_tokens))
    assert "row 2, column n_tokens: expected" in message


def test_a_row_is_repeated_once():
    assert "row 2, column row" in fault_of(REPEATED, repeated(7), repeated(7))


# ---------------------------------------------------------------------------------------- parts


def test_parts_are_listed_in_the_order_of_their_names_and_nothing_else_is(tmp_path):
    names = ["part-00001-000000.parquet", "part-00000-000010.parquet", "part-00000-000002.parquet"]
    others = ["repeated.parquet", "part-00000-000003.parquet.partial", "counts-00000-000002.json"]
    for name in [*names, *others]:
        (tmp_path / name).touch()
    (tmp_path / "manifest.json").write_text(json.dumps({"outputs": dict.fromkeys([*names, *others], "hash")}))
    (tmp_path / "split").mkdir()
    (tmp_path / "split" / "part-00000-000004.parquet").touch()
    assert [path.name for path in list_parts(tmp_path, "hint")] == sorted(names)


@pytest.mark.parametrize("missing", [0, 1])
def test_a_part_that_is_missing_or_strange_is_named(tmp_path, missing):
    names = ["part-00000-000000.parquet", "part-00000-000001.parquet"]
    (tmp_path / names[0]).touch()
    if not missing:
        (tmp_path / names[1]).touch()
    written = names[: 1 + missing]
    (tmp_path / "manifest.json").write_text(json.dumps({"outputs": dict.fromkeys(written, "hash")}))
    with pytest.raises(UserError) as caught:
        list_parts(tmp_path, "make them with: make corpus")
    assert str(caught.value) == (
        f"{tmp_path / names[1]}: missing, or not of this table; make them with: make corpus"
    )


@pytest.mark.parametrize(
    ("names", "state"),
    [
        ([], "no table there"),
        (["manifest.json"], "no table there"),
        (["part-00000-000000.parquet"], "not finished"),
    ],
)
def test_parts_of_a_run_that_is_not_finished_are_refused(tmp_path, names, state):
    for name in names:
        (tmp_path / name).touch()
    with pytest.raises(UserError) as caught:
        list_parts(tmp_path, "make them with: make corpus")
    assert str(caught.value) == f"{tmp_path}: {state}; make them with: make corpus"


def test_a_folder_that_is_not_there_has_no_table(tmp_path):
    with pytest.raises(UserError, match="no table there; make corpus"):
        list_parts(tmp_path / "missing", "make corpus")


def lay_out_run(folder, outputs, files):
    """A run that wrote `outputs`, of which `files` are there."""
    for name in files:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).touch()
    (folder / "manifest.json").write_text(json.dumps({"outputs": dict.fromkeys(outputs, "hash")}))


def test_several_tables_of_one_run_are_told_apart_below_its_manifest(tmp_path):
    names = [f"{kind}/part-{n:05d}.parquet" for kind in ("questions", "contexts") for n in (1, 0)]
    lay_out_run(tmp_path, [*names[1:], "config.yaml", "counts/part-00000.json"], names[1:])
    assert list_parts(tmp_path / "questions", "hint") == [tmp_path / "questions" / "part-00000.parquet"]
    assert [path.name for path in list_parts(tmp_path / "contexts", "hint")] == [
        "part-00000.parquet", "part-00001.parquet"
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("outputs", "files", "strange"),
    [
        (["questions/part-0.parquet", "questions/part-1.parquet"], ["questions/part-0.parquet"], 1),
        (["questions/part-0.parquet"], ["questions/part-0.parquet", "questions/part-1.parquet"], 1),
        # The names of another table of the run, and of the run's own folder, count for nothing.
        (["contexts/part-0.parquet", "part-0.parquet"], ["questions/part-0.parquet"], 0),
    ],
)
def test_a_part_that_the_manifest_above_does_not_know_is_named(tmp_path, outputs, files, strange):
    lay_out_run(tmp_path, outputs, files)
    with pytest.raises(UserError) as caught:
        list_parts(tmp_path / "questions", "make generate")
    named = tmp_path / "questions" / f"part-{strange}.parquet"
    assert str(caught.value) == f"{named}: missing, or not of this table; make generate"


def test_the_folders_own_manifest_comes_before_the_one_above(tmp_path):
    lay_out_run(tmp_path, ["questions/part-1.parquet"], [])
    lay_out_run(tmp_path / "questions", ["part-0.parquet"], ["part-0.parquet"])
    assert [path.name for path in list_parts(tmp_path / "questions", "hint")] == ["part-0.parquet"]
