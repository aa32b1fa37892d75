"""WikiExtractor's `<doc id="…" url="…" title="…">` files: a line before and one behind every page."""

import re
from collections import Counter
from collections.abc import Iterator

from science_exam.corpus.articles import Article
from science_exam.corpus.lines import Line, read_lines
from science_exam.corpus.records import Record, make_article
from science_exam.corpus.sources import Block
from science_exam.corpus.streams import MAX_ARTICLE_BYTES
from science_exam.errors import UserError

# A title may hold quotation marks: it goes on to the last one.
DOC_START = re.compile(r'<doc id="([^"]*)"(?: revid="[^"]*")? url="([^"]*)" title="(.*)">')
DOC_MARK, DOC_END = b"<doc id=", "</doc>"


def begins_doc(previous: bytes, line: bytes) -> bool:
    """Whether a page begins with the second line."""
    return line.startswith(DOC_MARK)


def read_docs(block: Block, counts: Counter[str]) -> Iterator[Article]:
    """The pages of a block as `make_article` makes them; the title in front of a text is cut off.

    Raises:
        UserError: not UTF-8, text outside <doc …> and </doc>, a page without its end or above
            MAX_ARTICLE_BYTES.
    """
    lines = read_lines(block)
    for line in filter(lambda line: line.content.strip(), lines):
        match = DOC_START.fullmatch(line.text.strip())
        if not match:
            raise UserError(
                f'{line.where}: expected <doc id="…" url="…" title="…">, found {line.text[:40]!r}'
            )
        values = dict(zip(("id", "url", "title"), match.groups(), strict=True))
        values["text"] = _read_text(line, lines)
        record = Record(values, lambda line=line: line.where)
        if article := make_article(record, block.source, line.offset, counts):
            yield article


def _read_text(start: Line, lines: Iterator[Line]) -> str:
    texts, n_bytes = [], 0
    for line in lines:
        text = line.text.rstrip()
        n_bytes += len(line.content)
        if text == DOC_END:
            return "\n".join(texts)
        if line.content.startswith(DOC_MARK):
            raise UserError(f"{line.where}: expected </doc> before the next <doc, to end {start.where}")
        if n_bytes > MAX_ARTICLE_BYTES:
            raise UserError(f"{start.where}: expected pages of at most {MAX_ARTICLE_BYTES:,} bytes")
        if text or texts[-1:] != [""]:
            texts.append(text)
    raise UserError(f"{start.where}: expected </doc> behind this page, found none; extract it again")
