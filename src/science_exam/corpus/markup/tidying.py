"""Text inside a line: apostrophes of bold and italics, powers and indices, and what dropped parts left."""

import re

from science_exam.corpus.markup.marks import (
    DROPPED,
    FILLER,
    GAP,
    HIDDEN,
    HIDDEN_END,
    SCRIPT_END,
    SUBSCRIPT,
    SUPERSCRIPT,
)
from science_exam.corpus.markup.mathematics import join_charge

_HIDDEN = re.compile(rf"{HIDDEN}[^{HIDDEN}{HIDDEN_END}\n]*{HIDDEN_END}")
_GAP = re.compile(rf"(?<=\d){GAP}")
_STRAY = re.compile(rf"[{FILLER}{GAP}{HIDDEN}{HIDDEN_END}]")
_QUOTES = re.compile(r"('{2,})")
_SCRIPT = re.compile(
    rf"(?P<before>[^{SUPERSCRIPT}{SUBSCRIPT}{SCRIPT_END}]?)(?P<kind>[{SUPERSCRIPT}{SUBSCRIPT}])"
    rf"(?P<text>[^{SUPERSCRIPT}{SUBSCRIPT}{SCRIPT_END}\n]*){SCRIPT_END}"
)
_STRAY_SCRIPT = re.compile(rf"[{SUPERSCRIPT}{SUBSCRIPT}{SCRIPT_END}]")
_MAX_SCRIPTS_INSIDE = 4  # x<sup>y<sup>2</sup></sup> needs two rounds
_ORDINALS = frozenset(("st", "nd", "rd", "th", "er", "ers", "ème", "ter"))
_CHARGE = re.compile(r"\d*[+\-−]")
_COMPOUND = re.compile(r"\s|(?<=[^\s(])[-+−±×/=](?=.)")

# After the first three every mark stands alone between single spaces, which keeps the rest linear.
_D = rf"(?:[ ;:,/]*{DROPPED})+[ ;:,/]*"
_DROPPED_RULES = (
    (re.compile(rf"{DROPPED}[ \t{DROPPED}]*{DROPPED}"), DROPPED),
    (re.compile(rf"[ \t]+(?={DROPPED})|(?<={DROPPED})[ \t]+"), " "),
    (re.compile(rf"^[ \t]?{DROPPED}[ \t]?\n", re.MULTILINE), ""),  # alone on a line: no line
    (re.compile(rf" ?\((?:pronounced|pronunciation|IPA|listen)?{_D}\)"), ""),
    (re.compile(rf"\((?:pronounced|pronunciation|IPA)?{_D}"), "("),
    (re.compile(rf"(?: ?[;,/:])? ?{DROPPED} ?\)"), ")"),
    (re.compile(rf"([;,]) ?{DROPPED} ?(?=[;,])"), ""),
    (re.compile(rf" ?{DROPPED} ?(?=[.,;:!?](?:\s|$|[\"'”’)\]]))"), ""),
    (re.compile(rf" {DROPPED} ?"), " "),
    (re.compile(DROPPED), ""),
)


def tidy_text(text: str) -> str:
    """Rendered text with only lists, tables and line breaks left as markup.

    Example:
        >>> tidy_text("''x''\U0010ff002\U0010ff02 is the '''square'''")
        'x^2 is the square'
    """
    if HIDDEN in text:
        text = _HIDDEN.sub(DROPPED, text)
    text = _STRAY.sub("", _GAP.sub(" ", text) if GAP in text else text)
    if "''" in text:
        text = "\n".join(_strip_quotes(line) if "''" in line else line for line in text.split("\n"))
    if SCRIPT_END in text:
        for _ in range(_MAX_SCRIPTS_INSIDE):
            text, n = _SCRIPT.subn(_write_script, text)
            if not n:
                break
    text = _STRAY_SCRIPT.sub("", text)
    if DROPPED in text:
        for pattern, replacement in _DROPPED_RULES:
            text = pattern.sub(replacement, text)
    return text


def _strip_quotes(line: str) -> str:
    """A line without the apostrophes of bold and italics; of "L'''amour''" it keeps one, as MediaWiki."""
    pieces = _QUOTES.split(line)
    runs = [len(run) for run in pieces[1::2]]
    n_italic = sum(run == 2 or run >= 5 for run in runs)
    bold = [i for i, run in enumerate(runs) if run >= 3]
    literal = [max(0, run - 5) if run != 4 else 1 for run in runs]
    if n_italic % 2 and len(bold) % 2:  # one of the threes is an apostrophe and two
        threes = [i for i in bold if runs[i] == 3]
        if threes:
            literal[min(threes, key=lambda i: _rank_apostrophe(pieces[2 * i]))] = 1
    pieces[1::2] = ["'" * n for n in literal]
    return "".join(pieces)


def _rank_apostrophe(before: str) -> int:
    """How likely an apostrophe follows `before`: after a word of one letter, after a word, after a space."""
    if before[-1:].strip():
        return 0 if len(before) == 1 or before[-2:-1] == " " else 1
    return 2


def _write_script(match: re.Match) -> str:
    before, text = match["before"], match["text"].strip()
    write = _write_superscript if match["kind"] == SUPERSCRIPT else _write_subscript
    return before + write(before, text) if text else before


def _write_superscript(before: str, text: str) -> str:
    """10^6, x^(n+1), but 19th, Ca2+, SO4^2−, 235U."""
    if _CHARGE.fullmatch(text) and before:
        return join_charge(before, text)
    is_power = (before.isalnum() or before in ")]}'′|" or ord(before) > 0xF0000) if before else False
    if not is_power or not any(character.isalnum() for character in text) or text in _ORDINALS:
        return text
    return f"^({text})" if _COMPOUND.search(text) else f"^{text}"


def _write_subscript(before: str, text: str) -> str:
    """H2O and Vmax, but 101_2 and x_(n+1)."""
    if _COMPOUND.search(text.replace("/", "")):  # t1/2 is a half-life
        return f"_({text})"
    return f"_{text}" if before.isdigit() and text[0].isdigit() else text
