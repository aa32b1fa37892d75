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

import hashlib
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import pandas as pd

from science_exam.errors import UserError
from science_exam.questions.readers import read_csv, read_json_lines
from science_exam.tables import CONTEXTS, LETTERS, OPTION_COLUMNS, QUESTIONS, check_table

ARTICLES_FILE = "articles.jsonl"
ANSWER_FORMS = "A-E, 1-5 or option_1-option_5"


class _Articles:
    """The texts of the articles file beside a question file, read when first asked for."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def text(self, article_id: str, where: str) -> str:
        if article_id not in self._texts:
            raise UserError(f"{where}, column article_id: {article_id!r} is not in {self.path}")
        return self._texts[article_id]

    @cached_property
    def _texts(self) -> dict[str, str]:
        if not self.path.is_file():
            raise UserError(f"{self.path}: no such file, but questions name articles in it")
        return dict(
            _parse_article(article, f"{self.path}: {where}") for where, article in read_json_lines(self.path)
        )


def _parse_article(article: dict[str, Any], where: str) -> tuple[str, str]:
    """An article's id and its whole text."""
    try:
        return str(article["article_id"]), "\n".join(section["text"] for section in article["sections"])
    except (KeyError, TypeError) as error:
        raise UserError(f"{where}: expected article_id and sections (path, text), found {error!r}") from None


@dataclass(frozen=True)
class _Record:
    """One row of a file: its values by lower-case key, and where it stands, for messages."""

    where: str
    number: int
    values: dict[str, Any]
    articles: _Articles

    def text(self, *keys: str) -> str:
        """The first of `keys` that has a value, as stripped text; "" when none has."""
        for key in keys:
            if text := _to_text(self.values.get(key), f"{self.where}, column {key}"):
                return text
        return ""


def _to_text(value: Any, where: str) -> str:
    """A value as stripped text; nothing and NaN are ""."""
    if isinstance(value, (dict, list)):
        raise UserError(f"{where}: expected text, found {value!r:.40}")
    text = "" if value is None else str(value).strip()
    if any("\ud800" <= c <= "\udfff" for c in text):  # JSON can say it, UTF-8 cannot
        raise UserError(f"{where}: expected text, found half a surrogate pair in {text!r:.40}")
    return "" if text.lower() == "nan" else text


def read_questions(path: Path) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Questions table and contexts table (perhaps empty) of a .csv or .jsonl file.

    Raises:
        UserError: no such file, an unknown ending, not UTF-8, missing columns, an empty prompt, an
            answer outside A-E, an id twice; the message names file, row, column and expectation.
    """
    readers = {".csv": read_csv, ".jsonl": read_json_lines}
    if path.suffix not in readers:
        raise UserError(f"{path}: expected a file that ends in {' or '.join(readers)}")
    if not path.is_file():
        raise UserError(f"{path}: no such file; give a question file with QUESTIONS=path")
    articles = _Articles(path.parent / ARTICLES_FILE)
    questions, contexts = [], []
    places: dict[str, str] = {}
    for number, (where, values) in enumerate(readers[path.suffix](path), start=1):
        lowered = {key.lower(): value for key, value in values.items()}
        record = _Record(f"{path}: {where}", number, lowered, articles)
        row, texts = _parse_record(record, source=path.stem)
        name = row["question_id"]
        if name in places:
            raise UserError(
                f"{path}: {where}, column id: expected every id once, "
                f"found {name!r} again (first in {places[name]})"
            )
        places[name] = where
        questions.append(row)
        contexts += _context_rows(name, texts)
    if not questions:
        raise UserError(f"{path}: expected at least one question, found none")
    return (
        check_table(pd.DataFrame(questions), QUESTIONS, str(path)),
        check_table(pd.DataFrame(contexts, columns=list(CONTEXTS.columns)), CONTEXTS, str(path)),
    )


def _parse_record(record: _Record, source: str) -> tuple[dict[str, Any], list[str]]:
    """One row of the questions table, and its context texts, best first."""
    prompt = record.text("prompt")
    if not prompt:
        raise UserError(f"{record.where}, column prompt: expected a question, found nothing")
    texts = _parse_contexts(record)
    row = {
        "question_id": record.text("id", "question_id") or str(record.number - 1),
        "prompt": prompt,
        **dict(zip(OPTION_COLUMNS, _parse_options(record), strict=True)),
        "answer": _parse_answer(record),
        "source": record.text("source") or source,
        "passage_id": record.text("passage_id") or None,
    }
    row["group"] = record.text("group", "article_id") or _shared_context(texts) or row["question_id"]
    return row, texts


def _parse_options(record: _Record) -> list[str]:
    options = record.values.get("options")
    if options is None:
        pairs = zip(LETTERS.lower(), OPTION_COLUMNS, strict=True)
        absent = [
            column for letter, column in pairs if letter not in record.values and column not in record.values
        ]
        if absent:
            raise UserError(f"{record.where}, column {absent[0]}: expected an option, found no such key")
        return [record.text(a, b) for a, b in zip(LETTERS.lower(), OPTION_COLUMNS, strict=True)]
    if not isinstance(options, list) or len(options) != len(OPTION_COLUMNS):
        raise UserError(f"{record.where}, column options: expected a list of 5, found {options!r:.80}")
    return [_to_text(option, f"{record.where}, column options") for option in options]


def _parse_answer(record: _Record) -> int | None:
    """1-5, or None where the file gives no answer."""
    text = record.text("answer")
    if not text:
        return None
    name = text.lower().removeprefix("option_").upper()
    if len(name) == 1 and name in LETTERS:
        return LETTERS.index(name) + 1
    if name in ("1", "2", "3", "4", "5"):
        return int(name)
    raise UserError(f"{record.where}, column answer: expected {ANSWER_FORMS}, found {text!r:.40}")


def _parse_contexts(record: _Record) -> list[str]:
    context = record.values.get("context")
    if isinstance(context, list):
        texts = [_to_text(part, f"{record.where}, column context") for part in context]
        if any(texts):
            return [text for text in texts if text]
    elif text := record.text("context"):
        return [text]
    if article_id := record.text("article_id"):
        return [record.articles.text(article_id, record.where)]
    return []


def _shared_context(texts: list[str]) -> str:
    """A name for the first context: questions made from one passage belong together."""
    return "context-" + hashlib.sha256(texts[0].encode()).hexdigest()[:16] if texts else ""


def _context_rows(question_id: str, texts: list[str]) -> list[dict[str, Any]]:
    return [
        {
            "question_id": question_id,
            "rank": rank,
            "passage_id": None,
            "score": None,
            "retriever": "given",
            "text": text,
        }
        for rank, text in enumerate(texts, start=1)
    ]
