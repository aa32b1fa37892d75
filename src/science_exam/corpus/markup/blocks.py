"""Rendered text -> clean lines: paragraphs, list items and rows of tables, as in MediaWiki's last steps."""

import re

from science_exam.corpus.markup.marks import BREAK, BULLET, DEFINITION, INDENTS, TABLE
from science_exam.corpus.markup.wikitables import describe_table

MAX_TABLE_DEPTH = 4  # of tables inside tables; deeper ones are read as text
_LIST_MARKER = re.compile(rf"[*#:;{DEFINITION}]+")
_TABLE_START = re.compile(r"(?m)^[ \t:*#]*\{\|")
_LEFT_OVER = re.compile(r"\{\||\|\}|\|-")  # of a table whose start or end a template wrote
_CELL_BORDER = re.compile(r" *\|\| *")
_NO_COMMA_AFTER, _NO_COMMA_BEFORE = ",;:.([/–—-", "([,;:.)]/–—-"


def split_lines(text: str, depth: int = 0) -> list[str]:
    """Lines of a section, tidied before: one per paragraph, list item and row of a table.

    Args:
        text: with `*`, `#`, `:`, `;` at the start of lines, and tables in wiki markup.
        depth: how many tables the text is in.
    """
    composer = _Composer()
    if "{|" in text:  # out of templates: {{{!}} and its like
        text = _TABLE_START.sub(TABLE, text)
    lines = iter(text.split("\n"))
    for line in lines:
        line = line.strip()
        if line.lstrip(INDENTS).startswith(TABLE):
            composer.end_paragraph()
            table, rest = _take_table(line, lines)
            if depth < MAX_TABLE_DEPTH:
                composer.lines += describe_table(table, lambda cell: split_lines(cell, depth + 1), flatten)
            else:
                composer.add_text(" ".join(table).replace(TABLE, ""))
            line = rest
        composer.add(line)
    composer.end_paragraph()
    return composer.lines


def flatten(lines: list[str], joint: str = ", ") -> str:
    """Lines as one, with a comma where a line ended without a sign: "a, b (c), d"."""
    text = ""
    for line in lines:
        line = line.lstrip(BULLET).lstrip() if line[0] == BULLET else line
        if not text:
            text = line
        elif text[-1] in _NO_COMMA_AFTER or line[:1] in _NO_COMMA_BEFORE:
            text += f" {line}"
        else:
            text += f"{joint}{line}"
    return text


def _take_table(first: str, lines) -> tuple[list[str], str]:
    """The lines of a table, its closing line left out, and the text behind its end.

    A table that is never closed ends with its section.
    """
    table, depth = [first.lstrip(INDENTS).removeprefix(TABLE)], 1
    for line in lines:
        bare = line.strip()
        if bare.lstrip(INDENTS).startswith(TABLE):
            depth += 1
        elif bare.startswith("|}"):
            depth -= 1
            if not depth:
                return table, bare[2:].strip()
        table.append(bare)
    return table, ""


class _Composer:
    """Takes lines one by one; the state is the open paragraph, the term and the numbers of lists."""

    def __init__(self) -> None:
        self.lines: list[str] = []
        self._paragraph: list[str] = []
        self._term = ""  # of a definition list, until its definition comes
        self._numbers: dict[str, int] = {}  # list prefix -> items so far

    def add(self, line: str) -> None:
        marker = _LIST_MARKER.match(line)
        if marker:
            self._end_text()
            self._add_item(marker[0].replace(DEFINITION, ":"), line[marker.end() :].strip())
            return
        self._end_list()
        if not line:
            self._end_text()
        elif line.startswith("----"):
            self._end_text()
            self.add_text(line.lstrip("-"))
        elif _LEFT_OVER.match(line):
            self._end_text()
        else:
            self.add_text(_CELL_BORDER.sub("; ", line.lstrip("|")) if line[0] == "|" else line)

    def add_text(self, text: str) -> None:
        self._paragraph.append(text)

    def end_paragraph(self) -> None:
        self._end_text()
        self._end_list()

    def _end_text(self) -> None:
        if self._paragraph:
            self._emit(" ".join(self._paragraph))
            self._paragraph = []

    def _end_list(self) -> None:
        if self._term:
            self._emit(self._term)
            self._term = ""
        self._numbers.clear()

    def _emit(self, text: str) -> None:
        text = text.replace(DEFINITION, ":")
        lines = (" ".join(line.split()) for line in text.split(BREAK)) if BREAK in text else (text,)
        self.lines += [line for line in lines if line]

    def _add_item(self, prefix: str, text: str) -> None:
        text = " ".join(text.replace(BREAK, " ").split())
        kind, term = prefix[-1], self._term
        self._term = ""
        if term and (kind != ":" or not text):
            self._emit(term)
        if kind == ";":
            self._term, _, definition = (part.strip() for part in text.partition(DEFINITION))
            if definition:
                self._emit(f"{self._term.rstrip(':')}: {definition}")
                self._term = ""
        elif text and kind == ":":
            self._emit(f"{term.rstrip(':')}: {text}" if term else text)
        elif text:
            self._emit(f"{self._write_marker(prefix)} {text}")

    def _write_marker(self, prefix: str) -> str:
        """A bullet, and two for a list in a list; "1." and "1.2." for numbered ones."""
        # A list goes on as long as what comes is a part of it.
        self._numbers = {key: n for key, n in self._numbers.items() if prefix.startswith(key)}
        if prefix[-1] == "*":
            return BULLET * len(prefix.replace(":", ""))
        self._numbers[prefix] = self._numbers.get(prefix, 0) + 1
        return "".join(f"{n}." for _, n in sorted(self._numbers.items()))
