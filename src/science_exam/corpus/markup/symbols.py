"""Templates that print one sign or one word: dashes and spaces, coloured cells, countries, accidentals."""

from science_exam.corpus.markup.calls import Call
from science_exam.corpus.markup.marks import BREAK, CELL

# What is printed, and the names that print it; "␣" is a space.
_SYMBOL_ROWS = """
– ndash|en dash|–
␣–␣ snd|snds|spnd|spndash|spaced ndash|spaced en dash
— mdash|em dash|—
␣—␣ smdash|spaced mdash|spaced em dash
- hyphen|nbhyph
␣ nbsp|space|spaces|thinsp|thin space|hairsp|hair space|hsp|sp
␣·␣ ·|dot|middot|•|bull|bullet
' '|apostrophe|`
's 's
'␣" ' "
"␣' " '
" -"
| !
| pipe
= =|equals
|| !!
{ (
} )
{{ ((
}} ))
␣/␣ /
␣/␣ \\
: colon
[sic] sic
π pi
− minus
× times
° deg|degree
′ prime|′
″ pprime|″
ħ hbar|h-bar
Å angstrom
Ω ohm
∞ infin
€ euro|€
⇌ eqm|equilibrium
BCE bce
BC bc
AD ad
♯ sharp
♭ flat
♮ natural
✓ tick|check mark|yes check|aye
✗ cross|x mark|nay
† extinct|dagger
‡ double dagger
♀ female
♂ male
"""
# Coloured cells of tables print their own word unless they are given another.
_CELL_ROWS = """
Yes yes|y|okay
No no|n
N/A n/a|na
? dunno
Unknown unknown
Partial partial
Won won
Nominated nom|nominated
TBA tba
None none
Pending pending
Success success
Failure failure
Free free
Included included
Optional optional
Depends depends
Proprietary proprietary|nonfree
"""


def _read_rows(rows: str) -> dict[str, str]:
    """Name -> what it prints."""
    printed = {}
    for row in rows.strip().splitlines():
        text, _, names = row.partition(" ")
        printed.update(dict.fromkeys(names.split("|"), text.replace("␣", " ")))
    return printed


SYMBOLS = {
    **_read_rows(_SYMBOL_ROWS),
    "br": BREAK,
    "break": BREAK,
    "shy": "",
    "wbr": "",
    "zwj": "",
    "zwnj": "",
}
CELL_WORDS = _read_rows(_CELL_ROWS)


def show_symbol(call: Call) -> str:
    """{{ndash}}, {{!}}: a character that is awkward to type; {{sic|text}} shows the text."""
    return call.get("1") if call.name == "sic" and call.has("1") else SYMBOLS[call.name]


def show_word(call: Call) -> str:
    """{{yes}}, {{n/a}}: the word of a table cell, whose attributes end with the template's own."""
    return CELL + (call.get("1", "2") or CELL_WORDS[call.name])


def show_code(call: Call) -> str:
    """{{FRA}}: a name of three capitals without arguments is a country's flag and name."""
    return "" if call.has("1") else call.name


def show_sign_of_music(call: Call) -> str:
    """{{music|flat}}: "♭"."""
    signs = {"flat": "♭", "sharp": "♯", "natural": "♮", "b": "♭", "#": "♯", "n": "♮"}
    return signs.get(call.get("1"), call.get("1"))
