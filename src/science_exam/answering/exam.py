"""What is asked of whom."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd

from science_exam.answering.config import PredictConfig
from science_exam.answering.held_out import TEST


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
        """The exam with some of the questions, by position or mask."""
        return replace(self, questions=self.questions.iloc[rows], folds=self.folds[rows])

    def find_asked(self, training) -> np.ndarray:
        """(questions,) bool: those that a training answers."""
        return (self.folds == TEST) | (self.folds == str(training.settings.fold))
