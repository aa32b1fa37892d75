"""Scores of several answerers on the same questions, always beside the honest baselines."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd

from science_exam.errors import UserError
from science_exam.evaluation.intervals import (
    Interval,
    bootstrap_difference,
    bootstrap_mean,
    mcnemar_p,
)
from science_exam.evaluation.metrics import (
    N_BINS,
    N_OPTIONS,
    brier_scores,
    expected_calibration_error,
    log_losses,
    rank_options,
    reciprocal_ranks,
)
from science_exam.tables import OPTION_COLUMNS, PROBABILITY_COLUMNS

K = 3
# Expected values of a random order: 1/5, and (1 + 1/2 + 1/3) / 5; ln 5 where all options are alike.
RANDOM_ACCURACY = 1 / N_OPTIONS
RANDOM_MAP3 = sum(1 / rank for rank in range(1, K + 1)) / N_OPTIONS
RANDOM_LOG_LOSS = float(np.log(N_OPTIONS))
UNKNOWN = "–"  # of an answerer that only ranks
N_SHOWN = 3  # ids that an error names
RANDOM = ("random order (expected)", *(f"{x:.3f}" for x in (RANDOM_ACCURACY, RANDOM_MAP3, RANDOM_LOG_LOSS)))

# A predictions table, or a submission: question id -> option numbers, best first.
Answers = pd.DataFrame | Mapping[str, Sequence[int]]


@dataclass(frozen=True)
class Scores:
    """One answerer's scores a question: `right` (rows,) 0 or 1, `reciprocal` (rows,) for MAP@3.

    Where its probabilities are known, also its log-losses (rows,), its Brier scores (rows,) and its expected
    calibration error, which is of all questions together and therefore without an interval.
    """

    name: str
    right: np.ndarray
    reciprocal: np.ndarray
    losses: np.ndarray | None = None
    brier: np.ndarray | None = None
    calibration_error: float | None = None

    @property
    def accuracy(self) -> Interval:
        return bootstrap_mean(self.right)

    @property
    def map3(self) -> Interval:
        return bootstrap_mean(self.reciprocal)

    @property
    def log_loss(self) -> Interval | None:
        return None if self.losses is None else bootstrap_mean(self.losses)


def score_rankings(name: str, rankings, answers) -> Scores:
    """Scores of rankings (option numbers, best first) against answers (rows,)."""
    return Scores(name, reciprocal_ranks(rankings, answers, k=1), reciprocal_ranks(rankings, answers, K))


def score_probabilities(name: str, probabilities: np.ndarray, answers: np.ndarray) -> Scores:
    """Scores of probabilities (rows, 5) against answers (rows,)."""
    return replace(
        score_rankings(name, rank_options(probabilities), answers),
        losses=log_losses(probabilities, answers),
        brier=brier_scores(probabilities, answers),
        calibration_error=expected_calibration_error(probabilities, answers),
    )


def score_predictions(name: str, predictions: pd.DataFrame, questions: pd.DataFrame) -> Scores:
    """Scores of a predictions table on the questions that have an answer, in their order.

    Raises:
        UserError: a question with an answer has no prediction.
    """
    answered = labelled(questions)
    _check_covered(name, answered["question_id"], set(predictions["question_id"]))
    aligned = predictions.set_index("question_id").loc[answered["question_id"]]
    probabilities = aligned[list(PROBABILITY_COLUMNS)].to_numpy()
    return score_probabilities(name, probabilities, answered["answer"].to_numpy())


def score_submission(name: str, rankings: Mapping[str, Sequence[int]], questions: pd.DataFrame) -> Scores:
    """Scores of a submission (question id -> option numbers, best first).

    Raises:
        UserError: its ids are not those of the questions, with and without an answer.
    """
    answered = labelled(questions)
    _check_submitted(name, questions["question_id"], rankings)
    ordered = [rankings[question_id] for question_id in answered["question_id"]]
    return score_rankings(name, ordered, answered["answer"].to_numpy())


def score_longest_option(questions: pd.DataFrame) -> Scores:
    """The baseline that ranks options by their length in characters, the longest first."""
    answered = labelled(questions)
    lengths = answered[list(OPTION_COLUMNS)].map(len).to_numpy()  # (rows, 5)
    return score_rankings("longest option", rank_options(lengths), answered["answer"].to_numpy())


def score_answers(name: str, answers: Answers, questions: pd.DataFrame) -> Scores:
    """Scores of a predictions table or a submission, as `score_predictions` and `score_submission`."""
    score = score_predictions if isinstance(answers, pd.DataFrame) else score_submission
    return score(name, answers, questions)


def score_all(questions: pd.DataFrame, answers: Mapping[str, Answers]) -> list[Scores]:
    """The longest-option baseline and all named answers, on the same questions."""
    return [
        score_longest_option(questions),
        *(score_answers(name, given, questions) for name, given in answers.items()),
    ]


def labelled(questions: pd.DataFrame) -> pd.DataFrame:
    """The questions with an answer.

    Raises:
        UserError: none has one.
    """
    answered = questions[questions["answer"].notna()]
    if answered.empty:
        raise UserError("no question has an answer, so there is nothing to score")
    return answered


def format_report(scores: list[Scores]) -> str:
    """A Markdown table: every answerer's scores, with 95% intervals where they are means; baselines first.

    The last of `scores` is then compared with each other one, question by question.
    """
    lines = [
        f"{len(scores[0].right)} questions; 95% bootstrap intervals over questions; "
        f"ECE: expected calibration error, {N_BINS} bins of equal count",
        "",
        "| answered by | accuracy | MAP@3 | log-loss | ECE |",
        "| --- | --- | --- | --- | --- |",
        f"| {' | '.join(RANDOM)} | {UNKNOWN} |",
        *map(_format_row, scores),
    ]
    lines += ["", *(_compare(scores[-1], other) for other in scores[:-1])]
    return "\n".join(lines)


def format_calibrated(score: Scores, temperatures: dict[str, float]) -> str:
    """What temperatures that were fitted on the other folds make of a run's probabilities.

    Args:
        score: of the calibrated predictions.
        temperatures: of each fold.
    """
    low, high = min(temperatures.values()), max(temperatures.values())
    return (
        f"{score.name}, calibrated (temperature {low:.2f} to {high:.2f}, fitted on the other folds): "
        f"log-loss {score.log_loss}, ECE {score.calibration_error:.3f}"
    )


def summarize(scores: list[Scores]) -> dict[str, dict[str, float]]:
    """Each answerer's scores as plain numbers, for a manifest."""
    return {score.name: _summarize_one(score) for score in scores}


