"""Weights of runs in a blend: equal, or fitted for log-loss or for MAP@3; always >= 0 with the sum 1."""

from typing import Literal

import numpy as np

from science_exam.answering.calibration import HIGHEST, LOWEST, measure_losses, normalize_logits, to_logits
from science_exam.answering.pooling import Pool
from science_exam.evaluation.metrics import SMALLEST_PROBABILITY

Weighting = Literal["equal", "log_loss", "map3"]
WEIGHTINGS: tuple[Weighting, ...] = ("equal", "log_loss", "map3")
# The search for MAP@3: resamples of the questions, and runs drawn for each.
N_BAGS, N_PICKS = 16, 25
# What the right option is worth at ranks 1 to 5.
WORTH = np.array([1, 1 / 2, 1 / 3, 0, 0])


def fit_weights(
    scores: np.ndarray, answers: np.ndarray, pool: Pool, weighting: Weighting, calibrate: bool, seed: int
) -> np.ndarray:
    """Weights of the runs, (runs,).

    Where weights are fitted, runs with the same scores share one, and the runs' order decides nothing.

    Args:
        scores: (runs, rows, 5) of `make_scores`.
        answers: (rows,) right option numbers, from 1.
        pool: the one that the scores were made for.
        weighting: what the weights are best for.
        calibrate: whether the pool gets a temperature: the weights for log-loss depend on it.
        seed: of the search for MAP@3.
    """
    n_runs = len(scores)
    if weighting == "equal":
        return np.full(n_runs, 1 / n_runs)
    rows, copy_of, n_copies = np.unique(
        scores.reshape(n_runs, -1), axis=0, return_inverse=True, return_counts=True
    )
    distinct = rows.reshape(-1, *scores.shape[1:])
    if weighting == "log_loss":
        weights = _minimize_log_loss(distinct, answers, pool, calibrate)
    else:
        weights = _search_map3(distinct, answers, seed)
    return (weights / n_copies)[copy_of.reshape(-1)]


def _minimize_log_loss(scores: np.ndarray, answers: np.ndarray, pool: Pool, calibrate: bool) -> np.ndarray:
    """The weights with the least mean log-loss at the pool's best temperature, or at 1.

    Runs that err independently should be trusted together more than any of them alone, which weights that
    sum to 1 cannot say; without the temperature they would lean on the best run too much. For logits, and
    for any pool without the temperature, the minimum is the only one.
    """
    from scipy.optimize import minimize

    n_runs = len(scores)
    found = minimize(
        _measure_log_loss,
        np.array([*np.full(n_runs, 1 / n_runs), 1.0]),  # weights, 1 / temperature
        args=(scores, answers, pool),
        jac=True,
        bounds=[*[(0, 1)] * n_runs, (1 / HIGHEST, 1 / LOWEST) if calibrate else (1, 1)],
        constraints={"type": "eq", "fun": lambda x: x[:-1].sum() - 1, "jac": lambda x: [*[1] * n_runs, 0]},
        method="SLSQP",
        options={"ftol": 1e-9, "maxiter": 200},
    )
    weights = found.x[:-1].clip(0)
    return weights / weights.sum()


def _measure_log_loss(
    parameters: np.ndarray, scores: np.ndarray, answers: np.ndarray, pool: Pool
) -> tuple[float, np.ndarray]:
    """Mean log-loss of the pool, and its slopes.

    Args:
        parameters: (runs + 1,) weights, and 1 / temperature.
        scores, answers, pool: as in `fit_weights`.
    """
    weights, inverse = parameters[:-1], parameters[-1]
    mean = np.tensordot(weights, scores, axes=1)  # (rows, 5)
    logits = mean if pool == "logits" else to_logits(mean)
    excess = normalize_logits(inverse * logits)  # (rows, 5)
    excess[np.arange(len(answers)), answers - 1] -= 1
    excess /= len(answers)
    moved = excess if pool == "logits" else excess / np.maximum(mean, SMALLEST_PROBABILITY)
    slopes = inverse * (scores * moved).sum(axis=(1, 2))  # (runs,)
    loss = measure_losses(inverse * logits, answers).mean()
    return float(loss), np.append(slopes, (excess * logits).sum())


def _search_map3(scores: np.ndarray, answers: np.ndarray, seed: int) -> np.ndarray:
    """Mean over resamples of the questions of the weights that greedy selection finds on each.

    MAP@3 has steps and no slope. One selection fits the questions it saw; the mean of several, on resamples,
    fits what they have in common.

    Source: Caruana et al., Ensemble Selection from Libraries of Models (2004).
    """
    generator = np.random.default_rng(seed)
    n_rows = len(answers)
    resamples = [generator.integers(n_rows, size=n_rows) for _ in range(N_BAGS)]
    return np.mean([_select_greedily(scores[:, rows], answers[rows]) for rows in resamples], axis=0)


def _select_greedily(scores: np.ndarray, answers: np.ndarray) -> np.ndarray:
    """Add the run that helps most, again and again, the same one if need be; (runs,) shares of the picks.

    The picks up to the best sum count; of equally good sums the longest, which mixes most.
    """
    total = np.zeros(scores.shape[1:])  # (rows, 5)
    picks, values = [], []
    for _ in range(N_PICKS):
        reached = _measure_map3(total + scores, answers)  # (runs,)
        picks.append(int(reached.argmax()))
        values.append(reached.max())
        total += scores[picks[-1]]
    best = N_PICKS - int(np.argmax(values[::-1]))
    return np.bincount(picks[:best], minlength=len(scores)) / best


def _measure_map3(scores: np.ndarray, answers: np.ndarray) -> np.ndarray:
    """MAP@3 of each run, (runs,); options that tie with the right one count as ranked before it."""
    ahead = (scores >= _pick_right(scores, answers)[..., None]).sum(axis=2) - 1  # (runs, rows)
    return WORTH[ahead].mean(axis=1)


def _pick_right(scores: np.ndarray, answers: np.ndarray) -> np.ndarray:
    """Score of the right option, (runs, rows)."""
    return scores[:, np.arange(len(answers)), answers - 1]
