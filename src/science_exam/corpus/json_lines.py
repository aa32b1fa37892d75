"""JSON lines: plain records (WikiExtractor's too) and the project's own articles."""

from collections import Counter
from collections.abc import Iterator

from science_exam.corpus.articles import Article, Section
from science_exam.corpus.lines import Line, read_lines
from science_exam.corpus.records import Record, make_article, parse_object
from science_exam.corpus.sources import Block


def read_records(block: Block) -> Iterator[tuple[Line, Record]]:
    """The records of a block with their lines; blank lines are passed over."""
    for line in read_lines(block):
        if line.content.strip():
            yield line, parse_object(line.text, lambda line=line: line.where)


def read_pages(block: Block, counts: Counter[str]) -> Iterator[Article]:
    """Articles of lines `{text, title?, id?, url?, …}`; see `make_article`.

    Raises:
        UserError: not UTF-8, not JSON, no object, a key twice, no text, a value of the wrong type.
    """
    for line, record in read_records(block):
        if article := make_article(record, block.source, line.offset, counts):
            yield article


def read_articles(block: Block, counts: Counter[str]) -> Iterator[Article]:
    """Articles of lines `{article_id, title, sections: [{path, text}], source?, url?, licence?}`.

    Raises:
        UserError: as `read_pages`; and an empty article_id or title.
    """
    for _, record in read_records(block):
        counts["pages"] += 1
        sections = [Section(part.text("path"), part.need("text")) for part in record.records("sections")]
        for key in ("article_id", "title"):
            if not record.need(key):
                record.fail(key, "a value, found nothing")
        article = Article(
            article_id=record.text("article_id"),
            title=record.text("title"),
            sections=tuple(section for section in sections if section.text),
            source=record.text("source") or block.source,
            url=record.text("url") or None,
            licence=record.text("licence", "license") or None,
            categories=record.texts("categories"),
        )
        if article.sections:
            yield article
        else:
            counts["empty"] += 1
