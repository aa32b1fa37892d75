"""MCQL: JSON objects `{sentence, answer, distractors}`.

The published files hold UTF-8 that was once read as Latin-1 (an arrow is three characters).

Source: Liang et al., Distractor generation for multiple choice questions using learning to rank (2018).
"""

from science_exam.questions.adaptors.rows import SourceRow
from science_exam.questions.drafts import Draft

COLUMNS = {"sentence", "answer", "distractors"}


def parse_mcql(row: SourceRow) -> Draft:
    """The draft of one object; RowError where it is of no use."""
    # Before any stripping: the second half of a broken character may look like white space.
    repaired = SourceRow(row.source, row.place, {key: _repair(row.values.get(key)) for key in COLUMNS})
    wrong = repaired.options("distractors")
    return repaired.draft(repaired.text("sentence"), repaired.text("answer"), wrong)


def _repair(value: object) -> object:
    if isinstance(value, list):
        return [_repair(part) for part in value]
    return repair_text(value) if isinstance(value, str) else value


def repair_text(text: str) -> str:
    """Text whose UTF-8 was read as Latin-1 as it once was; all other text stays as it is.

    Example:
        >>> repair_text("36 Â°C"), repair_text("36 °C")
        ('36 °C', '36 °C')
    """
    try:
        return text.encode("latin-1").decode("utf-8")
    except UnicodeError:
        return text
