"""A share of the notebook's questions, as a process: python -m science_exam.kaggle.answering FOLDER

FOLDER holds questions.parquet and job.json, the folder above it contexts.parquet. The answers so far are in
sheet-<run>.npz, written every some seconds; notes.json says what could not be done.
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
import pandas as pd

from science_exam.answering.config import PredictConfig
from science_exam.answering.deadline import Deadline
from science_exam.answering.held_out import TEST
from science_exam.answering.sheet import Sheet
from science_exam.errors import UserError
from science_exam.files import write_text
from science_exam.kaggle.retrieving import CONTEXTS_FILE, QUESTIONS_FILE
from science_exam.tables import CONTEXTS, PROBABILITY_COLUMNS, QUESTIONS, read_table
from science_exam.training.trained import Training, read_training

JOB, NOTES = "job.json", "notes.json"
WRITING_SECONDS = 0.3
LEAST_SECONDS = 1e-3


@dataclass(frozen=True)
class Job:
    """How a share is answered.

    Attributes:
        folds: folders of the trained folds that answer; empty: the base alone does.
        settings: folder of the fold that says how, where the base answers alone.
        base: its folder.
        views: orders of the options.
        batch_size: rows that are read together.
        ends: when to be done, on the machine's monotonic clock.
    """

    folds: tuple[str, ...]
    settings: str
    base: str
    views: int
    batch_size: int
    ends: float

    def write(self, folder: Path) -> None:
        """Put it where `read_job` finds it."""
        write_text(folder / JOB, json.dumps(asdict(self), indent=1) + "\n")

    def list_runs(self) -> list[tuple[Path, ...]]:
        """The folds of each run, which answer together; none where the base answers alone."""
        folds = map(Path, self.folds)
        return [tuple(run) for _, run in groupby(folds, key=lambda fold: fold.parent)] or [()]


def read_job(folder: Path) -> Job:
    """The job of a share's folder."""
    values = json.loads((folder / JOB).read_text(encoding="utf-8"))
    return Job(**{**values, "folds": tuple(values["folds"])})


def answer_share(folder: Path) -> None:
    """Answer the questions of a share with every run; one that cannot answer leaves it to the others.

    Raises:
        UserError: none of the runs could.
    """
    job = read_job(folder)
    questions = read_table(QUESTIONS, folder / QUESTIONS_FILE)
    contexts = read_table(CONTEXTS, folder.parent / CONTEXTS_FILE)
    runs, notes = job.list_runs(), []
    for number, folds in enumerate(runs):
        seconds = (job.ends - time.monotonic()) / (len(runs) - number)
        deadline = Deadline(max(seconds, LEAST_SECONDS), WRITING_SECONDS)
        sheet = folder / f"sheet-{number}.npz"
        try:
            notes += _answer_with(folds, job, questions, contexts, deadline, sheet)
        except Exception as error:  # a run that does not load, or memory that is too small for it
            name = folds[0].parent.name if folds else "the base"
            notes.append(f"{name} did not answer: {type(error).__name__}: {error}")
            print(notes[-1], flush=True)
        write_text(folder / NOTES, json.dumps(notes) + "\n")
    if not any(folder.glob("sheet-*.npz")):
        raise UserError(notes[-1])


def _answer_with(
    folds: Sequence[Path],
    job: Job,
    questions: pd.DataFrame,
    contexts: pd.DataFrame,
    deadline: Deadline,
    sheet: Path,
) -> list[str]:
    """Answer with the folds of a run, or with the base alone; what is worth a note."""
    from science_exam.answering.ensemble import answer_exam
    from science_exam.answering.exam import Exam
    from science_exam.answering.examining import Limits
    from science_exam.answering.predictions import load_answerer

    trainings, notes = _read_fitting(folds or [Path(job.settings)], job.base)
    config = PredictConfig(views=job.views, batch_size=job.batch_size)
    limits = Limits(deadline, begin=lambda: None, sheet=sheet, keep=lambda predictions: None)
    first = trainings[0]
    if not folds:
        answerer = load_answerer(first.settings, None, config)
        answerer.predict(questions, contexts, TEST, "base", "answering", limits)
        return [*notes, *_count_lost(sheet)]
    exam = Exam(trainings, config, questions, [contexts], np.full(len(questions), TEST))
    if first.is_whole or first.settings.objective == "binary":  # these answer all questions or none, one way
        predictions = answer_exam(replace(exam, config=replace(config, views=1)), None, "answering")
        _save_predictions(predictions, sheet)
        return notes
    answer_exam(exam, limits, "answering")
    return [*notes, *_count_lost(sheet)]


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


def _count_lost(sheet: Path) -> list[str]:
    n_lost = Sheet.load(sheet).n_lost
    return [f"{n_lost} views gave no number"] if n_lost else []


def _save_predictions(predictions: pd.DataFrame, path: Path) -> None:
    """A sheet with one view of every question."""
    probabilities = predictions[list(PROBABILITY_COLUMNS)].to_numpy()
    sheet = Sheet.blank(probabilities)
    for question, row in enumerate(np.log(probabilities)):
        sheet.add(question, row[None], 1.0)
    sheet.save(path)


if __name__ == "__main__":
    answer_share(Path(sys.argv[1]))
