"""A question set's folder, data/questions/<name>/: questions, contexts and folds."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import pandas as pd

from science_exam.errors import UserError
from science_exam.files import hash_file
from science_exam.runs import read_manifest
from science_exam.tables import CONTEXTS, FOLDS, QUESTIONS, read_table, write_table

HINT = "make it with: make questions QUESTIONS=path/to/file (contexts: make retrieve)"
TABLES = {"questions": QUESTIONS, "contexts": CONTEXTS, "folds": FOLDS}


@dataclass(frozen=True)
class QuestionSet:
    """The three tables that every later stage starts from."""

    questions: pd.DataFrame
    contexts: pd.DataFrame
    folds: pd.DataFrame


def list_files(folder: Path, *contexts: str) -> list[Path]:
    """The files of a set, for the hashes of what went into a run.

    Args:
        folder: of the set.
        contexts: folders whose contexts take the place of the set's own, if any; empty text is its own.
    """
    questions, folds = list_identity(folder)
    return [questions, *(_find(folder, "contexts", one) for one in contexts or [""]), folds]


def list_identity(folder: Path) -> list[Path]:
    """The files that make it this set and no other; contexts may be exchanged."""
    return [_find(folder, name) for name in ("questions", "folds")]


def write_question_set(made: QuestionSet, folder: Path) -> None:
    """Write the three tables below `folder`."""
    for name, table in TABLES.items():
        write_table(getattr(made, name), table, folder / f"{name}.parquet")


def read_question_set(folder: Path, contexts: str = "") -> QuestionSet:
    """Read what `write_question_set` wrote.

    Args:
        folder: of the set.
        contexts: folder of retrieved contexts (make retrieve) to take instead of the set's own.

    Raises:
        UserError: a table is absent or unsound, or the contexts are those of other questions.
    """
    data = QuestionSet(
        **{name: read_table(table, _find(folder, name, contexts), HINT) for name, table in TABLES.items()}
    )
    if contexts:
        _check_origin(Path(contexts), folder)
    strangers = ~data.contexts["question_id"].isin(data.questions["question_id"])
    if strangers.any():
        raise UserError(
            f"{_find(folder, 'contexts', contexts)}: row {strangers.argmax() + 1}, column question_id: "
            f"{data.contexts['question_id'][strangers.argmax()]!r} is no question of {folder}; retrieve "
            f"contexts for this set"
        )
    return data


def read_context_sets(folder: Path, sets: Sequence[str]) -> list[pd.DataFrame]:
    """The contexts tables to ask every question with.

    Args:
        folder: of the question set.
        sets: folders of retrieved contexts, and empty text for the set's own.

    Raises:
        UserError: as `read_question_set`, or, where there are several, a question has no context in one.
    """
    read = [read_question_set(folder, contexts) for contexts in sets]
    for data, contexts in zip(read, sets, strict=True):
        bare = ~data.questions["question_id"].isin(data.contexts["question_id"])
        if len(sets) > 1 and bare.any():
            raise UserError(
                f"{_find(folder, 'contexts', contexts)}: no context for {bare.sum()} of {len(bare)} "
                f"questions, the first is {data.questions['question_id'][bare.argmax()]!r}; of several sets "
                f"of contexts each must have all questions"
            )
    return [data.contexts for data in read]


def read_questions_table(folder: Path) -> pd.DataFrame:
    """The questions of a set alone.

    Raises:
        UserError: the table is absent or unsound, or holds no question.
    """
    questions = read_table(QUESTIONS, _find(folder, "questions"), HINT)
    if questions.empty:
        raise UserError(f"{folder}: expected at least one question, found none; {HINT}")
    return questions


def _check_origin(contexts: Path, folder: Path) -> None:
    """Retrieved contexts know the hash of their questions: ids are often row numbers, in every set.

    Raises:
        UserError: they are not finished, or of other questions.
    """
    read_manifest(contexts)
    recorded = json.loads((contexts / "inputs.json").read_text(encoding="utf-8")).values()
    if hash_file(_find(folder, "questions")) not in recorded:
        raise UserError(
            f"{contexts}: contexts of other questions than {folder}; make them with: make retrieve"
        )


def _find(folder: Path, name: str, contexts: str = "") -> Path:
    return (Path(contexts) if contexts and name == "contexts" else folder) / f"{name}.parquet"
