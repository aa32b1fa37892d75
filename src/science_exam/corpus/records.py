"""Records with a title and a text, whatever they lie in: JSON lines, a JSON array, Parquet."""

import hashlib
import html
import json
import re
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from science_exam.corpus.articles import Article, Section
from science_exam.corpus.wikis import find_licence, is_disambiguation, name_wiki
from science_exam.errors import UserError

BLANK_LINES = re.compile(r"\n\s*\n")
EXTRACTOR_URL = "?curid="  # only WikiExtractor writes addresses with a page's number


@dataclass(frozen=True)
class Record:
    """The values of one record; `locate` says where it stands, for messages."""

    values: dict[str, Any]
    locate: Callable[[], str]

    def text(self, *keys: str) -> str:
        """The first of `keys` that has a value, stripped; "" when none has.

        Raises:
            UserError: it is neither text nor an integer, or no Unicode.
        """
        for key in keys:
            value = self.values.get(key)
            if type(value) is int:
                return str(value)
            if value is not None and (text := self._check(value, key).strip()):
                return text
        return ""

    def need(self, *keys: str) -> str:
        """As `text`, but one of `keys` must be there; it may be empty."""
        if not any(key in self.values for key in keys):
            self.fail(keys[0], f"a value, found only the columns {', '.join(self.values)!r:.200}")
        return self.text(*keys)

    def texts(self, key: str) -> tuple[str, ...]:
        """A list of texts; () when there is none."""
        value = self.values.get(key)
        if value is None:
            return ()
        if not isinstance(value, list):
            self.fail(key, f"a list of texts, found {value!r:.40}")
        return tuple(self._check(part, key) for part in value)

    def records(self, key: str) -> list["Record"]:
        """A list of objects."""
        value = self.values.get(key)
        if not isinstance(value, list) or not all(isinstance(part, dict) for part in value):
            self.fail(key, f"a list of objects, found {value!r:.40}")
        return [Record(part, lambda: f"{self.locate()}, in column {key}") for part in value]

    def fail(self, key: str, expected: str) -> None:
        raise UserError(f"{self.locate()}, column {key}: expected {expected}")

    def _check(self, value: Any, key: str) -> str:
        if not isinstance(value, str):
            self.fail(key, f"text, found {value!r:.40}")
        try:
            value.encode()
        except UnicodeEncodeError:  # JSON can say it, UTF-8 cannot
            self.fail(key, f"text, found half a surrogate pair in {value!r:.40}")
        return value


def parse_object(text: str, locate: Callable[[], str]) -> Record:
    """A record from the JSON text of one object.

    Raises:
        UserError: not JSON, no object, or a key stands twice.
    """
    try:
        values = json.loads(text, object_pairs_hook=build_object)
    except RecursionError:
        raise UserError(f"{locate()}: expected JSON of few levels, found too many brackets") from None
    except ValueError as error:
        raise UserError(f"{locate()}: expected one JSON object a line: {error}") from None
    return check_object(values, locate)


def check_object(values: Any, locate: Callable[[], str]) -> Record:
    """A record from a parsed value, which must be an object."""
    if not isinstance(values, dict):
        raise UserError(f"{locate()}: expected a JSON object, found {values!r:.40}")
    return Record(values, locate)


def build_object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """A JSON object as a dictionary.

    Raises:
        ValueError: a key stands twice.
    """
    values = dict(pairs)
    if len(values) < len(pairs):
        keys = [key for key, _ in pairs]
        twice = next(key for key in keys if keys.count(key) > 1)
        raise ValueError(f"the key {twice!r:.40} stands twice in an object")
    return values


def make_article(record: Record, source: str, place: int, counts: Counter[str]) -> Article | None:
    """The article of a record `{text, title?, id?, url?, source?, licence?, categories?}`, or None.

    The source is what the record says, else the wiki that its address belongs to, else `source`. The
    id is "source:id"; without an id a hash of `place` (what tells the record from the others of its
    file), title and text takes its place. Of what WikiExtractor writes, the escapes are undone and the
    title in front of the text is cut off.
    """
    counts["pages"] += 1
    text, title, url = record.need("text"), record.text("title"), record.text("url", "url_or_repo")
    if EXTRACTOR_URL in url:
        text, title = html.unescape(text), html.unescape(title)
    if title and text.partition("\n")[0].rstrip() == title:
        text = text[len(title) :].strip()
    wiki, categories = name_wiki(url), record.texts("categories")
    if not text or is_disambiguation(title, text if wiki else "", categories):
        counts["disambiguation" if text else "empty"] += 1
        return None
    name = record.text("source") or wiki or source
    number = record.text("id", "article_id") or _hash(f"{place}\n{title}\n{text}")
    return Article(
        article_id=f"{name}:{number}",
        title=title,
        sections=(Section("", BLANK_LINES.sub("\n\n", text)),),
        source=name,
        url=url or None,
        licence=record.text("licence", "license") or find_licence(url),
        categories=categories,
    )


def _hash(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()[:16]
