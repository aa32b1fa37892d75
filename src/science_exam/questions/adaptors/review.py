"""Review questions of textbooks: `question, options, answer_index, doc_id, …`, one JSON object a line."""

from science_exam.questions.adaptors.rows import SourceRow
from science_exam.questions.drafts import Draft
from science_exam.questions.rows.values import RowError

COLUMNS = {"question", "options", "answer_index"}


def parse_review(row: SourceRow) -> Draft:
    """The draft of one question; those of one document are one group; RowError where it is of no use."""
    if not row.values.get("options"):
        raise RowError("not multiple choice")
    options = row.options("options")
    return row.choose(row.text("question"), options, _find_answer(row), group=row.text("doc_id"))


def _find_answer(row: SourceRow) -> int | None:
    """Position of the right option from 0, if the row gives one."""
    text = row.text("answer_index")
    if not text:
        return None
    if not text.isdecimal():
        raise RowError("answer names no option")
    return int(text)
