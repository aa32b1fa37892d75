"""Question files row by row: CSV, JSON lines, JSON arrays and Parquet, with the place of every row.

A row that cannot be read comes as its `RowError`, so that who reads decides what becomes of it.
"""

import csv
import json
import re
from collections.abc import Callable, Iterator, Sequence
from itertools import islice
from pathlib import Path
from typing import Any, Literal

import pyarrow as pa
import pyarrow.parquet as pq

from science_exam.errors import UserError
from science_exam.questions.rows.arrays import read_array
from science_exam.questions.rows.streams import open_text
from science_exam.questions.rows.values import RowError

# The place in the file ("row 3 (line 7)"), and the values by column.
Row = tuple[str, dict[str, Any] | RowError]
Kind = Literal["CSV", "JSON lines", "JSON array", "Parquet"]

START_CHARS = 4096
PARQUET_START = b"PAR1"
# Text that begins so is JSON whatever the file's name; a question in a CSV may begin with a bracket too.
ARRAY_START = re.compile(r"\s*\[\s*[\[{\]]")
OBJECT_START = re.compile(r"\s*\{\s*[\"}]")
FIRST_ROWS = 100  # whose keys are the columns of a JSON file
BATCH_ROWS = 256  # of a Parquet file in memory at once


def tell_kind(path: Path) -> Kind:
    """The kind of a file, by its content.

    Raises:
        UserError: it cannot be read (`open_text`), or holds nothing.
    """
    if _starts_parquet(path):
        return "Parquet"
    with open_text(path) as file:
        start = file.read(START_CHARS)
    if not start.strip():
        raise UserError(f"{path}: expected questions, found an empty file")
    if ARRAY_START.match(start):
        return "JSON array"
    return "JSON lines" if OBJECT_START.match(start) else "CSV"


def _starts_parquet(path: Path) -> bool:
    try:
        with path.open("rb") as file:
            return file.read(len(PARQUET_START)) == PARQUET_START
    except OSError as error:
        raise UserError(f"{path}: expected a file that can be read: {error.strerror}") from None


def read_rows(path: Path) -> Iterator[Row]:
    """Rows of a file of any kind."""
    readers: dict[Kind, Callable[[Path], Iterator[Row]]] = {
        "CSV": read_csv,
        "JSON lines": read_json_lines,
        "JSON array": read_json_array,
        "Parquet": read_parquet,
    }
    return readers[tell_kind(path)](path)


def list_columns(path: Path) -> list[str]:
    """Columns of a file of any kind; of JSON, where any row may lack some, the keys of the first rows.

    Raises:
        UserError: it cannot be read, or none of the first rows of a JSON file can.
    """
    kind = tell_kind(path)
    if kind == "CSV":
        return read_header(path)
    if kind == "Parquet":
        with _open_parquet(path) as file:
            return file.schema_arrow.names
    first = list(islice(read_rows(path), FIRST_ROWS))
    if first and all(isinstance(values, RowError) for _, values in first):
        list(insist(path, first))
    return list(dict.fromkeys(key for _, values in first if isinstance(values, dict) for key in values))


def insist(path: Path, rows: Iterator[Row] | list[Row]) -> Iterator[tuple[str, dict[str, Any]]]:
    """The same rows.

    Raises:
        UserError: at the first one that cannot be read.
    """
    for where, values in rows:
        if isinstance(values, RowError):
            raise UserError(f"{path}: {where}{values}")
        yield where, values


def read_header(path: Path) -> list[str]:
    """Names of the columns of a CSV file; none when its first line is empty.

    Raises:
        UserError: it cannot be read (`open_text`), or a quote in the header is not closed.
    """
    with open_text(path) as file:
        try:
            return next(csv.reader(file, strict=True), [])
        except csv.Error as error:
            raise _explain(path, "row 0 (the header)", error) from None


def read_csv(path: Path, names: Sequence[str] | None = None) -> Iterator[Row]:
    """Rows of a CSV file with "row N (line M)"; rows count from 1, after the header if it has one.

    Args:
        path: of the file.
        names: of its columns, where it has no header.

    Raises:
        UserError: it cannot be read (`open_text`), or a quote is not closed.
    """
    csv.field_size_limit(2**31 - 1)  # contexts outgrow the default of 128 KiB
    with open_text(path) as file:
        reader = csv.DictReader(file, names, strict=True)
        where = "row 0 (the header)"
        try:
            width = len(reader.fieldnames or [])
            where = f"row 1 (from line {reader.line_num + 1})"
            for number, values in enumerate(reader, start=1):
                yield f"row {number} (line {reader.line_num})", _find_width_fault(values, width) or values
                where = f"row {number + 1} (from line {reader.line_num + 1})"
        except csv.Error as error:
            raise _explain(path, where, error) from None


def _explain(path: Path, where: str, error: csv.Error) -> UserError:
    return UserError(f"{path}: {where}: expected closed quotes (a quote in a field is doubled): {error}")


def _find_width_fault(values: dict[str | None, Any], width: int) -> RowError | None:
    if None in values:  # DictReader collects surplus fields under None
        return RowError("unreadable row", f"expected {width} columns, found {width + len(values[None])}")
    absent = next((name for name, value in values.items() if value is None), None)
    if absent is not None:
        return RowError("unreadable row", f"expected {width} columns, found fewer", column=absent)
    return None


def read_json_lines(path: Path) -> Iterator[Row]:
    """Objects of a JSON-lines file with "row N", the number of the line; blank lines are skipped.

    Raises:
        UserError: it cannot be read (`open_text`).
    """
    with open_text(path) as file:
        for number, line in enumerate(file, start=1):
            if line.strip():
                yield f"row {number}", _parse_line(line)


def _parse_line(line: str) -> dict[str, Any] | RowError:
    try:
        return _check_object(json.loads(line))
    except json.JSONDecodeError as error:
        return RowError("unreadable row", f"not valid JSON: {error.msg} (character {error.pos + 1})")
    except (ValueError, RecursionError) as error:  # thousands of digits, thousands of brackets
        return RowError("unreadable row", f"not valid JSON: {error}")


def _check_object(value: Any) -> dict[str, Any] | RowError:
    if isinstance(value, dict):
        return value
    return RowError("unreadable row", f"expected a JSON object, found {json.dumps(value)[:40]!r}")


def read_json_array(path: Path) -> Iterator[Row]:
    """Objects of a JSON array with "row N".

    Raises:
        UserError: see `read_array`.
    """
    for number, value in enumerate(read_array(path), start=1):
        yield f"row {number}", _check_object(value)


def read_parquet(path: Path) -> Iterator[Row]:
    """Rows of a Parquet file with "row N".

    Raises:
        UserError: the file is damaged.
    """
    number = 0
    with _open_parquet(path) as file:
        try:
            for batch in file.iter_batches(BATCH_ROWS):
                for values in batch.to_pylist():
                    number += 1
                    yield f"row {number}", values
        except (pa.ArrowException, OSError, UnicodeDecodeError) as error:
            raise _explain_parquet(path, error) from None


def _open_parquet(path: Path) -> pq.ParquetFile:
    try:
        return pq.ParquetFile(path, pre_buffer=False)
    except (pa.ArrowException, OSError) as error:
        raise _explain_parquet(path, error) from None


def _explain_parquet(path: Path, error: Exception) -> UserError:
    return UserError(f"{path}: expected a whole Parquet file: {error}")
