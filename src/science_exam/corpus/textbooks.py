"""JSON lines of sections: `{doc_id, title, section, text, source?, book?, chapter?, licence?, url?}`.

The records of one document stand together, and its article begins with the first of them. A `doc_id`
is the document's id and the section's number, `physics/m4211/7`; a long section may be cut into parts,
`physics/m4211/7#p0`, and `~2` behind the number names another document of the same id. A last number
with leading zeros or of more than four digits is part of the id.

An article's title is the record's. One that tells nothing, "Introduction", has the innermost heading
of `chapter`, else `book`, before it: "Acids and bases: Introduction".
"""

import json
import re
from collections import Counter
from collections.abc import Iterator
from itertools import groupby

from science_exam.corpus.articles import PATH_SEPARATOR, Article, Section
from science_exam.corpus.json_lines import read_records
from science_exam.corpus.records import Record
from science_exam.corpus.sources import Block
from science_exam.corpus.streams import MAX_ARTICLE_BYTES
from science_exam.corpus.wikis import is_disambiguation
from science_exam.errors import UserError

SECTION_NUMBER = re.compile(r"(?:/(?:0|[1-9]\d{0,3}))?(~\d+)?(?:#p\d+)?$")
# Titles of chapters' parts, the same in every chapter of every book.
EMPTY_TITLES = {
    "appendix",
    "conclusion",
    "conclusions",
    "exercises",
    "foreword",
    "glossary",
    "introduction",
    "key terms",
    "overview",
    "preface",
    "problems",
    "references",
    "review",
    "summary",
}


def find_document(doc_id: str) -> str:
    """The document's id in a section's.

    >>> find_document("physics/m4211/7#p0")
    'physics/m4211'
    """
    match = SECTION_NUMBER.search(doc_id)
    return doc_id[: match.start()] + (match[1] or "")


def begins_document(previous: bytes, line: bytes) -> bool:
    """Whether the second line belongs to another document than the first, or to none."""
    document = _peek_document(line)
    return document is None or document != _peek_document(previous)


def _peek_document(line: bytes) -> str | None:
    try:
        return find_document(str(json.loads(line)["doc_id"]).strip())
    except (ValueError, TypeError, KeyError, RecursionError):
        return None


def read_documents(block: Block, counts: Counter[str]) -> Iterator[Article]:
    """One article a document; where the title changes inside a document, one a title.

    Raises:
        UserError: not UTF-8, not JSON, no object, a key twice, no doc_id, title or text, a value of
            the wrong type, a document above MAX_ARTICLE_BYTES.
    """
    last = None
    for (document, title), group in groupby(_read_records(block), key=lambda found: found[:2]):
        records = [record for _, _, record in group]
        counts["pages"] += 1
        # The first article of a document has its id, so that others can be joined on it.
        article_id = document if document != last else records[0].text("doc_id")
        last = document
        article = _make_article(article_id, title, records, block.source)
        if not article.sections:
            counts["empty"] += 1
        elif is_disambiguation(title, categories=article.categories):
            counts["disambiguation"] += 1
        else:
            yield article


def _read_records(block: Block) -> Iterator[tuple[str, str, Record]]:
    """Records with their document and title."""
    last, n_bytes = None, 0
    for line, record in read_records(block):
        if not record.need("doc_id"):
            record.fail("doc_id", "a value, found nothing")
        document = find_document(record.text("doc_id"))
        n_bytes = len(line.content) + (n_bytes if document == last else 0)
        if n_bytes > MAX_ARTICLE_BYTES:
            raise UserError(
                f"{line.where}: expected documents of at most {MAX_ARTICLE_BYTES:,} bytes, "
                f"found a larger one, {document!r:.80}"
            )
        last = document
        yield document, record.need("title"), record


def _make_article(article_id: str, title: str, records: list[Record], source: str) -> Article:
    first = records[0]
    book, chapter = first.text("book"), first.text("chapter")
    front = chapter.rpartition(PATH_SEPARATOR)[2] or book
    if front and title.casefold() in EMPTY_TITLES:
        title = f"{front}: {title}"
    found = [(record.text("section"), record.need("text")) for record in records]
    filled = [(path, text) for path, text in found if text]
    return Article(
        article_id=article_id,
        title=title,
        sections=tuple(
            Section(path, "\n".join(text for _, text in parts))
            for path, parts in groupby(filled, key=lambda section: section[0])
        ),
        source=first.text("source") or source,
        url=first.text("url", "url_or_repo") or None,
        licence=first.text("licence", "license") or None,
        categories=_gather_categories(first, book, chapter),
    )


def _gather_categories(first: Record, book: str, chapter: str) -> tuple[str, ...]:
    """What a filter can judge a document by: categories and subjects, else its book and chapters."""
    given = first.texts("categories") + first.texts("subjects")
    return given or tuple(filter(None, [book, *chapter.split(PATH_SEPARATOR)]))
