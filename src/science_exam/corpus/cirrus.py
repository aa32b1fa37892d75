"""CirrusSearch dumps: the search index of a wiki, with its templates expanded.

Two lines a page, as Elasticsearch's bulk interface takes them: `{"index": {"_id": …}}` and the document.
Redirects are no pages of their own there. `text` is the page's text without its headings, and
`opening_text` its lead; both become sections without a heading.
"""

import re
from collections import Counter
from collections.abc import Iterator

from science_exam.corpus.articles import Article, Section
from science_exam.corpus.json_lines import read_records
from science_exam.corpus.records import Record
from science_exam.corpus.sources import Block
from science_exam.corpus.wikis import find_licence, is_disambiguation, locate_wiki, make_url
from science_exam.errors import UserError

INDEX_LINE = re.compile(rb'\s*\{\s*"index"\s*:')
DISAMBIGUATION_TEMPLATES = {
    f"template:{name}" for name in ("disambiguation", "disambig", "dab", "hndis", "geodis")
}


def begins_page(previous: bytes, line: bytes) -> bool:
    """Whether a page begins with the second line."""
    return bool(INDEX_LINE.match(line))


def read_pages(block: Block, counts: Counter[str]) -> Iterator[Article]:
    """The articles of the main namespace.

    Raises:
        UserError: not UTF-8, not JSON, no object, a key twice, an index line without a document or a
            document without its index line, no title, text or namespace, a value of the wrong type.
    """
    for number, document in _read_pairs(block):
        counts["pages"] += 1
        reason = _find_reason_against(document)
        if reason:
            counts[reason] += 1
        else:
            yield _make_article(number, document, block.source)


def _read_pairs(block: Block) -> Iterator[tuple[str, Record]]:
    """Page numbers and documents."""
    records = read_records(block)
    for line, action in records:
        index = action.values.get("index")
        if not isinstance(index, dict) or "_id" not in index:
            raise UserError(f'{line.where}: expected {{"index": {{"_id": …}}}}, found {line.text[:40]!r}')
        _, document = next(records, (None, None))
        if document is None:
            raise UserError(f"{line.where}: expected a document behind this index line, found the end")
        yield Record(index, action.locate).text("_id"), document


def _find_reason_against(document: Record) -> str | None:
    if document.need("namespace") != "0":
        return "other namespaces"
    templates = {template.casefold() for template in document.texts("template")}
    text = document.need("text")
    categories = document.texts("category")
    if templates & DISAMBIGUATION_TEMPLATES or is_disambiguation(document.need("title"), text, categories):
        return "disambiguation"
    return None if text else "empty"


def _make_article(number: str, document: Record, source: str) -> Article:
    wiki = document.text("wiki") or source
    prefix = locate_wiki(wiki)
    title = document.text("title")
    return Article(
        article_id=f"{wiki}:{number}",
        title=title,
        sections=split_opening(document.text("opening_text"), document.text("text")),
        source=wiki,
        url=make_url(prefix, title),
        licence=find_licence(prefix or ""),
        categories=document.texts("category"),
    )


def split_opening(opening: str, text: str) -> tuple[Section, ...]:
    """The lead, and what of `text` is not in it; one section where the two do not fit together."""
    before, found, after = text.partition(opening) if opening else ("", "", text)
    if not found:
        return (Section("", text),)
    rest = "\n".join(part.strip() for part in (before, after) if part.strip())
    return (Section("", opening), Section("", rest)) if rest else (Section("", opening),)
