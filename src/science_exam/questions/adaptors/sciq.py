"""SciQ: `question, correct_answer, support` and, in some editions, `distractor1` … `distractor3`.

Source: Welbl, Liu and Gardner, Crowdsourcing multiple choice science questions (2017).
"""

from science_exam.questions.adaptors.rows import SourceRow
from science_exam.questions.competition import name_context
from science_exam.questions.drafts import Draft

COLUMNS = {"question", "correct_answer"}
DISTRACTORS = ("distractor1", "distractor2", "distractor3")


def parse_sciq(row: SourceRow) -> Draft:
    """The draft of one row, without wrong options where it has none; RowError where it is of no use."""
    wrong = [row.text(column) for column in DISTRACTORS if column in row.values]
    contexts = row.texts("support")
    return row.draft(
        row.text("question"), row.text("correct_answer"), wrong, contexts, group=name_context(contexts)
    )
