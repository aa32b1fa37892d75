"""One JSON array of records in a file, read element by element. Such a file is one block."""

import codecs
import json
from collections import Counter
from collections.abc import Iterator
from typing import Any

from science_exam.corpus.articles import Article
from science_exam.corpus.records import build_object, check_object, make_article
from science_exam.corpus.sources import Block
from science_exam.corpus.streams import MAX_ARTICLE_BYTES, read_chunks
from science_exam.errors import UserError

DECODER = json.JSONDecoder(object_pairs_hook=build_object)
WHITESPACE = " \t\r\n"


def read_elements(block: Block, counts: Counter[str]) -> Iterator[Article]:
    """Articles of an array of `{text, title?, id?, url?, …}`; see `make_article`.

    Raises:
        UserError: not UTF-8, not JSON, an array that does not end, an element that is no object or is
            above MAX_ARTICLE_BYTES, a key twice, no text, a value of the wrong type.
    """
    for number, value in enumerate(_read_array(block), start=1):

        def locate(number: int = number) -> str:
            return f"{block.path}: element {number}"

        if article := make_article(check_object(value, locate), block.source, number, counts):
            yield article


def _read_array(block: Block) -> Iterator[Any]:
    reader = _Reader(block)
    reader.skip("[")
    if reader.peek() == "]":
        reader.skip("]")
    else:
        yield reader.read_value()
        while reader.peek() == ",":
            reader.skip(",")
            yield reader.read_value()
        reader.skip("]")
    if rest := reader.peek():
        raise reader.fault(f"the end of the file behind the array, found {rest!r}")


class _Reader:
    """The text of a file from some place on, as much of it as the next value takes."""

    def __init__(self, block: Block) -> None:
        self.path = block.path
        self.chunks = read_chunks(block.path)
        self.decode = codecs.getincrementaldecoder("utf-8-sig")().decode
        self.text = ""
        self.position = 0
        self.number = 0  # of values read

    def peek(self) -> str:
        """The next character that is not white space; "" at the end."""
        while True:
            while self.position < len(self.text):
                if self.text[self.position] not in WHITESPACE:
                    return self.text[self.position]
                self.position += 1
            if not self._read_more():
                return ""

    def skip(self, mark: str) -> None:
        found = self.peek()
        if found != mark:
            raise self.fault(f"{mark!r}, found {found or 'the end of the file'!r}")
        self.position += 1

    def read_value(self) -> Any:
        """The next value.

        A value that fails to parse may go on in bytes that are not read yet: the text is doubled until
        it parses, so that the work grows with its length only.
        """
        self.peek()
        self.number += 1
        while True:
            try:
                value, end = DECODER.raw_decode(self.text, self.position)
            except RecursionError:
                raise self.fault("JSON of few levels, found too many brackets") from None
            except ValueError as error:
                wanted = 2 * (len(self.text) - self.position)
                if wanted > 2 * MAX_ARTICLE_BYTES or not self._read_more(wanted):
                    raise self.fault(f"JSON: {error}") from None
            else:
                self.position = end
                return value

    def _read_more(self, wanted: int = 1) -> bool:
        """Drop what is read, and read until `wanted` characters wait; whether any came."""
        parts = [self.text[self.position :]]
        missing = wanted - len(parts[0])
        self.position = 0
        while missing > 0 and (chunk := next(self.chunks, None)) is not None:
            parts.append(self._decode(chunk))
            missing -= len(parts[-1])
        if missing > 0:
            parts.append(self._decode(b"", final=True))
        self.text = "".join(parts)
        return len(self.text) > len(parts[0])

    def _decode(self, chunk: bytes, final: bool = False) -> str:
        try:
            return self.decode(chunk, final)
        except UnicodeDecodeError as error:
            raise self.fault(f"UTF-8 text, found {error.reason}") from None

    def fault(self, expected: str) -> UserError:
        return UserError(f"{self.path}: element {max(1, self.number)}: expected {expected}")
