"""The tables that pass between stages: their columns, their checks, reading and writing.

Every table is a pandas frame in memory and one Parquet file on disk. Nothing else writes or reads
these files, so a frame that came from `read_table` is known to be sound.
"""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa

from science_exam.errors import UserError
from science_exam.files import whole_file

OPTION_COLUMNS = tuple(f"option_{i}" for i in range(1, 6))
LETTERS = "ABCDE"  # the competition's names of the options
PROBABILITY_COLUMNS = tuple(f"p_{i}" for i in range(1, 6))

# How a column is held in memory; nullable integers keep a missing answer from becoming 3.0.
PANDAS_TYPES = {"text": "string", "integer": "Int64", "number": "float64", "sections": "object"}
# How it lies in the file.
ARROW_TYPES = {
    "text": pa.string(),
    "integer": pa.int64(),
    "number": pa.float64(),
    "sections": pa.list_(pa.struct([("path", pa.string()), ("text", pa.string())])),
}


@dataclass(frozen=True)
class Column:
    """One column: `kind` is "text", "integer", "number" or "sections" (a list of {path, text})."""

    kind: str
    nullable: bool = False


@dataclass(frozen=True)
class Table:
    """A table's name, its key and its columns; `find_fault` looks for what types cannot say.

    `find_fault(frame)` returns None or `(row position, column, what was expected)` of the first
    row that breaks a rule.
    """

    name: str
    key: tuple[str, ...]
    columns: dict[str, Column]
    find_fault: Callable[[pd.DataFrame], tuple[int, str, str] | None] = lambda frame: None


def _first(mask) -> int | None:
    """Position of the first true value of a boolean column, or None."""
    positions = np.flatnonzero(np.asarray(mask, dtype=bool))
    return int(positions[0]) if len(positions) else None


def _find_question_fault(frame: pd.DataFrame) -> tuple[int, str, str] | None:
    if (row := _first(frame["prompt"].str.strip() == "")) is not None:
        return row, "prompt", "a question, found nothing"
    answer = frame["answer"]
    if (row := _first((answer.notna() & ~answer.between(1, 5)).fillna(False))) is not None:
        return row, "answer", f"1 to 5, found {answer.iloc[row]}"
    return None


def _find_prediction_fault(frame: pd.DataFrame) -> tuple[int, str, str] | None:
    probabilities = frame[list(PROBABILITY_COLUMNS)].to_numpy()  # (rows, 5)
    valid = (probabilities >= 0).all(axis=1) & np.isclose(probabilities.sum(axis=1), 1, atol=1e-4)
    if (row := _first(~valid)) is not None:
        return row, "p_1", f"p_1 … p_5 >= 0 that sum to 1, found {probabilities[row].tolist()}"
    return None


TEXT, OPTIONAL_TEXT = Column("text"), Column("text", nullable=True)

ARTICLES = Table(
    name="articles",
    key=("article_id",),
    columns={
        "article_id": TEXT,
        "title": TEXT,
        "sections": Column("sections"),  # in reading order; the lead's path is ""
        "source": TEXT,
        "url": OPTIONAL_TEXT,
        "licence": OPTIONAL_TEXT,
    },
)
PASSAGES = Table(
    name="passages",
    key=("passage_id",),
    columns={
        "passage_id": TEXT,  # hash of source, title, section path and text: stable over builds
        "article_id": TEXT,
        "title": TEXT,
        "section_path": TEXT,
        "text": TEXT,
        "n_tokens": Column("integer"),  # of title, section path and text together
    },
)
REPEATED = Table(
    name="repeated passages",
    key=("row",),
    columns={
        "row": Column("integer"),  # among all passages, before the repeated ones were left out
        "passage_id": TEXT,
        "article_id": TEXT,
        "kept_id": TEXT,  # the earlier passage that stands for it
    },
)
QUESTIONS = Table(
    name="questions",
    key=("question_id",),
    columns={
        "question_id": TEXT,
        "prompt": TEXT,
        **dict.fromkeys(OPTION_COLUMNS, TEXT),
        "answer": Column("integer", nullable=True),  # 1-5; missing on a test set
        "source": TEXT,
        "group": TEXT,  # rows of one group must not be split over folds
        "passage_id": OPTIONAL_TEXT,  # the passage it was made from, where that is known
    },
    find_fault=_find_question_fault,
)
CONTEXTS = Table(
    name="contexts",
    key=("question_id", "rank"),
    columns={
        "question_id": TEXT,
        "rank": Column("integer"),  # 1 is the best
        "passage_id": OPTIONAL_TEXT,
        "score": Column("number", nullable=True),
        "retriever": TEXT,
        "text": TEXT,
    },
)
FOLDS = Table(
    name="folds",
    key=("question_id",),
    columns={"question_id": TEXT, "fold": Column("integer")},
)
PREDICTIONS = Table(
    name="predictions",
    key=("question_id",),
    columns={
        "question_id": TEXT,
        **dict.fromkeys(PROBABILITY_COLUMNS, Column("number")),
        "fold": TEXT,  # the fold it was held out in, or "test"
        "run": TEXT,
    },
    find_fault=_find_prediction_fault,
)


