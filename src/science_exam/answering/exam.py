"""What is asked of whom."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd

from science_exam.answering.blending import tabulate
from science_exam.answering.config import PredictConfig
from science_exam.answering.held_out import TEST
from science_exam.answering.sheet import rank_by_length
from science_exam.prompt import Question, join_contexts
from science_exam.tables import OPTION_COLUMNS


@dataclass(frozen=True)
class Exam:
    """Questions, and all that decides how they are answered.

    Attributes:
        trainings: what answers, each a `training.trained.Training`; they differ in the fold alone.
        config: how to answer.
        questions: a questions table.
        contexts: contexts tables, one or more; the answers with each are averaged.
        folds: (questions,) text, the fold that held each out and alone answers it, or "test": all do.
    """

    trainings: Sequence
    config: PredictConfig
    questions: pd.DataFrame
    contexts: Sequence[pd.DataFrame]
    folds: np.ndarray

    def pick(self, rows: np.ndarray) -> "Exam":
        """The exam with some of the questions, by number or mask."""
        questions = self.questions.iloc[rows]
        contexts = [table[table["question_id"].isin(questions["question_id"])] for table in self.contexts]
        return replace(self, questions=questions, contexts=contexts, folds=self.folds[rows])

    def find_asked(self, training) -> np.ndarray:
        """(questions,) bool: those that a training answers."""
        return (self.folds == TEST) | (self.folds == str(training.settings.fold))

    def measure(self) -> list[int]:
        """`measure_texts` of the questions with all their contexts."""
        k = self.config.max_contexts
        k = self.trainings[0].settings.max_contexts if k is None else k
        readings = (join_contexts(self.questions, table, k) for table in self.contexts)
        return [sum(sizes) for sizes in zip(*map(measure_texts, readings), strict=True)]

    def guess(self) -> np.ndarray:
        """(questions, 5) probabilities without a model: the longest option first."""
        options = self.questions[list(OPTION_COLUMNS)].itertuples(index=False, name=None)
        return rank_by_length(list(options))

    def tabulate(self, probabilities: np.ndarray) -> pd.DataFrame:
        """The predictions table of (questions, 5) probabilities."""
        run = self.trainings[0].settings.run
        return tabulate(self.questions["question_id"], probabilities, self.folds, run)


def measure_texts(asked: Sequence[Question]) -> list[int]:
    """Characters of each question with all that is read about it: about proportional to its tokens."""
    return [len(q.prompt) + sum(map(len, q.contexts)) + sum(map(len, q.options)) for q in asked]
