"""MMLU: a CSV file for every subject, with a header and answers 0-3, or without one and answers A-D.

Source: Hendrycks et al., Measuring massive multitask language understanding (2021).
"""

from collections.abc import Iterator, Sequence
from pathlib import Path

from science_exam.errors import UserError
from science_exam.questions.adaptors.rows import SourceRow
from science_exam.questions.drafts import Draft
from science_exam.questions.rows.readers import Row, list_columns, read_csv, read_rows, tell_kind
from science_exam.questions.rows.values import RowError, find_option

CHOICES = ("choice0", "choice1", "choice2", "choice3")
LETTERS = ["A", "B", "C", "D"]
HEADER = ("question", *CHOICES, "answer")


def is_headerless(names: Sequence[str]) -> bool:
    """Whether the first line of a CSV file is a question of the original edition already."""
    answered = len(names) == len(HEADER) and names[-1].strip() in LETTERS
    return answered and list(names[-len(LETTERS) :]) != LETTERS  # a header may end in A,B,C,D


def read_mmlu(path: Path) -> Iterator[Row]:
    """Rows of a file of either edition, with the names of `HEADER`.

    Raises:
        UserError: it cannot be read, or lacks columns.
    """
    names = list_columns(path)
    if tell_kind(path) == "CSV" and is_headerless(names):
        return read_csv(path, HEADER)
    if missing := [name for name in HEADER if name not in names]:
        raise UserError(
            f"{path}: missing columns {', '.join(missing)}; expected {','.join(HEADER)}, or no header and "
            f"question, four options, A-D; found {','.join(names)[:300] or 'none'}"
        )
    return read_rows(path)


def parse_mmlu(row: SourceRow) -> Draft:
    """The draft of one row; RowError where it is of no use."""
    options = [row.text(column) for column in CHOICES]
    answer = row.text("answer")
    position = find_option(answer, len(CHOICES), first=0)
    if answer and position is None:
        raise RowError("answer names no option")
    return row.choose(row.text("question"), options, position)
