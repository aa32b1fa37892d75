"""The tables that pass between stages: their columns, their checks, reading and writing.

Every table is a pandas frame in memory and one Parquet file on disk. Nothing else writes or reads
these files, so a frame that came from `read_table` is known to be sound.
"""

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from science_exam.columns import ARROW_TYPES, Column, Table, check_table, find_first
from science_exam.errors import UserError
from science_exam.files import whole_file

OPTION_COLUMNS = tuple(f"option_{i}" for i in range(1, 6))
LETTERS = "ABCDE"  # the competition's names of the options
PROBABILITY_COLUMNS = tuple(f"p_{i}" for i in range(1, 6))


def _find_question_fault(frame: pd.DataFrame) -> tuple[int, str, str] | None:
    if (row := find_first(frame["prompt"].str.strip() == "")) is not None:
        return row, "prompt", "a question, found nothing"
    answer = frame["answer"]
    if (row := find_first((answer.notna() & ~answer.between(1, 5)).fillna(False))) is not None:
        return row, "answer", f"1 to 5, found {answer.iloc[row]}"
    return None


def _find_prediction_fault(frame: pd.DataFrame) -> tuple[int, str, str] | None:
    probabilities = frame[list(PROBABILITY_COLUMNS)].to_numpy()  # (rows, 5)
    valid = (probabilities >= 0).all(axis=1) & np.isclose(probabilities.sum(axis=1), 1, atol=1e-4)
    if (row := find_first(~valid)) is not None:
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


def write_table(frame: pd.DataFrame, table: Table, path: Path) -> None:
    """Check `frame` and write it to `path` in one step: the file is whole or not there."""
    checked = check_table(frame, table, str(path))  # before a file is begun
    with open_table(table, path) as append:
        append(checked)


@contextmanager
def open_table(table: Table, path: Path) -> Iterator[Callable[[pd.DataFrame], None]]:
    """Yield a function that adds rows to the table at `path`, for one that is too long to be held.

    The file is whole or not there: it appears when the block ends well. Each frame is checked; that no
    key stands in two frames is the caller's to know, and is seen when the table is read.
    """
    schema = pa.schema([(name, ARROW_TYPES[column.kind]) for name, column in table.columns.items()])
    with whole_file(path) as partial, pq.ParquetWriter(partial, schema, compression="zstd") as writer:

        def append(frame: pd.DataFrame) -> None:
            checked = check_table(frame, table, str(path))
            writer.write_table(pa.Table.from_pandas(checked, schema=schema, preserve_index=False))

        yield append


def read_table(table: Table, path: Path, hint: str = "") -> pd.DataFrame:
    """Read and check the table at `path`; `hint` says how to make a file that is not there.

    Raises:
        UserError: no such file, not Parquet, or not this table.
    """
    if not path.is_file():
        raise UserError(f"{path}: no {table.name} table there; {hint or 'check the path'}")
    with _whole_parquet(path):
        frame = pd.read_parquet(path)
    return check_table(frame, table, str(path))


def list_parts(folder: Path, hint: str) -> list[Path]:
    """The Parquet files that make up one long table, in the order of their names.

    Raises:
        UserError: the run that writes them has not finished, or parts are missing; `hint` says how to
            make them.
    """
    parts = sorted(folder.glob("part-*.parquet"))
    # The folder is a run's own, or one of several below it.
    manifest, prefix = folder / "manifest.json", ""
    if not manifest.is_file():
        manifest, prefix = folder.parent / "manifest.json", f"{folder.name}/"
    if not parts or not manifest.is_file():
        raise UserError(f"{folder}: {'not finished' if parts else 'no table there'}; {hint}")
    names = json.loads(manifest.read_text(encoding="utf-8"))["outputs"]
    below = {name.removeprefix(prefix) for name in names if name.startswith(prefix)}
    written = {name for name in below if name.startswith("part-") and name.endswith(".parquet")}
    # With a part more or less, every row behind it would have another number.
    if strange := written ^ {part.name for part in parts}:
        raise UserError(f"{folder / min(strange)}: missing, or not of this table; {hint}")
    return parts


def read_column(path: Path, name: str) -> list:
    """The values of one column of a part, unchecked.

    Raises:
        UserError: the file is damaged.
    """
    with _whole_parquet(path):
        return pq.read_table(path, columns=[name])[name].to_pylist()


def count_rows(path: Path) -> int:
    """Rows of a part, from the end of its file.

    Raises:
        UserError: the file is damaged.
    """
    with _whole_parquet(path):
        return pq.read_metadata(path).num_rows


@contextmanager
def _whole_parquet(path: Path) -> Iterator[None]:
    try:
        yield
    except (OSError, ValueError, KeyError) as error:  # pyarrow's own are among them
        raise UserError(
            f"{path}: expected a Parquet file: {error}; delete it and run the command that makes it"
        ) from None
