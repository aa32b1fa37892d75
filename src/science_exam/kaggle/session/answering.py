"""The notebook's answers, as a process: python -m science_exam.kaggle.session.answering FOLDER

FOLDER holds questions.parquet, contexts.parquet and job.json. The answers so far go to run-<number>/sheet.npz
every some seconds; notes.json says what could not be done.
"""

import json
import sys
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from importlib.util import find_spec
from itertools import groupby
from pathlib import Path

import numpy as np

from science_exam.answering.config import PredictConfig
from science_exam.answering.deadline import LEAST_SECONDS, WRITING_SECONDS, Deadline, Limits
from science_exam.answering.exam import Exam
from science_exam.answering.held_out import TEST
from science_exam.answering.sheet import Sheet
from science_exam.errors import UserError
from science_exam.files import write_text
from science_exam.kaggle.session.retrieving import CONTEXTS_FILE, QUESTIONS_FILE
from science_exam.tables import CONTEXTS, QUESTIONS, read_table
from science_exam.training.trained import Training, Untrained, read_training

JOB, NOTES, SHEET = "job.json", "notes.json", "sheet.npz"


@dataclass(frozen=True)
class Job:
    """How the questions are answered.

    Attributes:
        folds: folders of the trained folds that answer; empty: the base alone does.
        settings: folder of the fold that says how, where the base answers alone.
        base: its folder.
        views: orders of the options.
        batch_size: rows that are read together.
        gpus: for each process the GPU that it sees; none without GPUs.
        ends: when to be done, on the machine's monotonic clock.
    """

    folds: tuple[str, ...]
    settings: str
    base: str
    views: int
    batch_size: int
    gpus: tuple[str, ...]
    ends: float

    def write(self, folder: Path) -> None:
        """Put it where `read_job` finds it."""
        write_text(folder / JOB, json.dumps(asdict(self), indent=1) + "\n")

    def list_runs(self) -> list[tuple[Path, ...]]:
        """The folds of each run, which answer together; none where the base answers alone."""
        folds = map(Path, self.folds)
        return [tuple(run) for _, run in groupby(folds, key=lambda fold: fold.parent)] or [()]


def read_job(folder: Path) -> Job:
    """The job in a folder."""
    values = json.loads((folder / JOB).read_text(encoding="utf-8"))
    return Job(**{**values, "folds": tuple(values["folds"]), "gpus": tuple(values["gpus"])})


def answer_all(folder: Path) -> None:
    """Answer the questions with every run; one that cannot answer leaves it to the others.

    Raises:
        UserError: none of the runs could.
    """
    job, notes = read_job(folder), []
    runs = job.list_runs()
    for number, folds in enumerate(runs):
        seconds = (job.ends - time.monotonic()) / (len(runs) - number)
        deadline = Deadline(max(seconds, LEAST_SECONDS), WRITING_SECONDS)
        sheet = folder / f"run-{number}" / SHEET
        sheet.parent.mkdir(exist_ok=True)
        try:
            notes += _answer_with(folds, job, folder, deadline, sheet)
        except Exception as error:  # a run that does not load, or memory that is too small for it
            name = folds[0].parent.name if folds else "the base"
            notes.append(f"{name} did not answer: {type(error).__name__}: {error}")
            print(notes[-1], flush=True)
        write_text(folder / NOTES, json.dumps(notes) + "\n")
    if not any(folder.glob(f"*/{SHEET}")):
        raise UserError(notes[-1])


def _answer_with(folds: Sequence[Path], job: Job, folder: Path, deadline: Deadline, sheet: Path) -> list[str]:
    """Answer with the folds of a run, or with the base alone; what is worth a note."""
    trainings, notes = _read_fitting(folds or [Path(job.settings)], job.base)
    if not folds:
        trainings = [Untrained(training.folder, training.settings) for training in trainings]
    first, views = trainings[0], job.views
    if first.is_whole or first.settings.objective == "binary":
        deadline, views = Deadline(0), 1  # these answer all questions or none, in one way
    questions = read_table(QUESTIONS, folder / QUESTIONS_FILE)
    contexts = read_table(CONTEXTS, folder / CONTEXTS_FILE)
    config = PredictConfig(views=views, batch_size=job.batch_size)
    exam = Exam(trainings, config, questions, [contexts], np.full(len(questions), TEST))
    notes += _answer_here_or_on_all(exam, deadline, sheet, job.gpus)
    n_lost = Sheet.load(sheet).n_lost
    return [*notes, f"{n_lost} views gave no number"] if n_lost else notes


def _answer_here_or_on_all(exam: Exam, deadline: Deadline, sheet: Path, gpus: Sequence[str]) -> list[str]:
    """Answer with a process on each GPU, or in this one where there is no more than one."""
    from science_exam.answering.shares import answer_in_shares, fill_sheet

    if len(exam.questions) >= len(gpus) > 1:
        _, notes = answer_in_shares(exam, _make_limits(deadline, sheet), gpus)
        return notes
    fill_sheet(exam, sheet, deadline, "answering")
    return []


def _make_limits(deadline: Deadline, sheet: Path) -> Limits:
    """Limits that keep nothing but the sheet."""
    return Limits(deadline, begin=lambda: None, sheet=sheet, keep=lambda predictions: None)


def _read_fitting(folds: Sequence[Path], base: str) -> tuple[list[Training], list[str]]:
    """Trainings with a compute type that this GPU has, and without 4 bits where nothing can read them."""
    changes, notes = {"dtype": "auto"}, []
    trainings = [Training(fold, read_training(fold, base)) for fold in folds]
    if trainings[0].settings.base.quantization != "none" and find_spec("bitsandbytes") is None:
        changes["quantization"] = "none"
        notes.append("the base is not quantised: bitsandbytes is not installed")
    for number, training in enumerate(trainings):
        settings = replace(training.settings, base=replace(training.settings.base, **changes))
        trainings[number] = replace(training, settings=settings)
    return trainings, notes


if __name__ == "__main__":
    answer_all(Path(sys.argv[1]))
