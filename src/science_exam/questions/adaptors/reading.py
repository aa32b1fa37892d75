"""A source of questions -> its drafts, one at a time: memory does not grow with the source."""

import re
from collections.abc import Callable, Iterator
from functools import partial
from itertools import islice
from pathlib import Path
from typing import Any

from science_exam.errors import UserError
from science_exam.questions.adaptors.columns import check_columns, parse_columns
from science_exam.questions.adaptors.competition import parse_competition, read_competition
from science_exam.questions.adaptors.generated import (
    is_generated,
    list_question_files,
    parse_generated,
    read_generated,
)
from science_exam.questions.adaptors.hub import read_hub
from science_exam.questions.adaptors.instructions import parse_instruction
from science_exam.questions.adaptors.layouts import check_layout, tell_layout
from science_exam.questions.adaptors.mcql import parse_mcql
from science_exam.questions.adaptors.mmlu import parse_mmlu, read_mmlu
from science_exam.questions.adaptors.review import parse_review
from science_exam.questions.adaptors.rows import SourceRow
from science_exam.questions.adaptors.sciq import parse_sciq
from science_exam.questions.competition import ARTICLES_FILE, Articles
from science_exam.questions.config import SourceConfig, name_source
from science_exam.questions.drafts import Draft, Tally
from science_exam.questions.rows.readers import Row, list_columns, read_rows
from science_exam.questions.rows.values import RowError

Parse = Callable[[SourceRow], Draft]

DATA_FILE = re.compile(r"\.(csv|json|jsonl|ndjson|parquet)(\.gz|\.bz2)?$", re.IGNORECASE)
PARSERS: dict[str, Parse] = {
    "instructions": parse_instruction,
    "mcql": parse_mcql,
    "review": parse_review,
    "sciq": parse_sciq,
}


def read_drafts(source: SourceConfig, dropped: Tally) -> Iterator[Draft]:
    """The questions of a source, in its order.

    Args:
        source: file, folder or dataset, and its layout.
        dropped: counts the rows of no use, by reason.

    Returns:
        Drafts, read as they are asked for; each holds its right option, and the others in the row's order.

    Raises:
        UserError: the source is not there, is of no known layout, lacks columns, is not UTF-8, or is
            damaged; the message names file, row and column.
    """
    name = name_source(source)
    for place, values, parse in islice(_read_source(source), source.max_rows or None):
        try:
            if isinstance(values, RowError):
                raise values
            yield parse(SourceRow(name, place, values))
        except RowError as error:
            dropped.add(name, error.reason, place)


def _read_source(source: SourceConfig) -> Iterator[tuple[str, dict[str, Any] | RowError, Parse]]:
    """Every row with its place and with what makes a draft of it."""
    if source.format == "hub":
        parse = partial(parse_columns, columns=source.columns)
        yield from ((f"{source.path}: {where}", values, parse) for where, values in read_hub(source))
        return
    path = Path(source.path)
    for file in list_files(source):
        rows, parse = _open_file(file, source)
        name = file.name if file == path else file.relative_to(path).as_posix()
        for where, values in rows:
            row_only, _, _ = where.partition(" (")  # lines are for who mends the file
            yield f"{name}: {row_only}", values, parse


def list_files(source: SourceConfig) -> list[Path]:
    """The source's file, or the question files of its folder at any depth, sorted.

    Raises:
        UserError: there is none, or the folder is that of a run that has not finished.
    """
    path = Path(source.path)
    if path.is_file():
        return [path]
    if not source.path or not path.is_dir():
        raise UserError(
            f"{source.path!r}: no such file or folder; check path: of this source (a dataset of the hub "
            f"needs format: hub)"
        )
    if source.format == "generated" or (source.format == "auto" and is_generated(path)):
        return list_question_files(path)
    below = sorted((p for p in path.rglob("*") if p.is_file()), key=lambda p: p.parts)
    files = [file for file in below if _is_question_file(file.relative_to(path))]
    if not files:
        raise UserError(f"{path}: no .csv, .json, .jsonl or .parquet files (or these as .gz, .bz2) below it")
    return files


def _is_question_file(path: Path) -> bool:
    hidden = any(part.startswith(".") for part in path.parts)
    return not hidden and path.name != ARTICLES_FILE and bool(DATA_FILE.search(path.name))


def _open_file(path: Path, source: SourceConfig) -> tuple[Iterator[Row], Parse]:
    """The rows of a file, and what makes a draft of one.

    Raises:
        UserError: columns are missing, or the layout is unknown.
    """
    if source.format == "generated" or (source.format == "auto" and is_generated(Path(source.path))):
        return read_generated(path), parse_generated
    layout = tell_layout(path) if source.format == "auto" else source.format
    if layout == "competition":
        articles = Articles(path.parent / ARTICLES_FILE)
        return read_competition(path), partial(parse_competition, articles=articles)
    if layout == "mmlu":
        return read_mmlu(path), parse_mmlu
    if layout == "columns":
        check_columns(source.columns, list_columns(path), str(path))
        return read_rows(path), partial(parse_columns, columns=source.columns)
    check_layout(path, layout)
    return read_rows(path), PARSERS[layout]
