"""Line-based files: blocks that begin where a record begins, and lines that know where they stand."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import BinaryIO

from science_exam.corpus.sources import BYTE_ORDER_MARK, Block
from science_exam.corpus.streams import (
    CHUNK_BYTES,
    MAX_ARTICLE_BYTES,
    is_compressed,
    read_bzip_range,
    read_chunks,
    read_range,
)
from science_exam.errors import UserError

# Whether a block may begin with the second line; the first is the one before it.
MayCut = Callable[[bytes, bytes], bool]


@dataclass(frozen=True)
class Line:
    """A line of a block; `number` counts from 0 in the block, `offset` is of the file's content."""

    block: Block
    number: int
    offset: int
    content: bytes

    @property
    def where(self) -> str:
        """File and line for messages; a range's first number is only counted here."""
        first = self.block.line or 0
        if self.block.fragment is None and self.block.start:
            before = read_range(self.block.path, 0, self.block.start)
            first = sum(chunk.count(b"\n") for chunk in before)
        return f"{self.block.path}: line {first + self.number + 1}"

    @property
    def text(self) -> str:
        """The line as text.

        Raises:
            UserError: it is not UTF-8.
        """
        content = self.content.removeprefix(BYTE_ORDER_MARK) if self.offset == 0 else self.content
        try:
            return content.decode("utf-8")
        except UnicodeDecodeError as error:
            raise UserError(
                f"{self.where}, byte {error.start + 1}: expected UTF-8 text, found {error.reason}"
            ) from None


def read_block_chunks(block: Block) -> Iterator[bytes]:
    """A block's content, decompressed, in pieces of at most CHUNK_BYTES."""
    if block.fragment is not None:
        for start in range(0, len(block.fragment), CHUNK_BYTES):
            yield block.fragment[start : start + CHUNK_BYTES]
    elif block.start is None:
        yield from read_chunks(block.path)
    elif is_compressed(block.path):
        yield from read_bzip_range(block.path, block.start, block.stop)
    else:
        yield from read_range(block.path, block.start, block.stop)


def read_lines(block: Block) -> Iterator[Line]:
    """The lines of a block without their line feeds."""
    offset = block.start or 0
    for number, content in enumerate(split_lines(block.path, read_block_chunks(block))):
        yield Line(block, number, offset, content)
        offset += len(content) + 1


def split_lines(path: Path, chunks: Iterator[bytes]) -> Iterator[bytes]:
    """Lines without their line feed.

    Raises:
        UserError: a line is longer than MAX_ARTICLE_BYTES.
    """
    rest = b""
    for chunk in chunks:
        *lines, rest = (rest + chunk).split(b"\n")
        yield from lines
        if len(rest) > MAX_ARTICLE_BYTES:
            raise _too_long(path, rest)
    if rest:
        yield rest


def _too_long(path: Path, line: bytes) -> UserError:
    return UserError(
        f"{path}: expected lines of at most {MAX_ARTICLE_BYTES:,} bytes, found a longer one "
        f"that begins with {line[:40]!r}; write one record a line"
    )


def plan_lines(whole: Block, block_bytes: int, inline: bool, may_cut: MayCut) -> Iterator[Block]:
    """Blocks of whole lines of about `block_bytes` of the content, cut where `may_cut` allows.

    A plain file becomes ranges of bytes, a compressed one blocks that hold their bytes, or one block
    where `inline` is false.

    Raises:
        UserError: a damaged file, a line or a record of many lines above MAX_ARTICLE_BYTES.
    """
    if not is_compressed(whole.path):
        yield from _plan_ranges(whole, block_bytes, may_cut)
    elif inline:
        yield from _plan_fragments(whole, block_bytes, may_cut)
    else:
        yield whole


def _plan_ranges(whole: Block, block_bytes: int, may_cut: MayCut) -> Iterator[Block]:
    size, start = whole.path.stat().st_size, 0
    with whole.path.open("rb") as file:
        while start < size:
            stop = min(size, start + block_bytes)
            if stop < size:
                stop = _find_cut(whole.path, file, stop, may_cut)
            yield replace(whole, start=start, stop=stop)
            start = stop


def _find_cut(path: Path, file: BinaryIO, position: int, may_cut: MayCut) -> int:
    """The first line start behind `position` where a block may begin, or the file's end."""
    file.seek(position)
    _read_line(path, file)  # the rest of a line
    previous = _read_line(path, file)
    while line := _read_line(path, file):
        if may_cut(previous, line):
            return file.tell() - len(line)
        previous = line
    return file.tell()


def _read_line(path: Path, file: BinaryIO) -> bytes:
    line = file.readline(MAX_ARTICLE_BYTES + 1)
    if len(line) > MAX_ARTICLE_BYTES:
        raise _too_long(path, line)
    return line


def _plan_fragments(whole: Block, block_bytes: int, may_cut: MayCut) -> Iterator[Block]:
    waiting, previous = bytearray(), b""
    start = first = number = 0
    for number, line in enumerate(split_lines(whole.path, read_chunks(whole.path))):
        if len(waiting) >= block_bytes and may_cut(previous, line):
            yield _cut(whole, start, waiting, first)
            start, first = start + len(waiting), number
            waiting.clear()
        waiting += line + b"\n"
        previous = line
        if len(waiting) > block_bytes + 2 * MAX_ARTICLE_BYTES:
            raise UserError(
                f"{whole.path}: line {first + 1} and behind: expected records of at most "
                f"{MAX_ARTICLE_BYTES:,} bytes, found a larger one"
            )
    if waiting:
        yield _cut(whole, start, waiting, first)


def _cut(whole: Block, start: int, content: bytearray, line: int) -> Block:
    return replace(whole, start=start, stop=start + len(content), fragment=bytes(content), line=line)