def check_table(frame: pd.DataFrame, table: Table, where: str) -> pd.DataFrame:
    """Return `frame` with the table's columns and types, in the table's order.

    Args:
        frame: any frame that should be such a table; rows are counted from 1 in messages.
        table: what it should be.
        where: the file (or other origin) that messages name.

    Raises:
        UserError: a column is missing or unknown, a value has the wrong type, is missing or breaks
            a rule, or a key stands twice.
    """
    _check_columns(frame, table, where)
    typed = {name: _cast(frame[name], name, column, where) for name, column in table.columns.items()}
    checked = pd.DataFrame(typed).reset_index(drop=True)
    _check_key(checked, table, where)
    if fault := table.find_fault(checked):
        row, column, expected = fault
        raise UserError(f"{where}: row {row + 1}, column {column}: expected {expected}")
    return checked


def _check_columns(frame: pd.DataFrame, table: Table, where: str) -> None:
    twice = frame.columns[frame.columns.duplicated()].tolist()
    missing = [name for name in table.columns if name not in frame.columns]
    unknown = [name for name in frame.columns if name not in table.columns]
    if missing or unknown or twice:
        raise UserError(
            f"{where}: not a {table.name} table: "
            f"missing columns {missing or 'none'}, unknown columns {unknown or 'none'}, "
            f"columns that stand twice {twice or 'none'}"
        )


def _cast(values: pd.Series, name: str, column: Column, where: str) -> pd.Series:
    if not column.nullable and (row := _first(values.isna())) is not None:
        raise UserError(f"{where}: row {row + 1}, column {name}: expected a value, found none")
    try:
        if column.kind == "sections":
            return values.map(_read_sections)
        if all(map(_is_scalar, values)):
            return values.astype(PANDAS_TYPES[column.kind])
    except (TypeError, ValueError, OverflowError):
        pass
    row = next(row for row in range(len(values)) if not _fits(values.iloc[row : row + 1], column))
    raise UserError(
        f"{where}: row {row + 1}, column {name}: expected {column.kind}, found {values.iloc[row]!r:.40}"
    )


def _read_sections(value: object) -> list[dict[str, str]]:
    """Sections as a list of {path, text}, whatever sequence they came in.

    Raises:
        TypeError: it is something else.
    """
    if not isinstance(value, (list, tuple, np.ndarray)):
        raise TypeError("expected a sequence")
    for section in value:
        if set(section) != {"path", "text"} or not all(isinstance(text, str) for text in section.values()):
            raise TypeError("expected path and text")
    return list(value)


def _is_scalar(value: object) -> bool:
    return not isinstance(value, (list, dict, tuple, np.ndarray))


def _fits(value: pd.Series, column: Column) -> bool:
    """Whether the one value can be held as the column's type."""
    try:
        if column.kind == "sections":
            _read_sections(value.iloc[0])
            return True
        value.astype(PANDAS_TYPES[column.kind])
    except (TypeError, ValueError, OverflowError):
        return False
    return _is_scalar(value.iloc[0])


def _check_key(frame: pd.DataFrame, table: Table, where: str) -> None:
    key = list(table.key)
    if (row := _first(frame.duplicated(key))) is not None:
        twice = frame.loc[row, key].tolist()
        first = _first((frame[key] == frame.loc[row, key]).all(axis=1))
        raise UserError(
            f"{where}: row {row + 1}, column {', '.join(key)}: expected every {table.name} row "
            f"once, found {twice} again (first in row {first + 1})"
        )


def write_table(frame: pd.DataFrame, table: Table, path: Path) -> None:
    """Check `frame` and write it to `path` in one step: the file is whole or not there."""
    checked = check_table(frame, table, str(path))
    with whole_file(path) as partial:
        schema = pa.schema([(name, ARROW_TYPES[column.kind]) for name, column in table.columns.items()])
        checked.to_parquet(partial, index=False, schema=schema, compression="zstd")


def read_table(table: Table, path: Path, hint: str = "") -> pd.DataFrame:
    """Read and check the table at `path`; `hint` says how to make a file that is not there.

    Raises:
        UserError: no such file, not Parquet, or not this table.
    """
    if not path.is_file():
        raise UserError(f"{path}: no {table.name} table there; {hint or 'check the path'}")
    try:
        frame = pd.read_parquet(path)
    except (OSError, ValueError) as error:
        raise UserError(f"{path}: expected a Parquet file: {error}") from None
    return check_table(frame, table, str(path))


def list_parts(folder: Path, hint: str) -> list[Path]:
    """The Parquet files that make up one long table, in the order of their names.

    Raises:
        UserError: the run that writes them has not finished; `hint` says how to make them.
    """
    parts = sorted(folder.glob("part-*.parquet"))
    if not parts or not (folder / "manifest.json").is_file():
        raise UserError(f"{folder}: {'not finished' if parts else 'no table there'}; {hint}")
    return parts
