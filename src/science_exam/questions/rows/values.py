"""What the values of a row say: text, an option's place; and why a row is of no use."""

import re
import string
from typing import Any

HALF_PAIR = re.compile("[\ud800-\udfff]")


class RowError(Exception):
    """Why a row is of no use.

    A strict reader stops with it, its text behind the row's place; an adaptor counts `reason` and goes on.
    """

    def __init__(self, reason: str, detail: str = "", column: str = "") -> None:
        super().__init__(f", column {column}: {detail}" if column else f": {detail}")
        self.reason = reason


def to_text(value: Any, column: str) -> str:
    """A value as stripped text; nothing and NaN are "".

    Raises:
        RowError: it is no single value, or text that UTF-8 cannot hold.
    """
    if isinstance(value, (dict, list, tuple, bytes)):
        raise RowError("unreadable row", f"expected text, found {value!r:.40}", column)
    text = "" if value is None else str(value).strip()
    if HALF_PAIR.search(text):  # JSON can say it, UTF-8 cannot
        detail = f"expected text, found half a surrogate pair in {text!r:.40}"
        raise RowError("unreadable row", detail, column)
    return "" if text.lower() == "nan" else text


def to_texts(value: Any, column: str) -> list[str]:
    """A list of texts, or the one text; those that are empty are left out.

    Raises:
        RowError: as `to_text`.
    """
    parts = value if isinstance(value, list) else [value]
    return [text for part in parts if (text := to_text(part, column))]


def find_option(name: str, n_options: int, first: int = 1) -> int | None:
    """Position from 0 of the option that a letter or a number names; None where it names none.

    Args:
        name: "B", "b" or "2".
        n_options: how many there are, 26 at most.
        first: the number of the first option.

    Example:
        >>> find_option("B", 4), find_option("2", 4), find_option("2", 4, first=0), find_option("E", 4)
        (1, 1, 2, None)
    """
    letters = list(string.ascii_uppercase[:n_options])
    numbers = [str(first + position) for position in range(n_options)]
    for names in (letters, numbers):
        if name.upper() in names:
            return names.index(name.upper())
    return None
