"""Single characters that stand for markup between the steps of cleaning wikitext.

MediaWiki puts strip markers in place of what its later steps must not touch; these are the same
idea. They come from the supplementary private use planes, which no dump uses for text; where a page
has one all the same, it is removed first.
"""

import re

SUPERSCRIPT, SUBSCRIPT, SCRIPT_END = "\U0010ff00", "\U0010ff01", "\U0010ff02"
HIDDEN, HIDDEN_END = "\U0010ff03", "\U0010ff04"
BREAK = "\U0010ff05"  # <br>: a new line, a space or a comma, by where it stands
DROPPED = "\U0010ff06"  # something was left out here: the space or bracket around it may go too
DEFINITION = "\U0010ff07"  # the colon of "; term : definition"
TABLE = "\U0010ff08"  # the "{|" that opens a table
FILLER = "\U0010ff09"  # nothing at all
PIPE = "\U0010ff0a"  # a "|" that parts no cells
GAP = "\U0010ff0b"  # a space if a digit stands before it
CELL = "\U0010ff0c"  # a template of a coloured cell ends the attributes of that cell
BULLET = "\U0010ff0d"  # the "-" of a list item, which is no minus
MARKS = re.compile("[\U0010ff00-\U0010ffff]")
PRIVATE = re.compile("[\U000f0000-\U0010ffff]")
INDENTS = f":*#; {DEFINITION}"  # what may stand before a table
_FIRST_KEPT, _LAST_KEPT = 0xF0000, 0x10FEFF
_KEPT = re.compile("[\U000f0000-\U0010feff]")


class Kept:
    """Finished texts (formulas, code, literal brackets), each held by one character."""

    def __init__(self) -> None:
        self._texts: list[str] = []
        self._holders: dict[str, str] = {}

    def keep(self, text: str) -> str:
        """The character that holds `text`; the text itself once all 130,000 are taken."""
        if text not in self._holders:
            code = _FIRST_KEPT + len(self._texts)
            if code > _LAST_KEPT:
                return text
            self._texts.append(text)
            self._holders[text] = chr(code)
        return self._holders[text]

    def restore(self, text: str) -> str:
        """`text` with what its characters hold."""
        return _KEPT.sub(lambda match: self._texts[ord(match[0]) - _FIRST_KEPT], text)
