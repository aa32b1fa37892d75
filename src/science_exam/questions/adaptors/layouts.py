"""The layout of a file, told by its columns, and what to write where it cannot be told."""

from pathlib import Path

from science_exam.errors import UserError
from science_exam.questions.adaptors import instructions, mcql, mmlu, review, sciq
from science_exam.questions.adaptors.competition import is_competition
from science_exam.questions.config import Format
from science_exam.questions.rows.readers import list_columns, tell_kind

# Layouts of rows that name their columns, each by the columns it cannot do without.
REQUIRED: dict[Format, set[str]] = {
    "instructions": instructions.COLUMNS,
    "mcql": mcql.COLUMNS,
    "review": review.COLUMNS,
    "sciq": sciq.COLUMNS,
    "mmlu": set(mmlu.HEADER),
}
KNOWN = (
    "competition (prompt, A-E or options, answer), mmlu (question, choice0-choice3, answer), instructions "
    "(instruction, answer), mcql (sentence, answer, distractors), review (question, options, answer_index), "
    "sciq (question, correct_answer, support)"
)


def tell_layout(path: Path) -> Format:
    """The layout of a file, by its content.

    Raises:
        UserError: it cannot be read, or is of no known layout.
    """
    columns = list_columns(path)
    for layout, required in REQUIRED.items():
        if required <= set(columns):
            return layout
    if is_competition({name.lower() for name in columns}):
        return "competition"
    if tell_kind(path) == "CSV" and mmlu.is_headerless(columns):
        return "mmlu"
    raise UserError(
        f"{path}: cannot tell its layout; found the columns {', '.join(columns)[:300] or 'none'}; known are "
        f"{KNOWN}; for any other layout say what its columns are called: {{path: {path}, format: columns, "
        f"columns: {{prompt: <column>, options: [<column>, <column>, …], answer: <column>}}}}, or right: "
        f"<column> and wrong: [<column>, …] instead of options and answer"
    )


def check_layout(path: Path, layout: Format) -> None:
    """A file has the columns that its layout cannot do without.

    Raises:
        UserError: it cannot be read, or some are missing.
    """
    columns = list_columns(path)
    if missing := sorted(REQUIRED[layout] - set(columns)):
        raise UserError(
            f"{path}: missing columns {', '.join(missing)} of the layout {layout}; "
            f"found {', '.join(columns)[:300] or 'none'}; correct format: of this source"
        )
