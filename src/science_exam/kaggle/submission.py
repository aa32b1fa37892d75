"""submission.csv: `id,prediction`, up to three letters, best first, separated by spaces."""

import csv
import re
from collections.abc import Sequence
from itertools import zip_longest
from pathlib import Path

import pandas as pd

from science_exam.errors import UserError
from science_exam.evaluation.metrics import rank_options
from science_exam.kaggle.session.fallback import write_rankings
from science_exam.tables import LETTERS, PROBABILITY_COLUMNS

HEADER = ["id", "prediction"]
PATTERN = re.compile(r"[A-E]( [A-E]){0,2}")


def write_submission(predictions: pd.DataFrame, path: Path) -> None:
    """Write the three likeliest options of every row of a predictions table, in its order."""
    rankings = rank_options(predictions[list(PROBABILITY_COLUMNS)].to_numpy())
    path.parent.mkdir(parents=True, exist_ok=True)
    write_rankings(zip(predictions["question_id"], rankings.tolist(), strict=True), path)


def read_submission(path: Path) -> dict[str, list[int]]:
    """Question id -> option numbers, best first (one to three).

    Raises:
        UserError: no such file, another header, an id twice, or a prediction that is not one to
            three different letters A-E; the message names file, row and column.
    """
    if not path.is_file():
        raise UserError(f"{path}: no such submission")
    try:
        return _read_rankings(path)
    except (UnicodeDecodeError, csv.Error) as error:
        raise UserError(f"{path}: expected CSV in UTF-8: {error}") from None


def check_submission(path: Path, ids: Sequence[str]) -> dict[str, list[int]]:
    """The rankings of a submission that answers these rows and no others, in their order.

    Raises:
        UserError: as `read_submission`, or its ids are not these.
    """
    rankings = read_submission(path)
    for number, (expected, found) in enumerate(zip_longest(ids, rankings), start=1):
        if expected != found:
            raise UserError(
                f"{path}: row {number}, column id: expected {_name(expected)} as in test.csv, found "
                f"{_name(found)}"
            )
    return rankings


def _name(row_id: str | None) -> str:
    return "no row" if row_id is None else repr(row_id)


def _read_rankings(path: Path) -> dict[str, list[int]]:
    rankings: dict[str, list[int]] = {}
    with path.open(encoding="utf-8-sig", newline="") as file:
        reader = csv.DictReader(file)
        if reader.fieldnames != HEADER:
            raise UserError(f"{path}: row 0 (the header): expected id,prediction, found {reader.fieldnames}")
        for number, row in enumerate(reader, start=1):
            if None in row:
                raise UserError(f"{path}: row {number}: expected 2 columns, found {2 + len(row[None])}")
            letters = (row["prediction"] or "").strip()
            if not PATTERN.fullmatch(letters) or len(set(letters.split())) < len(letters.split()):
                raise UserError(
                    f"{path}: row {number}, column prediction: expected one to three different "
                    f"letters A-E such as 'A C B', found {letters!r:.40}"
                )
            if row["id"] in rankings:
                raise UserError(f"{path}: row {number}, column id: {row['id']!r} stands twice")
            rankings[row["id"]] = [LETTERS.index(letter) + 1 for letter in letters.split()]
    return rankings
