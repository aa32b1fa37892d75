"""What a table is - columns, types, keys - and the check that a frame is one."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import pandas as pd
import pyarrow as pa

from science_exam.errors import UserError

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


def find_first(mask) -> int | None:
    """Position of the first true value of a boolean column, or None."""
    positions = np.flatnonzero(np.asarray(mask, dtype=bool))
    return int(positions[0]) if len(positions) else None


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
    if not column.nullable and (row := find_first(values.isna())) is not None:
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
        if not isinstance(section, dict) or section.keys() != {"path", "text"}:
            raise TypeError("expected path and text")
        if not all(isinstance(text, str) for text in section.values()):
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
    if (row := find_first(frame.duplicated(key))) is not None:
        twice = frame.loc[row, key].tolist()
        first = find_first((frame[key] == frame.loc[row, key]).all(axis=1))
        raise UserError(
            f"{where}: row {row + 1}, column {', '.join(key)}: expected every {table.name} row "
            f"once, found {twice} again (first in row {first + 1})"
        )
