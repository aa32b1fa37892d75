"""Tables: what is checked, and that the message names file, row and column."""

import pandas as pd
import pytest

from science_exam.errors import UserError
from science_exam.tables import (
    CONTEXTS,
    FOLDS,
    OPTION_COLUMNS,
    PREDICTIONS,
    PROBABILITY_COLUMNS,
    QUESTIONS,
    check_table,
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
