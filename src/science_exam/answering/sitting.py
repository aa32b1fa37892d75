"""An exam within its time: answers are kept on the way, and a killed one goes on where it was."""

from collections.abc import Callable
from functools import cache

import pandas as pd

from science_exam.answering.ensemble import answer_exam
from science_exam.answering.exam import Exam
from science_exam.answering.examining import Limits, start_deadline
from science_exam.runs import Run


def sit_exam(exam: Exam, run: Run, write: Callable[[pd.DataFrame], None], started: float) -> None:
    """Answer an exam into a run's folder, and finish the run.

    Args:
        exam: what is asked; its config has the time budget.
        run: opened and not finished.
        write: writes a predictions table into the folder; called again and again.
        started: when the budget began, on the monotonic clock.
    """
    begin = cache(run.begin)  # once: where nothing is kept on the way, only when all is answered

    def keep(predictions: pd.DataFrame) -> None:
        begin()
        write(predictions)

    deadline = start_deadline(exam.config.budget_seconds, started)
    limits = Limits(deadline, begin, run.folder / "sheet.npz", keep)
    keep(answer_exam(exam, limits, "answering"))
    limits.sheet.unlink(missing_ok=True)
    run.finish({"questions": len(exam.questions)})
