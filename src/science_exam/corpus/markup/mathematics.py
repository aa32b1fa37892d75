"""Formulas: LaTeX of `<math>` and mhchem of `<chem>`, made short enough to read."""

import re

# Commands that place or size a formula and mean nothing.
_LAYOUT = re.compile(
    r"\\(?:displaystyle|textstyle|scriptstyle|scriptscriptstyle|limits|nolimits|nonumber|notag"
    r"|left\.|right\.|left|right|bigl|bigr|Bigl|Bigr|biggl|biggr|Biggl|Biggr|big|Big|bigg|Bigg)(?![a-zA-Z])"
)
_LAYOUT_WITH_ARGUMENT = re.compile(
    r"\\(?:hspace|vspace|color|phantom|hphantom|vphantom|label|tag)\*?\{[^{}]*\}"
)
_SPACE = re.compile(r"\\(?:[,;:!> ]|quad(?![a-zA-Z])|qquad(?![a-zA-Z]))|~|\s+")
_ARROWS = (("<=>>", "⇌"), ("<<=>", "⇌"), ("<=>", "⇌"), ("<-->", "⇌"), ("<->", "↔"), ("->", "→"), ("<-", "←"))
_CHARGE = re.compile(r"\^\{?([0-9]*[+-])\}?")


def clean_latex(latex: str) -> str:
    r"""LaTeX between dollar signs, without commands of layout.

    Example:
        >>> clean_latex(r"\displaystyle  E = m\,c^2 ")
        '$E = m c^2$'
    """
    latex = _LAYOUT_WITH_ARGUMENT.sub(" ", _LAYOUT.sub(" ", latex))
    latex = _SPACE.sub(" ", latex).strip()
    if latex.startswith("{") and _closes_at(latex) == len(latex) - 1:
        latex = latex[1:-1].strip()  # {\displaystyle ...} leaves its braces
    return f"${latex}$" if latex else ""


def _closes_at(latex: str) -> int:
    """Where the brace that opens `latex` closes, -1 if nowhere."""
    depth = 0
    for i, character in enumerate(latex):
        depth += (character == "{") - (character == "}")
        if depth == 0:
            return i
    return -1


def clean_chemistry(formula: str) -> str:
    """A formula in the notation of mhchem, or of {{chem2}}, as plain text.

    Example:
        >>> clean_chemistry("2H2 + O2 -> 2H2O")
        '2H2 + O2 → 2H2O'
        >>> clean_chemistry("SO4^{2-}"), clean_chemistry("Ca^2+")
        ('SO4^2−', 'Ca2+')
    """
    for written, arrow in _ARROWS:
        formula = formula.replace(written, f" {arrow} ")
    formula = re.sub(r"_\{?([0-9a-z]+)\}?", r"\1", formula)
    # What stands before a charge is looked up, not sliced: a formula of a megabyte stays linear.
    formula = _CHARGE.sub(
        lambda match: join_charge(formula[match.start() - 1 : match.start()], match[1]), formula
    )
    return re.sub(r"\s+", " ", formula.replace("\\", " ")).strip()


def join_charge(before: str, charge: str) -> str:
    """A charge as it follows `before`: "2+" after Ca, "^2−" after SO4, whose digits it would continue."""
    charge = charge.replace("-", "−")
    return f"^{charge}" if before[-1:].isdigit() and charge[0].isdigit() else charge
