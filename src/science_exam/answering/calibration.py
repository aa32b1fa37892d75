"""Temperature scaling: one number that makes a model's probabilities as sure as it is right.

It never changes which option ranks first, only how far ahead. Source: Guo et al., On Calibration of Modern
Neural Networks (2017).
"""

import numpy as np
import pandas as pd

from science_exam.answering.held_out import TEST, align_runs
from science_exam.errors import UserError
from science_exam.evaluation.metrics import SMALLEST_PROBABILITY
from science_exam.tables import PROBABILITY_COLUMNS

# Where answers are all right or none of them is, the best temperature is 0 or infinite.
LOWEST, HIGHEST = 0.05, 20.0


def fit_temperature(probabilities: np.ndarray, answers: np.ndarray) -> float:
    """The temperature between `LOWEST` and `HIGHEST` with the least mean log-loss.

    The loss of softmax(log p / T) is convex in 1/T, so the one minimum there is is found.

    Args:
        probabilities: (rows, 5).
        answers: (rows,) right option numbers, from 1.
    """
    from scipy.optimize import minimize_scalar

    logits = to_logits(probabilities)

    def loss(inverse: float) -> float:
        return float(measure_losses(inverse * logits, answers).mean())

    bounds = (1 / HIGHEST, 1 / LOWEST)
    return float(1 / minimize_scalar(loss, bounds=bounds, method="bounded", options={"xatol": 1e-6}).x)


def apply_temperature(probabilities: np.ndarray, temperature: float) -> np.ndarray:
    """softmax(log p / T): flatter above 1, sharper below; ranks stay. (…, 5) -> (…, 5).

    Example:
        >>> apply_temperature(np.array([[0.64, 0.16, 0.16, 0.04, 0.0]]), 2).round(2).tolist()
        [[0.44, 0.22, 0.22, 0.11, 0.0]]
    """
    return normalize_logits(to_logits(probabilities) / temperature)


def to_logits(probabilities: np.ndarray) -> np.ndarray:
    """log p, from `SMALLEST_PROBABILITY` on."""
    return np.log(np.maximum(probabilities, SMALLEST_PROBABILITY))


def normalize_logits(logits: np.ndarray) -> np.ndarray:
    """Softmax over the last axis."""
    shifted = np.exp(logits - logits.max(axis=-1, keepdims=True))
    return shifted / shifted.sum(axis=-1, keepdims=True)


def measure_losses(logits: np.ndarray, answers: np.ndarray) -> np.ndarray:
    """-log softmax of the right option's logit, (rows,): log-loss without its floor, convex in the logits.

    Args:
        logits: (rows, 5).
        answers: (rows,) right option numbers, from 1.
    """
    highest = logits.max(axis=1)
    totals = np.log(np.exp(logits - highest[:, None]).sum(axis=1)) + highest
    return totals - logits[np.arange(len(answers)), answers - 1]


def calibrate_out_of_fold(
    predictions: pd.DataFrame, questions: pd.DataFrame
) -> tuple[pd.DataFrame, dict[str, float]]:
    """A run's out-of-fold predictions, each fold with the temperature of all others.

    Args:
        predictions: of at least two folds.
        questions: with the answers.

    Returns:
        The predictions table in its order, and the temperature of each fold.

    Raises:
        UserError: test rows, or fewer than two folds with answers.
    """
    held_out = align_runs({"predictions": predictions}, questions)
    made, temperatures = held_out.cross_fit(_fit_one, lambda fitted, one: apply_temperature(one[0], fitted))
    calibrated = pd.DataFrame(made, index=held_out.question_ids).loc[predictions["question_id"]]
    return _put(predictions, calibrated.to_numpy()), temperatures


def calibrate_test(
    predictions: pd.DataFrame, out_of_fold: pd.DataFrame, questions: pd.DataFrame
) -> tuple[pd.DataFrame, float]:
    """A run's answers to a test set, with the temperature of all its out-of-fold answers.

    Args:
        predictions: of the test set.
        out_of_fold: the run's answers to the set that it was trained on.
        questions: that set, with the answers.

    Raises:
        UserError: `predictions` are of held-out questions, or `out_of_fold` of a test set.
    """
    if strange := sorted(set(predictions["fold"]) - {TEST}):
        raise UserError(f"fold {strange[0]!r}: expected answers to a test set; these are out of fold")
    temperature = align_runs({"out of fold": out_of_fold}, questions).fit(_fit_one)
    probabilities = predictions[list(PROBABILITY_COLUMNS)].to_numpy()
    return _put(predictions, apply_temperature(probabilities, temperature)), temperature


def _fit_one(probabilities: np.ndarray, answers: np.ndarray) -> float:
    [of_the_run] = probabilities
    return fit_temperature(of_the_run, answers)


def _put(predictions: pd.DataFrame, probabilities: np.ndarray) -> pd.DataFrame:
    return predictions.assign(**dict(zip(PROBABILITY_COLUMNS, probabilities.T, strict=True)))
