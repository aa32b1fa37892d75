"""A question set's folder: its files, whose contexts it takes, and what makes it this set."""

import pandas as pd
import pytest

from science_exam.errors import UserError
from science_exam.questions.store import (
    QuestionSet,
    list_files,
    list_identity,
    read_question_set,
    read_questions_table,
    write_question_set,
)
from science_exam.runs import Run
from science_exam.tables import CONTEXTS, write_table


@pytest.fixture
def folder(tmp_path, question_set):
    folder = tmp_path / "questions" / "elements"
    write_question_set(question_set, folder)
    return folder


@pytest.fixture
def retrieved(tmp_path, folder, question_set):
    """A folder of other contexts for the first two questions."""
    contexts = question_set.contexts.iloc[:4].assign(retriever="lexical", text="Retrieved.", score=0.5)
    run = Run(tmp_path / "contexts" / "lexical", {}, [folder / "questions.parquet"])
    run.begin()
    write_table(contexts, CONTEXTS, run.folder / "contexts.parquet")
    run.finish({})
    return run.folder


def assert_same(a: QuestionSet, b: QuestionSet):
    for name in ("questions", "contexts", "folds"):
        pd.testing.assert_frame_equal(getattr(a, name), getattr(b, name))


def test_a_set_is_read_as_it_was_written(folder, question_set):
    assert sorted(path.name for path in folder.iterdir()) == [
        "contexts.parquet",
        "folds.parquet",
        "questions.parquet",
    ]
    assert_same(read_question_set(folder), question_set)
    pd.testing.assert_frame_equal(read_questions_table(folder), question_set.questions)


def test_contexts_of_another_folder_take_the_place_of_the_sets_own(folder, retrieved, question_set):
    data = read_question_set(folder, str(retrieved))
    assert data.contexts["text"].tolist() == ["Retrieved."] * 4
    pd.testing.assert_frame_equal(data.questions, question_set.questions)
    pd.testing.assert_frame_equal(data.folds, question_set.folds)


def test_the_sets_own_contexts_need_not_be_there_when_others_are_given(folder, retrieved):
    (folder / "contexts.parquet").unlink()
    assert len(read_question_set(folder, str(retrieved)).contexts) == 4
    with pytest.raises(UserError, match=r"contexts\.parquet: no contexts table there; .*make questions"):
        read_question_set(folder)


def test_contexts_that_are_not_there_are_named_with_the_command_that_makes_them(folder, tmp_path):
    with pytest.raises(UserError) as caught:
        read_question_set(folder, str(tmp_path / "missing"))
    assert str(tmp_path / "missing" / "contexts.parquet") in str(caught.value)
    assert "make retrieve" in str(caught.value)


def test_contexts_of_other_questions_are_refused(folder, retrieved, question_set):
    rows = question_set.contexts.iloc[:3]
    rows = rows.assign(question_id=[*rows["question_id"][:2], "stranger"])
    write_table(rows, CONTEXTS, retrieved / "contexts.parquet")
    with pytest.raises(UserError) as caught:
        read_question_set(folder, str(retrieved))
    message = str(caught.value)
    assert message.startswith(f"{retrieved / 'contexts.parquet'}: row 3, column question_id: 'stranger'")
    assert f"is no question of {folder}" in message


def test_no_contexts_at_all_are_a_closed_book(folder, retrieved, question_set):
    write_table(question_set.contexts.iloc[:0], CONTEXTS, retrieved / "contexts.parquet")
    assert len(read_question_set(folder, str(retrieved)).contexts) == 0


@pytest.mark.parametrize("name", ["questions", "folds"])
def test_a_table_that_is_not_there_is_named(folder, name):
    (folder / f"{name}.parquet").unlink()
    with pytest.raises(UserError, match=rf"{name}\.parquet: no {name} table there"):
        read_question_set(folder)


def test_the_files_of_a_set_are_those_it_is_read_from(folder, retrieved):
    own = [folder / f"{name}.parquet" for name in ("questions", "contexts", "folds")]
    assert list_files(folder) == own
    assert list_files(folder, str(retrieved)) == [own[0], retrieved / "contexts.parquet", own[2]]


def test_questions_and_folds_are_the_identity_of_a_set_and_contexts_are_not(folder):
    assert list_identity(folder) == [folder / "questions.parquet", folder / "folds.parquet"]


def test_contexts_of_a_set_with_the_same_ids_are_refused(tmp_path, retrieved, question_set):
    other = QuestionSet(
        question_set.questions.assign(prompt="Another question?"), question_set.contexts, question_set.folds
    )
    write_question_set(other, tmp_path / "questions" / "others")
    with pytest.raises(
        UserError, match=r"contexts of other questions than .*others; make them with: make retrieve"
    ):
        read_question_set(tmp_path / "questions" / "others", str(retrieved))


def test_contexts_that_are_not_finished_are_refused(folder, retrieved):
    (retrieved / "manifest.json").unlink()
    with pytest.raises(UserError, match="this run is not finished"):
        read_question_set(folder, str(retrieved))
