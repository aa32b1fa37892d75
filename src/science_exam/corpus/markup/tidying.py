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
_INSIDE = rf"([^{SUPERSCRIPT}{SUBSCRIPT}{SCRIPT_END}\n]*){SCRIPT_END}"
_SUPERSCRIPT, _SUBSCRIPT = re.compile(SUPERSCRIPT + _INSIDE), re.compile(SUBSCRIPT + _INSIDE)
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
    (re.compile(rf" ?\((?:pronounced|pronunciation|IPA|listen)?{_D}\)"), DROPPED),
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
        for _ in range(_MAX_SCRIPTS_INSIDE):  # an index first: the charge of SO4 comes after its 4
            text, n_below = _SUBSCRIPT.subn(_write_subscript, text)
            text, n_above = _SUPERSCRIPT.subn(_write_superscript, text)
            if not n_below + n_above:
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


def _read_script(match: re.Match) -> tuple[str, str]:
    """The character in front of an index or power (a digit for one behind another), and its text."""
    before = match.string[match.start() - 1] if match.start() else ""
    return "0" if before == SCRIPT_END else before, match[1].strip()


def _write_superscript(match: re.Match) -> str:
    """10^6, x^(n+1), but 19th, Ca2+, SO4^2−, 235U."""
    before, text = _read_script(match)
    if _CHARGE.fullmatch(text) and before:
        return join_charge(before, text)
    is_power = bool(before) and (before.isalnum() or before in ")]}'′|" or ord(before) >= 0xF0000)
    if not is_power or not any(character.isalnum() for character in text) or text in _ORDINALS:
        return text
    return f"^({text})" if _COMPOUND.search(text) else f"^{text}"


def _write_subscript(match: re.Match) -> str:
    """H2O and Vmax, but 101_2 and x_(n+1)."""
    before, text = _read_script(match)
    if _COMPOUND.search(text.replace("/", "")):  # t1/2 is a half-life
        return f"_({text})"
    return f"_{text}" if before.isdigit() and text[:1].isdigit() else text
