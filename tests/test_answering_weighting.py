"""Weights of runs: where they must end up, and what may not change them."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from science_exam.answering.calibration import fit_temperature
from science_exam.answering.pooling import POOLS, make_scores, pool_scores
from science_exam.answering.weighting import WEIGHTINGS, fit_weights
from science_exam.evaluation.metrics import log_losses, map_at_k, rank_options

FITTED = [weighting for weighting in WEIGHTINGS if weighting != "equal"]
EACH_POOL = pytest.mark.parametrize("pool", POOLS)
EACH_FITTED = pytest.mark.parametrize("weighting", FITTED)


def make_runs(skills, n_rows=120, seed=0):
    """Runs that err independently: the right option's logit is raised by their skill."""
    generator = np.random.default_rng(seed)
    answers = generator.integers(1, 6, n_rows)
    logits = generator.normal(size=(len(skills), n_rows, 5))
    logits[:, np.arange(n_rows), answers - 1] += np.array(skills)[:, None]
    p = np.exp(logits)
    return p / p.sum(axis=2, keepdims=True), answers


def fit(probabilities, answers, pool="logits", weighting="log_loss", calibrate=True, seed=0):
    return fit_weights(make_scores(probabilities, pool), answers, pool, weighting, calibrate, seed)


def measure(probabilities, answers, pool, weights, calibrate=False):
    pooled = pool_scores(make_scores(probabilities, pool), np.array(weights), pool)
    if calibrate:
        temperature = fit_temperature(pooled, answers)
        pooled = pooled ** (1 / temperature) / (pooled ** (1 / temperature)).sum(axis=1, keepdims=True)
    return log_losses(pooled, answers).mean()


def test_equal_weights_are_equal():
    p, answers = make_runs([1, 2, 0])
    assert fit(p, answers, weighting="equal").tolist() == pytest.approx([1 / 3] * 3)


def test_weights_of_a_mixture_are_those_of_the_textbook():
    # The right option has .8 with one run and .2 with the other in 3 of 4 rows, the reverse in the last:
    # 3 log(.2 + .6 w) + log(.8 - .6 w) is largest where 3 (.8 - .6 w) = .2 + .6 w, at w = 11 / 12.
    sure, unsure = [0.8, 0.2, 0, 0, 0], [0.2, 0.8, 0, 0, 0]
    p = np.array([[sure, sure, sure, unsure], [unsure, unsure, unsure, sure]])
    weights = fit(p, np.ones(4, dtype=int), "probabilities", calibrate=False)
    assert weights.tolist() == pytest.approx([11 / 12, 1 / 12], abs=1e-4)


@EACH_POOL
@EACH_FITTED
def test_a_run_that_knows_nothing_gets_little(pool, weighting):
    p, answers = make_runs([3, 0], n_rows=400)
    assert fit(p, answers, pool, weighting)[0] > 0.85


@EACH_POOL
@pytest.mark.parametrize("calibrate", [False, True])
def test_no_weights_on_a_grid_have_less_log_loss(pool, calibrate):
    p, answers = make_runs([1.5, 1, 0.5])
    best = measure(p, answers, pool, fit(p, answers, pool, calibrate=calibrate), calibrate)
    grid = [(i / 10, j / 10, (10 - i - j) / 10) for i in range(11) for j in range(11 - i)]
    assert best <= min(measure(p, answers, pool, weights, calibrate) for weights in grid) + 1e-4


def test_runs_that_err_independently_share_more_evenly_under_a_temperature():
    p, answers = make_runs([2, 1], n_rows=2_000)
    assert fit(p, answers, calibrate=True)[1] > fit(p, answers, calibrate=False)[1] + 0.05


@EACH_POOL
def test_weights_for_map3_are_hardly_worse_than_equal_ones_or_the_best_run(pool):
    p, answers = make_runs([1.5, 1, 0.5])
    scores = make_scores(p, pool)

    def map3(weights):
        return map_at_k(rank_options(pool_scores(scores, np.array(weights), pool)), answers)

    fitted = map3(fit(p, answers, pool, "map3"))
    assert fitted >= max(map3([1 / 3] * 3), map3([1, 0, 0])) - 0.01


def test_the_seed_decides_the_search():
    p, answers = make_runs([1, 1, 1])
    weights = fit(p, answers, weighting="map3", seed=1)
    assert weights.tolist() == fit(p, answers, weighting="map3", seed=1).tolist()
    assert weights.tolist() != fit(p, answers, weighting="map3", seed=2).tolist()


@EACH_POOL
@EACH_FITTED
def test_the_order_of_the_runs_decides_nothing(pool, weighting):
    p, answers = make_runs([1.5, 1, 0.5])
    weights = fit(p, answers, pool, weighting)
    assert fit(p[[2, 0, 1]], answers, pool, weighting).tolist() == weights[[2, 0, 1]].tolist()


@EACH_POOL
@EACH_FITTED
def test_copies_of_a_run_share_its_weight(pool, weighting):
    p, answers = make_runs([1.5, 1])
    [a, b] = fit(p, answers, pool, weighting)
    made = fit(p[[0, 1, 1]], answers, pool, weighting)
    assert made.tolist() == [a, b / 2, b / 2]


@EACH_POOL
@EACH_FITTED
@given(
    st.lists(
        st.tuples(
            st.lists(
                st.lists(st.sampled_from([0, 0, 1, 3, 1e-9]), min_size=5, max_size=5).filter(any),
                min_size=3,
                max_size=3,
            ),
            st.integers(1, 5),
        ),
        min_size=1,
        max_size=6,
    ),
    st.booleans(),
)
@settings(max_examples=25, deadline=None)
def test_weights_lie_on_the_simplex_whatever_the_runs_say(pool, weighting, rows, calibrate):
    p = np.array([runs for runs, _ in rows], dtype=float).transpose(1, 0, 2)
    p /= p.sum(axis=2, keepdims=True)
    answers = np.array([answer for _, answer in rows])
    weights = fit(p, answers, pool, weighting, calibrate)
    assert (weights >= 0).all()
    assert weights.sum() == pytest.approx(1)
    if weighting == "log_loss" and not calibrate:
        best = measure(p, answers, pool, weights)
        assert best <= measure(p, answers, pool, [1 / 3] * 3) + 1e-3
