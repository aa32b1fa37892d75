"""MediaWiki XML dumps: the header, and blocks of whole pages.

XML escapes "<" in text, so that `</page>` in the bytes is always the end of a page. A block ends
behind the first `</page>` at or after its size; what holds no bytes of its own is found by seeking.
"""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import BinaryIO
from xml.parsers import expat

from science_exam.corpus.sources import Block
from science_exam.corpus.streams import AGAIN, CHUNK_BYTES, MAX_ARTICLE_BYTES, is_compressed, read_chunks
from science_exam.corpus.wikis import Origin, find_licence
from science_exam.errors import UserError

PAGE_START, PAGE_END, DUMP_END = b"<page>", b"</page>", b"</mediawiki>"
MAX_HEADER_BYTES = 2**20  # siteinfo takes about 3 KB
TAIL_BYTES = 4096  # what may stand behind the last page: line ends and the closing tag


def plan_pages(whole: Block, block_bytes: int, inline: bool) -> Iterator[Block]:
    """Blocks of about `block_bytes` of a dump's content.

    A plain file becomes ranges of bytes. A compressed one can only be read from its beginning: its
    blocks hold their bytes, unless `inline` is false; then the file is one block.

    Raises:
        UserError: not a MediaWiki dump, no pages in it, a document type declaration, a page above
            MAX_ARTICLE_BYTES, a damaged file, or one that does not end in </mediawiki>.
    """
    header, body = split_header(whole.path, read_chunks(whole.path))
    whole = replace(whole, origin=read_origin(whole, header))
    if not is_compressed(whole.path):
        yield from _plan_ranges(whole, len(header), block_bytes)
    elif inline:
        yield from _plan_fragments(whole, body, len(header), block_bytes)
    else:
        yield whole


def split_header(path: Path, chunks: Iterator[bytes]) -> tuple[bytes, Iterator[bytes]]:
    """What stands before the first page, and the rest of the content."""
    start = b""
    for chunk in chunks:
        start += chunk
        header, page, rest = start.partition(PAGE_START)
        if page:
            return header, _prepend(page + rest, chunks)
        if len(start) > MAX_HEADER_BYTES:
            break
    else:
        if DUMP_END not in start:
            parse_header(path, start)  # it may say better what is wrong
    raise UserError(f"{path}: expected a MediaWiki dump with pages, found no <page> in {len(start):,} bytes")


def _prepend(first: bytes, rest: Iterator[bytes]) -> Iterator[bytes]:
    yield first
    yield from rest


def read_origin(whole: Block, header: bytes) -> Origin:
    """Name, addresses and licence of a dump's wiki; the file's name where the header gives none."""
    found = parse_header(whole.path, header)
    base = found.get("base", "")
    # ".../wiki/Main_Page" and ".../index.php?title=Main_Page"
    prefix = base[: max(base.rfind("/"), base.rfind("=")) + 1]
    return Origin(found.get("dbname") or whole.source, prefix or None, find_licence(base))


def parse_header(path: Path, header: bytes) -> dict[str, str]:
    """The texts of siteinfo's elements by name.

    Raises:
        UserError: the root is not <mediawiki>, the XML is malformed or has a document type declaration.
    """
    parser = expat.ParserCreate("utf-8")
    parser.buffer_text = True
    opened: list[str] = []
    texts: dict[str, str] = {}

    def start(name: str, attributes: dict[str, str]) -> None:
        opened.append(name)
        if opened[0] != "mediawiki":
            raise UserError(f"{path}: expected a MediaWiki dump, found the root element <{opened[0]}>")

    def add(text: str) -> None:
        if opened[1:2] == ["siteinfo"]:
            texts[opened[-1]] = texts.get(opened[-1], "") + text

    parser.StartElementHandler = start
    parser.EndElementHandler = lambda name: opened.pop()
    parser.CharacterDataHandler = add
    parser.StartDoctypeDeclHandler = lambda *names: refuse_doctype(path)
    try:
        parser.Parse(header + DUMP_END, True)
    except expat.ExpatError as error:
        raise UserError(
            f"{path}: expected the whole header of a MediaWiki dump in UTF-8: {error}; {AGAIN}"
        ) from None
    return texts


def refuse_doctype(path: Path) -> None:
    """Entities are declared there, and they can unfold without end."""
    raise UserError(f"{path}: expected a MediaWiki dump, found a document type declaration; it has none")


def _plan_ranges(whole: Block, start: int, block_bytes: int) -> Iterator[Block]:
    with whole.path.open("rb") as file:
        end = _find_dump_end(whole.path, file)
        while start < end and not _is_blank(file, start, end):
            stop = _find_page_end(whole.path, file, start + block_bytes, end)
            yield replace(whole, start=start, stop=stop)
            start = stop


def _find_dump_end(path: Path, file: BinaryIO) -> int:
    """Where the closing tag begins."""
    size = path.stat().st_size
    file.seek(max(0, size - TAIL_BYTES))
    tail = file.read()
    check_tail(path, tail)
    return size - len(tail) + tail.rindex(DUMP_END)


def check_tail(path: Path, tail: bytes) -> None:
    """See that the last bytes of a dump are the closing tag."""
    if not tail.rstrip().endswith(DUMP_END):
        raise UserError(f"{path}: expected </mediawiki> at the end, found {tail[-40:]!r}: cut off; {AGAIN}")


def _is_blank(file: BinaryIO, start: int, stop: int) -> bool:
    file.seek(start)
    return stop - start < TAIL_BYTES and not file.read(stop - start).strip()


def _find_page_end(path: Path, file: BinaryIO, position: int, end: int) -> int:
    """The first end of a page at or after `position`, or `end`."""
    position -= len(PAGE_END)
    file.seek(position)
    seen = b""
    while position < end and (chunk := file.read(CHUNK_BYTES)):
        window = seen + chunk
        if (found := window.find(PAGE_END)) >= 0:
            return position - len(seen) + found + len(PAGE_END)
        seen = window[1 - len(PAGE_END) :]
        position += len(chunk)
    return end


def _plan_fragments(whole: Block, chunks: Iterator[bytes], start: int, block_bytes: int) -> Iterator[Block]:
    waiting = bytearray()
    for chunk in chunks:
        searched = max(block_bytes, len(waiting)) - len(PAGE_END)
        waiting += chunk
        while (found := waiting.find(PAGE_END, max(0, searched))) >= 0:
            stop = start + found + len(PAGE_END)
            yield replace(whole, start=start, stop=stop, fragment=bytes(waiting[: stop - start]))
            del waiting[: stop - start]
            start, searched = stop, block_bytes - len(PAGE_END)
        if len(waiting) > block_bytes + MAX_ARTICLE_BYTES:
            raise too_large(whole.path, f"byte {start + block_bytes:,}")
    check_tail(whole.path, bytes(waiting[-TAIL_BYTES:]))
    del waiting[waiting.rindex(DUMP_END) :]
    if waiting.strip():
        yield replace(whole, start=start, stop=start + len(waiting), fragment=bytes(waiting))


def too_large(path: Path, where: str) -> UserError:
    """What to raise where a page does not end."""
    return UserError(
        f"{path}: {where}: expected pages of at most {MAX_ARTICLE_BYTES:,} bytes, found a larger one; "
        "use a dump of current pages (pages-articles), without their history"
    )
