"""Files of articles: finding them, and telling their format by the first bytes.

A name says little (`wiki_00`, `…-shortened.bz2`), so the content decides; the name only tells
which index belongs to which multistream dump.
"""

import json
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from science_exam.corpus.streams import MAX_ARTICLE_BYTES, is_compressed, read_chunks
from science_exam.corpus.wikis import Origin
from science_exam.errors import UserError

MEDIAWIKI, MULTISTREAM, PARQUET = "MediaWiki XML", "multistream MediaWiki XML", "Parquet"
CIRRUS, EXTRACTED = "CirrusSearch JSON", "WikiExtractor <doc>"
PAGES, TEXTBOOKS, ARTICLES, ARRAY = "JSON lines", "JSON lines of sections", "articles.jsonl", "JSON array"

KNOWN = (
    "MediaWiki XML (pages-articles, also multistream with its index beside it), CirrusSearch JSON, "
    "WikiExtractor JSON lines or <doc> files, Parquet with title and text, JSON lines with text or with "
    "article_id and sections, a JSON array of objects with text; each but Parquet also as .bz2 or .gz"
)
SNIFF_BYTES = 4096
BYTE_ORDER_MARK = b"\xef\xbb\xbf"
ENDINGS = {".bz2", ".gz", ".xml", ".json", ".jsonl", ".ndjson", ".txt", ".parquet"}
INDEX = re.compile(r"-multistream-index\d*\.txt")
MULTISTREAM_NAME = re.compile(r"-multistream(\d*)\.xml(.*)\.bz2$")


@dataclass(frozen=True)
class Block:
    """A part of a file of articles that one worker reads alone.

    Without a part it is the whole file. Else `start` and `stop` bound it: bytes of the file, bytes of
    its decompressed content where `fragment` holds them, row groups of Parquet.
    """

    name: str  # the same for the same sources and size: "00003-000012" is the 13th block of the 4th file
    path: Path
    kind: str  # one of the formats above
    origin: Origin
    start: int | None = None
    stop: int | None = None
    fragment: bytes | None = field(default=None, repr=False)
    line: int | None = None  # number of the first line of a fragment, from 0

    @property
    def source(self) -> str:
        """What the articles' source column will hold, unless a record names its own."""
        return self.origin.source


def find_sources(paths: Sequence[Path]) -> list[Block]:
    """The files of some paths, in their order, each as one block named after its number.

    A folder stands for the files below it, sorted by path; hidden files, *.md and the
    indexes of multistream dumps are passed over. A file that is found twice counts once.

    Raises:
        UserError: a path does not exist, a folder has no files, a file is empty or of no known format.
    """
    files: dict[Path, Path] = {}
    for path in paths:
        for file in _list_files(path):
            files.setdefault(file.resolve(), file)
    return [_recognise(number, file) for number, file in enumerate(files.values())]


def _list_files(path: Path) -> list[Path]:
    if path.is_file():
        return [path]
    if not path.is_dir():
        raise UserError(f"{path}: no such file or folder; expected {KNOWN}")
    below = sorted((p for p in path.rglob("*") if p.is_file()), key=lambda p: p.parts)
    files = [p for p in below if not _is_passed_over(p.relative_to(path))]
    if not files:
        raise UserError(f"{path}: no files in this folder; expected {KNOWN}")
    return files


def _is_passed_over(path: Path) -> bool:
    """Hidden files, indexes of dumps, and what explains a folder to people."""
    hidden = any(part.startswith(".") for part in path.parts)
    return hidden or bool(INDEX.search(path.name)) or path.suffix == ".md"


def _recognise(number: int, path: Path) -> Block:
    kind = _sniff(path)
    if kind == MEDIAWIKI and find_index(path) and is_compressed(path):
        kind = MULTISTREAM
    return Block(f"{number:05d}", path, kind, Origin(_stem(path)))


def find_index(path: Path) -> Path | None:
    """The index beside a multistream dump, if there is one."""
    if not MULTISTREAM_NAME.search(path.name):
        return None
    name = MULTISTREAM_NAME.sub(r"-multistream-index\1.txt\2", path.name)
    candidates = [path.with_name(name + ending) for ending in (".bz2", ".gz", "")]
    return next((candidate for candidate in candidates if candidate.is_file()), None)


def _stem(path: Path) -> str:
    """A file's name without its known endings."""
    while path.suffix in ENDINGS:
        path = path.with_suffix("")
    return path.name


def _sniff(path: Path) -> str:
    chunks = read_chunks(path)
    head = _take(chunks, SNIFF_BYTES)
    if not head:
        raise UserError(f"{path}: expected {KNOWN}; found an empty file")
    start = head.removeprefix(BYTE_ORDER_MARK).lstrip()
    if re.match(rb"<\?xml|<!DOCTYPE|<mediawiki", start):
        return MEDIAWIKI
    marks = {b"PAR1": PARQUET, b"<doc ": EXTRACTED, b"[": ARRAY}
    for mark, kind in marks.items():
        if start.startswith(mark):
            return kind
    if start.startswith(b"{"):
        while b"\n" not in start and len(start) < MAX_ARTICLE_BYTES and (more := _take(chunks, len(start))):
            start += more
        return _sniff_object(start.partition(b"\n")[0])
    raise UserError(
        f"{path}: expected {KNOWN}; found {head[:40]!r}; where a folder holds other files too, name the files"
    )


def _take(chunks: Iterator[bytes], n_bytes: int) -> bytes:
    """At least so many of the next bytes, if there are so many."""
    taken = b""
    while len(taken) < n_bytes and (chunk := next(chunks, b"")):
        taken += chunk
    return taken


def _sniff_object(line: bytes) -> str:
    """Which JSON lines these are; the reader complains about a line that is no object."""
    try:
        keys = set(json.loads(line))
    except (ValueError, TypeError, RecursionError):
        return PAGES
    if keys == {"index"}:
        return CIRRUS
    if "sections" in keys:
        return ARTICLES
    return TEXTBOOKS if "doc_id" in keys else PAGES
