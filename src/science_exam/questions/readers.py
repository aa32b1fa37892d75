"""Question files row by row: CSV and JSON lines, with the place of every row for messages."""

import csv
import io
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from science_exam.errors import UserError
from science_exam.tables import LETTERS

CSV_COLUMNS = ("id", "prompt", *LETTERS.lower(), "answer", "context")


def read_csv(path: Path) -> Iterator[tuple[str, dict[str, Any]]]:
    """Rows of a CSV file with "row N (line M)"; rows count from 1 after the header."""
    csv.field_size_limit(2**31 - 1)  # contexts outgrow the default of 128 KiB
    where = "row 0 (the header)"
    with _open_text(path) as file:
        reader = csv.DictReader(file, strict=True)
        try:
            _check_header(path, reader.fieldnames or [])
            where = f"row 1 (from line {reader.line_num + 1})"
            for number, values in enumerate(reader, start=1):
                where = f"row {number} (line {reader.line_num})"
                _check_width(path, where, values, len(reader.fieldnames))
                yield where, {name: values[name] for name in values if name.lower() in CSV_COLUMNS}
                where = f"row {number + 1} (from line {reader.line_num + 1})"
        except csv.Error as error:
            raise UserError(
                f"{path}: {where}: expected closed quotes (a quote in a field is doubled): {error}"
            ) from None


def _open_text(path: Path) -> io.StringIO:
    """The file's text, line ends as they are."""
    content = path.read_bytes()
    try:
        return io.StringIO(content.decode("utf-8-sig"), newline="")
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        raise UserError(f"{path}: line {line}: expected UTF-8 text, found {error.reason}") from None


def _check_header(path: Path, names: list[str]) -> None:
    required = ["prompt", *LETTERS]
    lowered = [name.lower() for name in names]
    if twice := [name for name in CSV_COLUMNS if lowered.count(name) > 1]:
        raise UserError(
            f"{path}: row 0 (the header): expected every column once, found {', '.join(twice)} twice"
        )
    missing = [name for name in required if name.lower() not in lowered]
    if missing:
        raise UserError(
            f"{path}: row 0 (the header): missing columns {', '.join(missing)}; expected "
            f"id,prompt,A,B,C,D,E,answer (id and answer optional), found {','.join(names) or 'none'}"
        )


def _check_width(path: Path, where: str, values: dict[str | None, Any], width: int) -> None:
    if None in values:  # DictReader collects surplus fields under None
        raise UserError(f"{path}: {where}: expected {width} columns, found {width + len(values[None])}")
    if absent := [name for name, value in values.items() if value is None]:
        raise UserError(f"{path}: {where}, column {absent[0]}: expected {width} columns, found fewer")


def read_json_lines(path: Path) -> Iterator[tuple[str, dict[str, Any]]]:
    """Objects of a JSON-lines file with "row N"; blank lines are skipped."""
    with _open_text(path) as file:
        for number, line in enumerate(file, start=1):
            if not line.strip():
                continue
            try:
                values = json.loads(line)
            except json.JSONDecodeError as error:
                raise UserError(
                    f"{path}: row {number}: not valid JSON: {error.msg} (character {error.pos + 1})"
                ) from None
            if not isinstance(values, dict):
                raise UserError(f"{path}: row {number}: expected a JSON object, found {line[:40]!r}")
            yield f"row {number}", values
