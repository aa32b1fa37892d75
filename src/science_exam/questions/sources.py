"""Question files -> the questions table and the contexts that came with the questions.

Two formats:

CSV of the competition: `id,prompt,A,B,C,D,E,answer` in UTF-8, with or without a byte order mark,
with any line ends and with quoted line breaks. `id` and `answer` may be missing (a set without
ids, a test set) and a `context` column may be added; other columns are ignored. Empty options and
NaN become empty text: a hidden test row must be answered, however broken it is.

JSON lines: one object a line with `prompt`; `A` … `E`, `option_1` … `option_5` or a list
`options`; optional `id` or `question_id`, `answer` (a letter, 1-5, or option_1-option_5),
`context` (text or a list of texts, best first), `group`, and `article_id`: the article that the
question was made from. Where a question has an `article_id` and no `context`, the text of that
article, taken from `articles.jsonl` beside the file, is its context.
"""

from pathlib import Path
from typing import Any

import pandas as pd

from science_exam.errors import UserError
from science_exam.questions.building.context_mixing import Context, list_rows
from science_exam.questions.competition import (
    ARTICLES_FILE,
    Articles,
    Record,
    make_record,
    read_competition_csv,
)
from science_exam.questions.rows.readers import insist, read_json_lines
from science_exam.questions.rows.values import RowError
from science_exam.tables import CONTEXTS, LETTERS, OPTION_COLUMNS, QUESTIONS, check_table


def read_questions(path: Path) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Questions table and contexts table (perhaps empty) of a .csv or .jsonl file.

    Raises:
        UserError: no such file, an unknown ending, not UTF-8, missing columns, an empty prompt, an
            answer outside A-E, an id twice; the message names file, row, column and expectation.
    """
    readers = {".csv": read_competition_csv, ".jsonl": read_json_lines}
    if path.suffix not in readers:
        raise UserError(f"{path}: expected a file that ends in {' or '.join(readers)}")
    if not path.is_file():
        raise UserError(f"{path}: no such file; give a question file with QUESTIONS=path")
    articles = Articles(path.parent / ARTICLES_FILE)
    questions, contexts = [], []
    places: dict[str, str] = {}
    for number, (where, values) in enumerate(insist(path, readers[path.suffix](path)), start=1):
        try:
            row, texts = _parse_record(make_record(values, articles), number, source=path.stem)
        except RowError as error:
            raise UserError(f"{path}: {where}{error}") from None
        name = row["question_id"]
        if name in places:
            raise UserError(
                f"{path}: {where}, column id: expected every id once, "
                f"found {name!r} again (first in {places[name]})"
            )
        places[name] = where
        questions.append(row)
        contexts += list_rows(name, [Context(text) for text in texts])
    if not questions:
        raise UserError(f"{path}: expected at least one question, found none")
    return (
        check_table(pd.DataFrame(questions), QUESTIONS, str(path)),
        check_table(pd.DataFrame(contexts, columns=list(CONTEXTS.columns)), CONTEXTS, str(path)),
    )


def _parse_record(record: Record, number: int, source: str) -> tuple[dict[str, Any], list[str]]:
    """One row of the questions table, and its context texts, best first."""
    prompt = record.text("prompt")
    if not prompt:
        raise RowError("no question", "expected a question, found nothing", column="prompt")
    texts = record.parse_contexts()
    _check_five(record)
    answer = record.parse_answer(len(OPTION_COLUMNS))
    row = {
        "question_id": record.text("id", "question_id") or str(number - 1),
        "prompt": prompt,
        **dict(zip(OPTION_COLUMNS, record.parse_options(), strict=True)),
        "answer": None if answer is None else answer + 1,
        "source": record.text("source") or source,
        "passage_id": record.text("passage_id") or None,
    }
    row["group"] = record.parse_group(texts) or row["question_id"]
    return row, texts


def _check_five(record: Record) -> None:
    """An evaluation set cannot do with fewer options than the answers may name."""
    options = record.values.get("options")
    if options is None:
        for letter, column in zip(LETTERS.lower(), OPTION_COLUMNS, strict=True):
            if not record.values.keys() & {letter, column}:
                raise RowError("no option", "expected an option, found no such key", column=column)
    elif not isinstance(options, list) or len(options) != len(OPTION_COLUMNS):
        raise RowError("not five options", f"expected a list of 5, found {options!r:.80}", column="options")