def _summarize_one(score: Scores) -> dict[str, float]:
    values = {
        "accuracy": score.right,
        "map3": score.reciprocal,
        "log_loss": score.losses,
        "brier": score.brier,
        "ece": score.calibration_error,
    }
    return {name: round(float(np.mean(value)), 6) for name, value in values.items() if value is not None}


def _format_row(score: Scores) -> str:
    error = UNKNOWN if score.calibration_error is None else f"{score.calibration_error:.3f}"
    return f"| {score.name} | {score.accuracy} | {score.map3} | {score.log_loss or UNKNOWN} | {error} |"


def _check_covered(name: str, asked: pd.Series, predicted: set[str]) -> None:
    if absent := [question_id for question_id in asked if question_id not in predicted]:
        raise UserError(
            f"{name}: {len(absent)} of {len(asked)} questions have no prediction ({_show_first(absent)}); "
            f"predict the same question set"
        )


def _check_submitted(name: str, asked: pd.Series, submitted: Mapping[str, Sequence[int]]) -> None:
    known = set(asked)
    absent = [question_id for question_id in asked if question_id not in submitted]
    unknown = [question_id for question_id in submitted if question_id not in known]
    found = [
        f"{len(ids)} {fault} ({_show_first(ids)})"
        for fault, ids in (("missing", absent), ("unknown", unknown))
        if ids
    ]
    if found:
        raise UserError(
            f"{name}: expected the ids of the {len(asked)} questions, found {' and '.join(found)}; Kaggle "
            f"would refuse it; submit a row a question"
        )


def _show_first(ids: list[str]) -> str:
    return ", ".join([*map(repr, ids[:N_SHOWN]), *(["…"] if len(ids) > N_SHOWN else [])])


def _compare(new: Scores, old: Scores) -> str:
    difference = bootstrap_difference(new.reciprocal, old.reciprocal)
    p = mcnemar_p(new.right == 1, old.right == 1)
    return f"{new.name} - {old.name}: MAP@3 {difference.signed} paired; accuracy: McNemar p = {p:.2g}"
