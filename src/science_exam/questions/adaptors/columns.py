"""Rows of any layout, by a mapping of columns; see `ColumnsConfig`."""

import json
import re
from collections.abc import Sequence
from typing import Any

from science_exam.errors import UserError
from science_exam.questions.adaptors.rows import SourceRow
from science_exam.questions.competition import name_context
from science_exam.questions.config import ColumnsConfig
from science_exam.questions.drafts import Draft
from science_exam.questions.rows.values import RowError, find_option, to_text, to_texts

MARKED_LETTER = re.compile(r"\(?([A-Za-z])[).:]?")  # "B", "(B)", "B."
WHOLE_NUMBER = re.compile(r"(\d+)(\.0+)?")  # pandas writes 2.0 where a column has gaps


def check_columns(columns: ColumnsConfig, found: Sequence[str], where: str) -> None:
    """Every mapped column is there, once.

    Raises:
        UserError: one is not.
    """
    single = (columns.prompt, columns.answer, columns.right, columns.context, columns.group)
    wanted = [name for name in (*single, *columns.options, *columns.wrong) if name]
    names = [name if name in found else name.partition(".")[0] for name in wanted]
    wrong = [name for name in dict.fromkeys(names) if list(found).count(name) != 1]
    if wrong:
        raise UserError(
            f"{where}: expected the columns {', '.join(dict.fromkeys(names))} once each; "
            f"{', '.join(wrong)} is missing or stands twice; found {', '.join(found) or 'none'}; "
            f"correct columns: of this source"
        )


def parse_columns(row: SourceRow, columns: ColumnsConfig) -> Draft:
    """The draft of a row by the mapping; RowError where it is of no use."""
    prompt = _reach_text(row, columns.prompt)
    contexts = to_texts(_reach(row.values, columns.context), columns.context) if columns.context else []
    group = (_reach_text(row, columns.group) if columns.group else "") or name_context(contexts)
    if columns.right:
        wrong = [to_text(option, "wrong") for option in _read_options(row, columns.wrong)]
        return row.draft(prompt, _reach_text(row, columns.right), wrong, contexts, group)
    values = _read_options(row, columns.options)
    position = find_answer(_reach(row.values, columns.answer), values, columns.first_answer)
    return row.choose(prompt, [to_text(value, "options") for value in values], position, contexts, group)


def find_answer(answer: Any, options: Sequence[Any], first: int) -> int | None:
    """Position from 0 of the option that a letter, a number or a text names; None for no answer.

    Args:
        answer: as the row gives it.
        options: as the row gives them.
        first: the number of the first option.

    Raises:
        RowError: it names no option, or as a letter or number one and as a text another.
    """
    text = to_text(answer, "answer")
    if not text:
        return None
    named = MARKED_LETTER.fullmatch(text) or WHOLE_NUMBER.fullmatch(text)
    by_name = find_option(named[1], len(options), first) if named else None
    by_text = {position for position, option in enumerate(options) if to_text(option, "options") == text}
    if isinstance(answer, int) and all(isinstance(option, str) for option in options):
        by_text = set()  # a number among texts counts them, whatever they say
    if by_name is None and not by_text:
        raise RowError("answer names no option")
    if by_name is not None and by_text and by_name not in by_text:
        raise RowError("answer names two options")
    return by_name if by_name is not None else min(by_text)  # the same text twice: the first


def _read_options(row: SourceRow, names: Sequence[str]) -> list[Any]:
    """The values of the options: one column each, or one column with a list."""
    if len(names) != 1:
        return [_reach(row.values, name) for name in names]
    value = _reach(row.values, names[0])
    options = _read_json_list(value) if isinstance(value, str) else value
    return options if isinstance(options, list) else [options]


def _read_json_list(text: str) -> Any:
    """The list that a CSV file holds as JSON; any other text as it is."""
    try:
        return json.loads(text) if text.lstrip().startswith("[") else text
    except ValueError:
        return text


def _reach_text(row: SourceRow, name: str) -> str:
    return to_text(_reach(row.values, name), name)


def _reach(value: Any, name: str) -> Any:
    """The value of a column; "a.b" is the key b of the object in a, or of every object of the list in a."""
    if isinstance(value, dict):
        if name in value:
            return value[name]
        key, _, rest = name.partition(".")
        return _reach(value.get(key), rest) if rest else None
    return [_reach(part, name) for part in value] if isinstance(value, list) else None
