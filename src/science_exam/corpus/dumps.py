"""Article dumps of every known format as blocks, the units that workers read and redo alone."""

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path

from science_exam.corpus import arrays, cirrus, extracted, json_lines, pages, parquet, textbooks
from science_exam.corpus.articles import Article
from science_exam.corpus.lines import MayCut, plan_lines
from science_exam.corpus.mediawiki import plan_pages
from science_exam.corpus.multistream import plan_streams
from science_exam.corpus.sources import (
    ARRAY,
    ARTICLES,
    CIRRUS,
    EXTRACTED,
    MEDIAWIKI,
    MULTISTREAM,
    PAGES,
    PARQUET,
    TEXTBOOKS,
    Block,
    find_index,
    find_sources,
)

READERS: dict[str, Callable[[Block, Counter[str]], Iterator[Article]]] = {
    MEDIAWIKI: pages.read_articles,
    MULTISTREAM: pages.read_articles,
    PARQUET: parquet.read_rows,
    ARRAY: arrays.read_elements,
    CIRRUS: cirrus.read_pages,
    EXTRACTED: extracted.read_docs,
    PAGES: json_lines.read_pages,
    ARTICLES: json_lines.read_articles,
    TEXTBOOKS: textbooks.read_documents,
}
# Line-based formats whose records take more than a line, and where they begin.
BEGINNINGS: dict[str, MayCut] = {
    CIRRUS: cirrus.begins_page,
    EXTRACTED: extracted.begins_doc,
    TEXTBOOKS: textbooks.begins_document,
}


def list_files(sources: Sequence[Path]) -> list[Path]:
    """The files that the articles of some files and folders come from, indexes of dumps included."""
    files = [whole.path for whole in find_sources(sources)]
    return [*files, *filter(None, map(find_index, files))]


def plan_blocks(sources: Sequence[Path], block_bytes: int, inline: bool = True) -> Iterator[Block]:
    """The blocks of all articles in some files and folders, in their order.

    The same sources and size give the same blocks with the same names. Blocks are made one by one, and
    hold their bytes only where a file cannot be entered in its middle: take them as they come.

    Args:
        sources: files, and folders whose files are taken recursively, sorted by path.
        block_bytes: about how large a block is, at least 1: bytes of the file, but of what is compressed
            without an index, and of Parquet, bytes before compression. A JSON array is always one block.
        inline: whether blocks of a file that is compressed without an index hold their bytes. Else such
            a file is one block, and one worker's: planning takes no time, but one file no more cores.

    Raises:
        UserError: a source is missing, empty or of no known format; or, when its turn comes, damaged.
    """
    for whole in find_sources(sources):
        for number, block in enumerate(_plan(whole, block_bytes, inline)):
            yield replace(block, name=f"{whole.name}-{number:06d}")


def _plan(whole: Block, block_bytes: int, inline: bool) -> Iterator[Block]:
    if whole.kind == MULTISTREAM:
        return plan_streams(whole, block_bytes)
    if whole.kind == MEDIAWIKI:
        return plan_pages(whole, block_bytes, inline)
    if whole.kind == PARQUET:
        return parquet.plan_row_groups(whole, block_bytes)
    if whole.kind == ARRAY:
        return iter([whole])
    return plan_lines(whole, block_bytes, inline, BEGINNINGS.get(whole.kind, lambda previous, line: True))


def read_block(block: Block, counts: Counter[str]) -> Iterator[Article]:
    """The articles of a block.

    Args:
        block: one of `plan_blocks`.
        counts: is added to: "pages" (or records, or documents) read and "articles" made of them, and
            the others by reason: "redirects", "other namespaces", "other content models",
            "disambiguation", "empty".

    Raises:
        UserError: what is not as the format wants it; it names file, page or line, and what to do.
    """
    for article in READERS[block.kind](block, counts):
        counts["articles"] += 1
        yield article
