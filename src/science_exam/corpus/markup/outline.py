"""Stripped wikitext -> its headings and the text under each, brackets that match nothing put away.

mwparserfromhell retries an unclosed bracket from every possible place, so its time grows with the
square of their number (20,000 open `{{a|` take 100 s). Here one pass finds those brackets first.
"""

import re
from bisect import bisect_right
from dataclasses import dataclass, field

from science_exam.corpus.markup.marks import FILLER, TABLE

MAX_DEPTH = 40  # of templates and links inside each other; real pages stay below 20
MAX_LINK_CHARS = 3_000
_BRACKETS = re.compile(r"\{{2,}|\}{2,}|\[\[|\]\]|\[(?=(?:[a-z]{3,9}:)?//|mailto:)")
# A link of plain text: most brackets of an article. It may hold no "=", which would name an argument of
# a template around it, and no ":", which would part a definition or belongs to a picture.
_PLAIN_LINK = re.compile(r"\[\[([^\[\]{}|\n=:]+)(?:\|([^\[\]{}|\n=:]+))?\]\]")
_HEADING = re.compile(r"^(={1,6})(.+?)\1[ \t]*$", re.MULTILINE)
_TABLE_START = re.compile(r"^([ \t:*#]*)\{\|(?!\})", re.MULTILINE)


@dataclass(frozen=True)
class Part:
    """A heading with the wikitext under it, down to the next heading; the lead has level 0."""

    level: int
    heading: str
    body: str


def split_headings(stripped: str) -> list[Part]:
    """The lead and every section of a page, in order; a heading inside a template does not count."""
    # The parser would read plain links as well, in a third of its time.
    plain = _PLAIN_LINK.sub(lambda link: (link[2] or link[1]).strip(), stripped)
    text, templates = _match_brackets(plain)
    text = _TABLE_START.sub(rf"\1{TABLE}{FILLER}", text)  # as long as before: `templates` stay right
    starts = [start for start, _ in templates]

    def is_inside_template(position: int) -> bool:
        i = bisect_right(starts, position) - 1
        return i >= 0 and position < templates[i][1]

    level, heading, start, parts = 0, "", 0, []
    for found in _HEADING.finditer(text):
        if is_inside_template(found.start()):
            continue
        parts.append(Part(level, heading, text[start : found.start()]))
        level, heading, start = len(found[1]), found[2].strip(), found.end()
    return [*parts, Part(level, heading, text[start:])]


@dataclass
class _Matching:
    """Open brackets so far, innermost last: [position, how many brackets, whether braces]."""

    stack: list[list] = field(default_factory=list)
    n_braces: int = 0  # entries that are braces
    unmatched: list[tuple[int, int]] = field(default_factory=list)  # (position, length)
    templates: list[tuple[int, int]] = field(default_factory=list)  # outermost, (start, end)

    def open(self, position: int, length: int, is_brace: bool) -> None:
        room = 2 * max(0, MAX_DEPTH - len(self.stack))
        if length > room:  # the outer ones of a long run go first
            self.unmatched.append((position, length - room))
            position, length = position + length - room, room
        if length >= 2:
            self.stack.append([position, length, is_brace])
            self.n_braces += is_brace

    def close_link(self) -> None:
        if self.stack and not self.stack[-1][2]:
            self.stack.pop()

    def close_braces(self, position: int, length: int) -> None:
        while length >= 2 and self.n_braces:
            while not self.stack[-1][2]:  # a link left open inside the template
                self.unmatched.append(tuple(self.stack.pop()[:2]))
            opened = self.stack[-1]
            matched = min(3, length, opened[1])
            opened[1] -= matched
            position, length = position + matched, length - matched
            if opened[1] < 2:
                self.stack.pop()
                self.n_braces -= 1
            if not self.n_braces:
                self.templates.append((opened[0] + opened[1], position))


def _match_brackets(text: str) -> tuple[str, list[tuple[int, int]]]:
    """The text with unmatched opening brackets blanked, and where its outermost templates stand.

    Unmatched closing brackets harm nobody and stay, as MediaWiki shows them.
    """
    matching = _Matching()
    for found in _BRACKETS.finditer(text):
        token, position = found[0], found.start()
        if token[0] == "{":
            matching.open(position, len(token), is_brace=True)
        elif token == "[[":
            matching.open(position, 2, is_brace=False)
        elif token[0] == "}":
            matching.close_braces(position, len(token))
        elif token == "]]":
            matching.close_link()
        elif not _is_closed_on_its_line(text, position):
            matching.unmatched.append((position, 1))
    unmatched = sorted([*matching.unmatched, *((entry[0], entry[1]) for entry in matching.stack)])
    pieces, last = [], 0
    for position, length in unmatched:
        pieces += (text[last:position], FILLER * length)
        last = position + length
    return "".join([*pieces, text[last:]]), matching.templates


def _is_closed_on_its_line(text: str, position: int) -> bool:
    closed = text.find("]", position, position + MAX_LINK_CHARS)
    return closed >= 0 and text.find("\n", position, closed) < 0
