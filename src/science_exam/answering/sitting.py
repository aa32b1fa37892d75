"""An exam within its time: answers are kept on the way, and a killed one goes on where it was."""

from collections.abc import Callable, Sequence
from functools import cache

import pandas as pd

from science_exam.answering.deadline import Limits, start_deadline
from science_exam.answering.exam import Exam
from science_exam.answering.sheet import Sheet
from science_exam.runs import Run


def sit_exam(
    exam: Exam, run: Run, write: Callable[[pd.DataFrame], None], started: float, gpus: Sequence[str]
) -> None:
    """Answer an exam into a run's folder, and finish the run.

    Args:
        exam: what is asked; its config has the time budget.
        run: opened and not finished.
        write: writes a predictions table into the folder; called again and again.
        started: when the budget began, on the monotonic clock.
        gpus: for each process the GPU that it sees; with several, they divide the questions.
    """
    begin = cache(run.begin)  # once: where nothing is kept on the way, only when all is answered

    def keep(predictions: pd.DataFrame) -> None:
        begin()
        write(predictions)

    deadline = start_deadline(exam.config.budget_seconds, started)
    limits = Limits(deadline, begin, run.folder / "sheet.npz", keep)
    if deadline.has_end and not limits.sheet.is_file():
        keep(exam.tabulate(exam.guess()))  # loading a base takes long; until then these are the answers
    keep(_answer(exam, limits, gpus))
    counts = Sheet.load(limits.sheet).count_views() if limits.sheet.is_file() else {}
    for sheet in run.folder.glob("sheet*.npz*"):
        sheet.unlink()
    run.finish({"questions": len(exam.questions), **counts})


def _answer(exam: Exam, limits: Limits, gpus: Sequence[str]) -> pd.DataFrame:
    if len(exam.questions) >= len(gpus) > 1:
        from science_exam.answering.shares import answer_in_shares

        probabilities, _ = answer_in_shares(exam, limits, gpus)
        return exam.tabulate(probabilities)
    from science_exam.answering.ensemble import answer_exam

    return answer_exam(exam, limits, "answering")
