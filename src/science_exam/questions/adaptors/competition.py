"""The competition's CSV and the project's own JSON lines, as far as their rows are usable."""

from collections.abc import Iterator
from pathlib import Path

from science_exam.errors import UserError
from science_exam.questions.adaptors.rows import SourceRow
from science_exam.questions.competition import Articles, make_record, read_competition_csv
from science_exam.questions.drafts import Draft
from science_exam.questions.rows.readers import Row, list_columns, read_rows, tell_kind
from science_exam.tables import LETTERS, OPTION_COLUMNS

OPTION_FORMS = (set(LETTERS.lower()), set(OPTION_COLUMNS), {"options"})


def is_competition(names: set[str]) -> bool:
    """Whether columns, in lower case, are those of a question with its options."""
    return "prompt" in names and any(form <= names for form in OPTION_FORMS)


def read_competition(path: Path) -> Iterator[Row]:
    """Rows of a file of this layout.

    Raises:
        UserError: it cannot be read, or lacks the columns of questions, options or answers.
    """
    is_csv = tell_kind(path) == "CSV"
    rows = read_competition_csv(path) if is_csv else read_rows(path)  # the first checks its own columns
    names = list_columns(path)
    lowered = {name.lower() for name in names}
    if not is_csv and not is_competition(lowered):
        raise UserError(
            f"{path}: expected the keys prompt, answer and A-E, option_1-option_5 or options; "
            f"found {', '.join(names)[:300] or 'none'}"
        )
    if "answer" not in lowered and is_competition(lowered):
        raise UserError(
            f"{path}: missing column answer: a set to train on needs answers; found {', '.join(names)[:300]}"
        )
    return rows


def parse_competition(row: SourceRow, articles: Articles) -> Draft:
    """The draft of one row; RowError where it is of no use."""
    record = make_record(row.values, articles)
    options = record.parse_options()
    position = record.parse_answer(len(options))
    contexts = record.parse_contexts()
    return row.choose(record.text("prompt"), options, position, contexts, record.parse_group(contexts))
