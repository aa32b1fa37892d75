"""The bytes of a file, decompressed on the way, in pieces of at most a mebibyte.

Memory stays constant whatever the file holds: a compressed bomb costs time, never memory.
"""

import bz2
import gzip
import re
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

from science_exam.errors import UserError

CHUNK_BYTES = 2**20
INPUT_BYTES = 2**16  # read at once of a compressed file
# No page, line or document may be larger: MediaWiki takes 2 MiB of text, and XML and JSON escape it
# by a factor of six at the worst.
MAX_ARTICLE_BYTES = 64 * 2**20

BZIP_START = re.compile(rb"BZh[1-9]")
GZIP_START = b"\x1f\x8b"
AGAIN = "download it again"


def is_compressed(path: Path) -> bool:
    """Whether the file's first bytes are those of bzip2 or gzip, whatever its name."""
    with _open(path) as file:
        start = file.read(4)
    return bool(BZIP_START.match(start)) or start.startswith(GZIP_START)


def read_chunks(path: Path) -> Iterator[bytes]:
    """The whole content of a file, decompressed if it is compressed with bzip2 or gzip.

    Raises:
        UserError: it cannot be opened, or what is compressed is cut off or damaged.
    """
    with _open(path) as file:
        start = file.peek(4)
        if BZIP_START.match(start):
            yield from _decompress(path, file, stop=None)
        elif start.startswith(GZIP_START):
            with _whole("gzip", path), gzip.GzipFile(fileobj=file) as content:
                while chunk := content.read(CHUNK_BYTES):
                    yield chunk
        else:
            while chunk := file.read(CHUNK_BYTES):
                yield chunk


def read_range(path: Path, start: int, stop: int) -> Iterator[bytes]:
    """The bytes of a file from `start` to before `stop`, as they are."""
    with _open(path) as file:
        file.seek(start)
        while start < stop and (chunk := file.read(min(CHUNK_BYTES, stop - start))):
            start += len(chunk)
            yield chunk


def read_bzip_range(path: Path, start: int, stop: int) -> Iterator[bytes]:
    """The decompressed content of the bzip2 streams that fill a file from `start` to `stop`.

    Raises:
        UserError: no stream begins at `start`, none ends at `stop`, or one is damaged.
    """
    with _open(path) as file:
        file.seek(start)
        yield from _decompress(path, file, stop)


@contextmanager
def _open(path: Path) -> Iterator[BinaryIO]:
    try:
        file = path.open("rb")
    except OSError as error:
        raise UserError(f"{path}: expected a file that can be read: {error.strerror}") from None
    with file:
        yield file


@contextmanager
def _whole(form: str, path: Path) -> Iterator[None]:
    """Name the file where its decompression fails."""
    try:
        yield
    except EOFError:
        raise UserError(f"{path}: expected a whole {form} file, found its end cut off; {AGAIN}") from None
    except (OSError, zlib.error) as error:
        raise UserError(f"{path}: expected a whole {form} file, found damage: {error}; {AGAIN}") from None


def _decompress(path: Path, file: BinaryIO, stop: int | None) -> Iterator[bytes]:
    """bzip2 streams, one behind another; stricter than bz2.open, which ends at what is no stream."""
    decompressor, fresh = bz2.BZ2Decompressor(), True
    with _whole("bzip2", path):
        while True:
            data = b""
            if decompressor.eof:
                data, fresh = decompressor.unused_data, True
                decompressor = bz2.BZ2Decompressor()
            if decompressor.needs_input and not data:
                data = file.read(INPUT_BYTES if stop is None else min(INPUT_BYTES, stop - file.tell()))
                if not data and fresh:
                    return
                if not data:
                    raise EOFError
            chunk = decompressor.decompress(data, CHUNK_BYTES)
            fresh = False
            if chunk:
                yield chunk
