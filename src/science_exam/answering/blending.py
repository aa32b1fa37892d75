"""Several runs as one answerer: calibrate each, pool them with weights, calibrate the pool."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import partial

import numpy as np
import pandas as pd

from science_exam.answering.calibration import apply_temperature, fit_temperature
from science_exam.answering.held_out import TEST, HeldOut
from science_exam.answering.pooling import POOLS, Pool, make_scores, pool_scores
from science_exam.answering.weighting import WEIGHTINGS, Weighting, fit_weights
from science_exam.errors import UserError
from science_exam.tables import PREDICTIONS, PROBABILITY_COLUMNS, check_table

GOALS = {"log_loss": "weighted for log-loss", "map3": "weighted for MAP@3"}


@dataclass(frozen=True)
class Recipe:
    """How a blend is made.

    Attributes:
        pool: what is averaged.
        weighting: what the weights of the runs are best for.
        calibrate: whether temperatures are fitted, of every run and of the pool.
        seed: of the search for MAP@3.
    """

    pool: Pool
    weighting: Weighting
    calibrate: bool
    seed: int

    def __str__(self) -> str:
        return f"mean of {self.pool}" if self.weighting == "equal" else f"{self.pool} {GOALS[self.weighting]}"


@dataclass(frozen=True)
class Blend:
    """A fitted blend: all that turns the runs' probabilities into one answer.

    Attributes:
        pool: what is averaged.
        weights: (runs,) >= 0 that sum to 1.
        run_temperatures: (runs,) of each run before the pool.
        temperature: of the pool.
    """

    pool: Pool
    weights: np.ndarray
    run_temperatures: np.ndarray
    temperature: float

    def answer(self, probabilities: np.ndarray) -> np.ndarray:
        """Probabilities (rows, 5) of the runs' (runs, rows, 5)."""
        scores = make_scores(_calibrate_runs(probabilities, self.run_temperatures), self.pool)
        pooled = pool_scores(scores, self.weights, self.pool)
        return pooled if self.temperature == 1 else apply_temperature(pooled, self.temperature)


@dataclass(frozen=True)
class Estimate:
    """What a recipe makes of held-out questions, (rows, 5) each.

    Attributes:
        honest: with what was fitted on the other folds; what to expect of new questions.
        optimistic: with what was fitted on these very questions.
        folds: what answered each fold in `honest`.
        blend: fitted on all of them; what answers test sets.
    """

    honest: np.ndarray
    optimistic: np.ndarray
    folds: dict[str, Blend]
    blend: Blend


def fit_blend(probabilities: np.ndarray, answers: np.ndarray, recipe: Recipe) -> Blend:
    """Fit temperatures and weights.

    Args:
        probabilities: (runs, rows, 5).
        answers: (rows,) right option numbers, from 1.
        recipe: what is fitted.
    """
    run_temperatures = np.ones(len(probabilities))
    if recipe.calibrate:
        run_temperatures = np.array([fit_temperature(one, answers) for one in probabilities])
    scores = make_scores(_calibrate_runs(probabilities, run_temperatures), recipe.pool)
    how = (recipe.pool, recipe.weighting, recipe.calibrate, recipe.seed)
    weights = fit_weights(scores, answers, *how)
    pooled = pool_scores(scores, weights, recipe.pool)
    temperature = fit_temperature(pooled, answers) if recipe.calibrate else 1.0
    return Blend(recipe.pool, weights, run_temperatures, temperature)


def estimate_blend(held_out: HeldOut, recipe: Recipe) -> Estimate:
    """Fit a blend under nested cross-validation, and on everything.

    The folds are those that the runs' adapters were held out from: an adapter has not seen the questions it
    answers, and weights and temperatures have not seen the answers they are scored on.

    Raises:
        UserError: there is but one fold with answers.
    """
    fit = partial(fit_blend, recipe=recipe)
    honest, folds = held_out.cross_fit(fit, Blend.answer)
    blend = held_out.fit(fit)
    return Estimate(honest, blend.answer(held_out.probabilities), folds, blend)


