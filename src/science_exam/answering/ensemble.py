"""All trainings of a run as one answerer: each question is asked of all, or of the one that held it out."""

from dataclasses import replace

import pandas as pd
from tqdm import tqdm

from science_exam.answering.exam import Exam
from science_exam.answering.examining import Limits
from science_exam.answering.predictions import load_answerer
from science_exam.tables import PROBABILITY_COLUMNS


def answer_exam(exam: Exam, limits: Limits | None, progress: str | None) -> pd.DataFrame:
    """The predictions table: means of the probabilities over trainings, contexts and orders of the options.

    Adapters of one base share it; encoders and streamed bases are loaded one after the other.

    Args:
        exam: what is asked.
        limits: of the time, and what is kept on the way.
        progress: label of a progress bar, or None.
    """
    if _share_base(exam):
        return _answer_together(exam, limits, progress)
    tables = []
    for training in exam.trainings:
        own = exam.pick(exam.find_asked(training))
        tables.append(_answer_together(replace(own, trainings=[training]), limits, progress))
    columns = dict.fromkeys(PROBABILITY_COLUMNS, "mean") | {"fold": "first", "run": "first"}
    means = pd.concat(tables).groupby("question_id", sort=False).agg(columns)
    return means.loc[exam.questions["question_id"]].reset_index()


def _share_base(exam: Exam) -> bool:
    """Whether the trainings are adapters of one base in memory."""
    return len(exam.trainings) == 1 or not (exam.config.streaming or exam.trainings[0].is_whole)


def _answer_together(exam: Exam, limits: Limits | None, progress: str | None) -> pd.DataFrame:
    first, *others = exam.trainings
    further = {training.folder.name: training.weights for training in others}
    answerer = load_answerer(first.settings, first.weights, exam.config, further)
    asked = (exam.find_asked(training) for training in exam.trainings)
    if progress is not None:
        for line in answerer.describe_cuts(exam.questions, exam.contexts):
            tqdm.write(line)
    return answerer.predict(
        exam.questions,
        exam.contexts[0],
        exam.folds,
        first.settings.run,
        progress,
        limits,
        further_contexts=exam.contexts[1:],
        voices=dict(zip(answerer.adapters, asked, strict=True)),
    )
