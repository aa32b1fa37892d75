"""The layouts of the competition's CSV and of the project's own JSON lines, by row.

The strict reader (sources.py) and the adaptor that leaves rows out read the same rows by this.
"""

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from science_exam.errors import UserError
from science_exam.questions.rows.readers import Row, insist, read_csv, read_header, read_json_lines
from science_exam.questions.rows.values import RowError, find_option, to_text, to_texts
from science_exam.tables import LETTERS, OPTION_COLUMNS

CSV_COLUMNS = ("id", "prompt", *LETTERS.lower(), "answer", "context")
ANSWER_FORMS = "A-E, 1-5 or option_1-option_5"
ARTICLES_FILE = "articles.jsonl"


def read_competition_csv(path: Path) -> Iterator[Row]:
    """Rows of a CSV file of the competition, with its columns alone.

    Raises:
        UserError: columns are missing or stand twice; see `read_csv`.
    """
    _check_header(path, read_header(path))
    for where, values in read_csv(path):
        if isinstance(values, dict):
            values = {name: value for name, value in values.items() if name.lower() in CSV_COLUMNS}
        yield where, values


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


class Articles:
    """The texts of the articles file beside a question file, read when first asked for."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def text(self, article_id: str) -> str:
        """The whole text of an article.

        Raises:
            RowError: the file has no such article.
            UserError: there is no such file, or it is unsound.
        """
        if article_id not in self._texts:
            raise RowError("unknown article", f"{article_id!r} is not in {self.path}", column="article_id")
        return self._texts[article_id]

    @cached_property
    def _texts(self) -> dict[str, str]:
        if not self.path.is_file():
            raise UserError(f"{self.path}: no such file, but questions name articles in it")
        rows = insist(self.path, read_json_lines(self.path))
        return dict(_parse_article(article, f"{self.path}: {where}") for where, article in rows)


def _parse_article(article: dict[str, Any], where: str) -> tuple[str, str]:
    """An article's id and its whole text."""
    try:
        return str(article["article_id"]), "\n".join(section["text"] for section in article["sections"])
    except (KeyError, TypeError) as error:
        raise UserError(f"{where}: expected article_id and sections (path, text), found {error!r}") from None


@dataclass(frozen=True)
class Record:
    """The values of one row by lower-case key, and the articles that it may name.

    All methods raise RowError where a value is not what it should be.
    """

    values: dict[str, Any]
    articles: Articles

    def text(self, *keys: str) -> str:
        """The first of `keys` that has a value, as stripped text; "" when none has."""
        for key in keys:
            if text := to_text(self.values.get(key), key):
                return text
        return ""

    def parse_options(self) -> list[str]:
        """The texts of the options; what a row has no key for is left out."""
        options = self.values.get("options")
        if options is None:
            pairs = zip(LETTERS.lower(), OPTION_COLUMNS, strict=True)
            return [self.text(*pair) for pair in pairs if self.values.keys() & set(pair)]
        if not isinstance(options, list):
            raise RowError("unreadable row", f"expected a list, found {options!r:.80}", column="options")
        return [to_text(option, "options") for option in options]

    def parse_answer(self, n_options: int) -> int | None:
        """Position of the right option from 0, or None where the row gives no answer."""
        text = self.text("answer")
        if not text:
            return None
        position = find_option(text.lower().removeprefix("option_"), n_options)
        if position is None:
            detail = f"expected {ANSWER_FORMS}, found {text!r:.40}"
            raise RowError("answer names no option", detail, column="answer")
        return position

    def parse_contexts(self) -> list[str]:
        """Texts that came with the question, best first; where none did, its article's."""
        if texts := to_texts(self.values.get("context"), "context"):
            return texts
        article_id = self.text("article_id")
        return [self.articles.text(article_id)] if article_id else []

    def parse_group(self, contexts: list[str]) -> str:
        """What must not be split over folds; "" where the question stands alone."""
        return self.text("group", "article_id") or name_context(contexts)


def make_record(values: dict[str, Any], articles: Articles) -> Record:
    """The record of a row, whatever case its keys are in."""
    return Record({key.lower(): value for key, value in values.items()}, articles)


def name_context(texts: list[str]) -> str:
    """A name for the first context: questions made from one passage belong together."""
    return "context-" + hashlib.sha256(texts[0].encode()).hexdigest()[:16] if texts else ""
