"""Answers of runs to questions that they were held out from: all that anything may be fitted on."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TypeVar

import numpy as np
import pandas as pd

from science_exam.errors import UserError
from science_exam.tables import OPTION_COLUMNS, PROBABILITY_COLUMNS

Fitted = TypeVar("Fitted")
TEST = "test"  # the fold of rows that no run was held out from
UNANSWERED = 0


@dataclass(frozen=True)
class HeldOut:
    """Several runs' probabilities for the same questions, each answered by the fold that held it out.

    Attributes:
        question_ids: (rows,)
        folds: (rows,) text.
        answers: (rows,) right option numbers, from 1; `UNANSWERED` where nobody knows.
        probabilities: (runs, rows, 5).

    Raises:
        UserError: rows of a test set are among them.
    """

    question_ids: np.ndarray
    folds: np.ndarray
    answers: np.ndarray
    probabilities: np.ndarray

    def __post_init__(self) -> None:
        if n_test := int((self.folds == TEST).sum()):
            raise UserError(
                f"{n_test} of {len(self.folds)} rows are of a test set; nothing is fitted on those: "
                f"expected out-of-fold predictions (make cv)"
            )

    def pick(self, runs: Sequence[int]) -> "HeldOut":
        """The same questions answered by some of the runs, by their positions."""
        return HeldOut(self.question_ids, self.folds, self.answers, self.probabilities[list(runs)])

    def fit(self, fit: Callable[[np.ndarray, np.ndarray], Fitted], without_fold: str | None = None) -> Fitted:
        """`fit(probabilities (runs, rows, 5), answers (rows,))` on the questions whose answer is known.

        Args:
            fit: makes something of them.
            without_fold: a fold whose questions are left out.

        Raises:
            UserError: no such question is left.
        """
        rows = (self.answers != UNANSWERED) & (self.folds != without_fold)
        if not rows.any():
            where = "" if without_fold is None else f" outside fold {without_fold}"
            raise UserError(
                f"no question with an answer{where}, so there is nothing to fit on; train at least two folds "
                f"(make cv)"
            )
        return fit(self.probabilities[:, rows], self.answers[rows])

    def cross_fit(
        self,
        fit: Callable[[np.ndarray, np.ndarray], Fitted],
        apply: Callable[[Fitted, np.ndarray], np.ndarray],
    ) -> tuple[np.ndarray, dict[str, Fitted]]:
        """What `apply` makes of every question with that which `fit` found on the other folds.

        Args:
            fit: as in `HeldOut.fit`.
            apply: of what was fitted and probabilities (runs, rows, 5), to (rows, 5).

        Returns:
            Probabilities (rows, 5), and what each fold was answered with.

        Raises:
            UserError: there is but one fold with answers.
        """
        fitted = {fold: self.fit(fit, without_fold=fold) for fold in sorted(set(self.folds))}
        made = np.empty(self.probabilities.shape[1:])  # (rows, 5)
        for fold, one in fitted.items():
            rows = self.folds == fold
            made[rows] = apply(one, self.probabilities[:, rows])
        return made, fitted


def align_runs(predictions: dict[str, pd.DataFrame], questions: pd.DataFrame) -> HeldOut:
    """The runs' answers, row by row on the same questions, in the order of the questions table.

    Args:
        predictions: run -> its out-of-fold predictions table.
        questions: the questions table that they were trained on; it may hold more.

    Raises:
        UserError: a run lacks questions that another answers, or had them in other folds; rows of a test
            set; an answer to a question that is not there.
    """
    (first, reference), *others = _index_by_question(predictions)
    for run, frame in others:
        _check_covered(first, reference, run, frame)
        _check_covered(run, frame, first, reference)
        _check_folds(first, reference, run, frame.loc[reference.index])
    if strangers := sorted(set(reference.index) - set(questions["question_id"])):
        raise UserError(
            f"{first}: {len(strangers)} of {len(reference)} answers are to no question of the set, the first "
            f"is to {strangers[0]!r}"
        )
    asked = questions[questions["question_id"].isin(reference.index)]
    ids = asked["question_id"]
    columns = list(PROBABILITY_COLUMNS)
    tables = [reference, *(frame for _, frame in others)]
    return HeldOut(
        question_ids=ids.to_numpy(dtype=object),
        folds=reference.loc[ids, "fold"].to_numpy(dtype=object),
        answers=asked["answer"].fillna(UNANSWERED).to_numpy(dtype=int),
        probabilities=np.stack([frame.loc[ids, columns].to_numpy() for frame in tables]),
    )


def check_same_questions(sets: dict[str, pd.DataFrame]) -> pd.DataFrame:
    """The questions table that all runs were trained on.

    Question ids are often row numbers, so what the questions say is compared, not only their ids.

    Args:
        sets: run -> the questions table it was trained on.

    Raises:
        UserError: a run was trained on other questions.
    """
    columns = ["prompt", *OPTION_COLUMNS, "answer"]
    (first, reference), *others = _index_by_question(sets)
    for run, frame in others:
        shared = reference.index.intersection(frame.index)
        one, other = (
            table.loc[shared, columns].fillna({"answer": UNANSWERED}) for table in (reference, frame)
        )
        differing = shared[(one != other).any(axis=1)].tolist()
        n_only = len(reference) + len(frame) - 2 * len(shared)
        if differing or n_only:
            raise UserError(
                f"{run}: trained on another question set than {first}: {len(differing)} of {len(shared)} "
                f"questions of one id differ{_name_first(differing)}, {n_only} are in one set alone; blend "
                f"runs of the same set"
            )
    return sets[first]


def _index_by_question(tables: dict[str, pd.DataFrame]) -> list[tuple[str, pd.DataFrame]]:
    return [(run, frame.set_index("question_id")) for run, frame in tables.items()]


def _check_covered(first: str, reference: pd.DataFrame, run: str, frame: pd.DataFrame) -> None:
    """All that `first` answers is answered by `run`."""
    absent = reference[~reference.index.isin(frame.index)]
    if len(absent):
        folds = sorted(set(absent["fold"]))
        raise UserError(
            f"{run}: {len(absent)} of {len(reference)} questions that {first} answers are missing, of fold "
            f"{', '.join(folds)}{_name_first(absent.index)}; train that fold (make train RUN={run} "
            f"FOLD={folds[0]})"
        )


def _check_folds(first: str, reference: pd.DataFrame, run: str, frame: pd.DataFrame) -> None:
    moved = reference.index[(reference["fold"] != frame["fold"]).to_numpy()]
    if len(moved):
        raise UserError(
            f"{run}: {len(moved)} of {len(reference)} questions were held out in other folds than in {first}"
            f"{_name_first(moved)}; fitted weights would have seen their answers: train both on one question "
            f"set with its folds"
        )


def _name_first(question_ids: Sequence[str]) -> str:
    return f", the first is {question_ids[0]!r}" if len(question_ids) else ""
