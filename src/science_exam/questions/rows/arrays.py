"""One JSON array in a file, read value by value."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any, TextIO

from science_exam.errors import UserError
from science_exam.questions.rows.streams import open_text

CHUNK_CHARS = 2**20
MAX_VALUE_CHARS = 2**26  # a row above it is taken for one that never ends
WHITESPACE = " \t\r\n"
DECODER = json.JSONDecoder()


def read_array(path: Path) -> Iterator[Any]:
    """The values of the array.

    Raises:
        UserError: it cannot be read (`open_text`), is not one JSON array, or does not end.
    """
    with open_text(path) as file:
        reader = _Reader(path, file)
        reader.skip("[")
        if reader.peek() != "]":
            yield reader.read_value()
            while reader.peek() == ",":
                reader.skip(",")
                yield reader.read_value()
        reader.skip("]")
        if rest := reader.peek():
            raise reader.fault(f"the end of the file behind the array, found {rest!r}")


class _Reader:
    """The text of a file from some place on, as much of it as the next value takes."""

    def __init__(self, path: Path, file: TextIO) -> None:
        self.path = path
        self.file = file
        self.text = ""
        self.position = 0
        self.number = 0  # of values begun

    def peek(self) -> str:
        """The next character that is not white space; "" at the end."""
        while True:
            while self.position < len(self.text):
                if self.text[self.position] not in WHITESPACE:
                    return self.text[self.position]
                self.position += 1
            if not self._read_more(CHUNK_CHARS):
                return ""

    def skip(self, mark: str) -> None:
        found = self.peek()
        if found != mark:
            raise self.fault(f"{mark!r}, found {found or 'the end of the file'!r}")
        self.position += 1

    def read_value(self) -> Any:
        """The next value.

        What fails to parse may go on in text that is not read yet: the text is doubled until it
        parses, so that the work grows with its length only.
        """
        self.peek()
        self.number += 1
        while True:
            try:
                value, self.position = DECODER.raw_decode(self.text, self.position)
                return value
            except json.JSONDecodeError as error:
                waiting = len(self.text) - self.position
                if waiting > MAX_VALUE_CHARS or not self._read_more(max(waiting, CHUNK_CHARS)):
                    raise self.fault(f"an object: not valid JSON: {error.msg}") from None
            except (ValueError, RecursionError) as error:  # thousands of digits, thousands of brackets
                raise self.fault(f"an object: not valid JSON: {error}") from None

    def _read_more(self, n_chars: int) -> bool:
        """Drop what is parsed, and read on; whether anything came."""
        more = self.file.read(n_chars)
        self.text = self.text[self.position :] + more
        self.position = 0
        return bool(more)

    def fault(self, expected: str) -> UserError:
        return UserError(f"{self.path}: row {max(1, self.number)}: expected {expected}")
