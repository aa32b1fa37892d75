"""A question set's folder, data/questions/<name>/: questions, contexts and folds."""

from dataclasses import dataclass
from pathlib import Path

import pandas as pd

from science_exam.tables import CONTEXTS, FOLDS, QUESTIONS, read_table, write_table

TABLES = {"questions": QUESTIONS, "contexts": CONTEXTS, "folds": FOLDS}


@dataclass(frozen=True)
class QuestionSet:
    """The three tables that every later stage starts from."""

    questions: pd.DataFrame
    contexts: pd.DataFrame
    folds: pd.DataFrame


def list_files(folder: Path) -> list[Path]:
    """The files of a set, for the hashes of what went into a run."""
    return [folder / f"{name}.parquet" for name in TABLES]


def write_question_set(made: QuestionSet, folder: Path) -> None:
    """Write the three tables below `folder`."""
    for name, table in TABLES.items():
        write_table(getattr(made, name), table, folder / f"{name}.parquet")


def read_question_set(folder: Path) -> QuestionSet:
    """Read what `write_question_set` wrote.

    Raises:
        UserError: a table is absent or unsound.
    """
    hint = "make it with: make questions QUESTIONS=path/to/file"
    return QuestionSet(
        **{name: read_table(table, folder / f"{name}.parquet", hint) for name, table in TABLES.items()}
    )
