"""Multistream dumps: bzip2 streams of 100 pages, and an index that tells where they begin.

Every worker seeks to its streams, so that decompression is shared too. The index has a line
`offset:page id:title` for every page; the header's stream and the closing tag's are not in it.
"""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import BinaryIO

from science_exam.corpus.lines import split_lines
from science_exam.corpus.mediawiki import MAX_HEADER_BYTES, PAGE_START, read_origin
from science_exam.corpus.sources import Block, find_index
from science_exam.corpus.streams import BZIP_START, read_bzip_range, read_chunks
from science_exam.errors import UserError


def plan_streams(whole: Block, block_bytes: int) -> Iterator[Block]:
    """Blocks of whole streams, of at least `block_bytes` of the compressed file.

    Raises:
        UserError: not a MediaWiki dump, or the index is not this file's.
    """
    index = find_index(whole.path)
    size = whole.path.stat().st_size
    with whole.path.open("rb") as file:
        start = None
        for offset, number in _read_offsets(index):
            if offset >= size:
                raise _not_its_index(whole.path, index, number, f"offset {offset:,} in {size:,} bytes")
            if start is not None and offset - start < block_bytes:
                continue
            _check_stream(file, whole.path, index, offset, number)
            if start is None:
                whole = replace(whole, origin=read_origin(whole, _read_header(whole.path, index, offset)))
            else:
                yield replace(whole, start=start, stop=offset)
            start = offset
    if start is None:
        raise _not_its_index(whole.path, index, 1, "nothing")
    yield replace(whole, start=start, stop=size)


def _read_offsets(index: Path) -> Iterator[tuple[int, int]]:
    """The offsets in an index, each once, with the number of the line."""
    last_text, last = b"", 0
    for number, line in enumerate(split_lines(index, read_chunks(index)), start=1):
        text = line.partition(b":")[0]
        if text == last_text or not line:
            continue
        if not (text.isdigit() and len(text) < 20 and int(text) > last):
            raise UserError(
                f"{index}: line {number}: expected offset:page id:title with offsets that grow, "
                f"found {line[:40]!r}"
            )
        last_text, last = text, int(text)
        yield last, number


def _check_stream(file: BinaryIO, path: Path, index: Path, offset: int, number: int) -> None:
    file.seek(offset)
    if not BZIP_START.match(start := file.read(4)):
        raise _not_its_index(path, index, number, f"{start!r} at byte {offset:,}")


def _read_header(path: Path, index: Path, stop: int) -> bytes:
    header = b""
    for chunk in read_bzip_range(path, 0, stop):
        header += chunk
        if PAGE_START in header or len(header) > MAX_HEADER_BYTES:
            raise _not_its_index(path, index, 1, "pages before it")
    return header


def _not_its_index(path: Path, index: Path, number: int, found: str) -> UserError:
    return UserError(
        f"{path}: expected a bzip2 stream where line {number} of {index.name} says, found {found}: "
        "they are not of one dump; download both again, or move the index away to read without it"
    )
