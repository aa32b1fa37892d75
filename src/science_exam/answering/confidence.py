"""How sure an answer is, so that time goes to the questions that need it."""

import numpy as np
import pandas as pd

from science_exam.tables import PROBABILITY_COLUMNS


def measure_confidence(probabilities: np.ndarray) -> np.ndarray:
    """Probability of the likeliest option, (rows,): calibrated, the chance that it is right.

    Source: Hendrycks & Gimpel, A Baseline for Detecting Misclassified and Out-of-Distribution Examples
    (2017).

    Args:
        probabilities: (rows, 5), calibrated where confidences of several runs are compared.
    """
    return np.asarray(probabilities, dtype=float).max(axis=1)


def order_by_confidence(predictions: pd.DataFrame) -> list[str]:
    """Question ids of a predictions table, the least confident first; equal ones in the table's order."""
    confidence = measure_confidence(predictions[list(PROBABILITY_COLUMNS)].to_numpy())
    return predictions["question_id"].iloc[np.argsort(confidence, kind="stable")].tolist()