def estimate_recipes(held_out: HeldOut, like: Recipe) -> dict[Recipe, Estimate]:
    """Every pool with every weighting, in all else as the recipe `like`, which is among them."""
    recipes = [replace(like, pool=pool, weighting=weighting) for weighting in WEIGHTINGS for pool in POOLS]
    return {recipe: estimate_blend(held_out, recipe) for recipe in recipes}


def estimate_runs(held_out: HeldOut, runs: Sequence[str], like: Recipe) -> dict[str, Estimate]:
    """Each run alone, calibrated if `like` is."""
    alone = replace(like, pool="probabilities", weighting="equal")
    return {run: estimate_blend(held_out.pick([i]), alone) for i, run in enumerate(runs)}


def describe_blend(estimate: Estimate, runs: Sequence[str]) -> dict:
    """What was fitted, for a person to read and for `restore_blend`."""
    by_fold = {fold: _describe(blend, runs) for fold, blend in estimate.folds.items()}
    return {"pool": estimate.blend.pool, **_describe(estimate.blend, runs), "of_each_fold": by_fold}


def restore_blend(description: dict, runs: Sequence[str]) -> Blend:
    """The blend that was fitted on everything, for probabilities of `runs` in this order."""
    weights, temperatures = (
        np.array([description[key][run] for run in runs]) for key in ("weights", "temperatures")
    )
    return Blend(description["pool"], weights, temperatures, description["temperature_of_the_blend"])


def blend_test(predictions: dict[str, pd.DataFrame], blend: Blend, name: str) -> pd.DataFrame:
    """The predictions table of a blend on a test set, in the order of the first run's.

    Args:
        predictions: run -> its answers to the test set, in the order of the blend's runs.
        blend: fitted on held-out questions.
        name: of the blend.

    Raises:
        UserError: the runs answer different questions.
    """
    (first, reference), *_ = predictions.items()
    ids = reference["question_id"]
    for run, frame in predictions.items():
        if strange := sorted(set(ids) ^ set(frame["question_id"])):
            raise UserError(
                f"{run} and {first} answer different test questions: {len(strange)} are answered by one of "
                f"them alone, the first is {strange[0]!r}; answer the same set with both (make predict)"
            )
    columns = list(PROBABILITY_COLUMNS)
    tables = [frame.set_index("question_id").loc[ids, columns].to_numpy() for frame in predictions.values()]
    return tabulate(ids, blend.answer(np.stack(tables)), TEST, name)


def tabulate(question_ids, probabilities: np.ndarray, folds, run: str) -> pd.DataFrame:
    """A predictions table.

    Args:
        question_ids: (rows,)
        probabilities: (rows, 5).
        folds: (rows,) or the fold of all.
        run: name of what made them.
    """
    frame = pd.DataFrame(probabilities, columns=list(PROBABILITY_COLUMNS))
    frame = frame.assign(question_id=np.asarray(question_ids, dtype=object), fold=folds, run=run)
    return check_table(frame, PREDICTIONS, run)


def _describe(blend: Blend, runs: Sequence[str]) -> dict:
    def name(values: np.ndarray) -> dict[str, float]:
        return {run: round(float(value), 6) for run, value in zip(runs, values, strict=True)}

    return {
        "weights": name(blend.weights),
        "temperatures": name(blend.run_temperatures),
        "temperature_of_the_blend": round(float(blend.temperature), 6),
    }


def _calibrate_runs(probabilities: np.ndarray, temperatures: np.ndarray) -> np.ndarray:
    """(runs, rows, 5), each run with its temperature; 1 leaves them as they are."""
    if (temperatures == 1).all():
        return probabilities
    return apply_temperature(probabilities, temperatures[:, None, None])
