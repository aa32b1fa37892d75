"""The text of a file, piece by piece, decompressed on the way: memory stays constant."""

import bz2
import gzip
import io
import re
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO, TextIO

from science_exam.errors import UserError

GZIP_START = b"\x1f\x8b"
BZIP_START = re.compile(rb"BZh[1-9]1AY&SY")
N_START_BYTES = 10  # that tell how a file is compressed


@contextmanager
def open_text(path: Path) -> Iterator[TextIO]:
    """The text of a file of any compression, told by its first bytes; line ends stay as they are.

    Raises:
        UserError: inside the block too: the file cannot be read, is cut off or damaged, or is not UTF-8.
    """
    try:
        with _open(path) as file, io.TextIOWrapper(file, encoding="utf-8-sig", newline="") as text:
            yield text
    except UnicodeDecodeError as error:
        place = f"{path}: line {_find_bad_line(path)}"
        raise UserError(f"{place}: expected UTF-8 text, found {error.reason}") from None
    except (EOFError, OSError, zlib.error) as error:
        raise UserError(f"{path}: expected a file that can be read to its end: {error}") from None


def _open(path: Path) -> BinaryIO:
    with path.open("rb") as file:
        start = file.read(N_START_BYTES)
    if start.startswith(GZIP_START):
        return gzip.open(path)
    return bz2.open(path) if BZIP_START.match(start) else path.open("rb")


def _find_bad_line(path: Path) -> int:
    """Number of the first line that is not UTF-8, in a file that holds one."""
    with _open(path) as file:
        return next(number for number, line in enumerate(file, start=1) if not _is_utf8(line))


def _is_utf8(line: bytes) -> bool:
    try:
        line.decode("utf-8")
    except UnicodeDecodeError:
        return False
    return True
