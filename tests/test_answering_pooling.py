"""Pools of runs by hand, and what every pool keeps."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from science_exam.answering.pooling import POOLS, count_borda, make_scores, pool_scores
from science_exam.evaluation.metrics import rank_options

ONE, OTHER = [0.64, 0.16, 0.16, 0.04, 0.0], [0.04, 0.16, 0.16, 0.64, 0.0]
EACH_POOL = pytest.mark.parametrize("pool", POOLS)


def pool_runs(runs, pool, weights=None):
    weights = np.full(len(runs), 1 / len(runs)) if weights is None else np.array(weights)
    return pool_scores(make_scores(np.array(runs, dtype=float), pool), weights, pool)


def test_the_mean_of_probabilities():
    made = pool_runs([[ONE], [OTHER]], "probabilities", [0.75, 0.25])
    assert made[0].tolist() == pytest.approx([0.49, 0.16, 0.16, 0.19, 0])


def test_the_mean_of_logits_is_the_normalised_geometric_mean():
    # Equal weights: roots of .0256 = .16 four times.
    assert pool_runs([[ONE], [OTHER]], "logits")[0].tolist() == pytest.approx([0.25, 0.25, 0.25, 0.25, 0])
    # .64^.75 .04^.25 = .32, .16, .16, .04^.75 .64^.25 = .08; over .72.
    made = pool_runs([[ONE], [OTHER]], "logits", [0.75, 0.25])
    assert made[0].tolist() == pytest.approx(np.array([32, 16, 16, 8, 0]) / 72)


def test_the_mean_of_ranks_counts_points():
    # Points 5, 3.5, 3.5, 2, 1 of 15 and 2, 3.5, 3.5, 5, 1: 3.5, 3.5, 3.5, 3.5, 1.
    made = pool_runs([[ONE], [OTHER]], "ranks")
    assert made[0].tolist() == pytest.approx(np.array([3.5, 3.5, 3.5, 3.5, 1]) / 15, abs=1e-4)


def test_of_equal_mean_ranks_the_larger_mean_probability_ranks_first():
    sure, unsure = [0.9, 0.04, 0.03, 0.02, 0.01], [0.2, 0.3, 0.19, 0.17, 0.14]
    assert rank_options(pool_runs([[sure], [unsure]], "ranks"))[0, :2].tolist() == [1, 2]
    assert rank_options(pool_runs([[sure[::-1]], [unsure[::-1]]], "ranks"))[0, :2].tolist() == [5, 4]


def test_points_ignore_how_sure_a_run_is():
    unsure = np.array([0.22, 0.21, 0.2, 0.19, 0.18])
    assert count_borda(unsure) == pytest.approx(np.arange(5, 0, -1) / 15, abs=1e-4)
    assert count_borda(unsure**40 / (unsure**40).sum()) == pytest.approx(count_borda(unsure), abs=1e-4)


def test_a_run_that_rules_the_others_choice_out_is_outvoted_but_for_logits():
    sure, others = [1e-9, 1 - 4e-9, 1e-9, 1e-9, 1e-9], [0.8, 0.05, 0.05, 0.05, 0.05]
    runs = [[sure], [others], [others]]
    first = {pool: int(rank_options(pool_runs(runs, pool))[0, 0]) for pool in POOLS}
    assert first == {"probabilities": 1, "logits": 2, "ranks": 1}


WEIGHTS = st.lists(st.integers(0, 9), min_size=5, max_size=5).filter(any)
RUNS = st.lists(WEIGHTS, min_size=1, max_size=4)


def normalize(runs):
    runs = np.array(runs, dtype=float)
    return (runs / runs.sum(axis=1, keepdims=True))[:, None]  # (runs, 1 row, 5)


@EACH_POOL
@given(RUNS)
def test_every_pool_gives_probabilities(pool, runs):
    made = pool_runs(normalize(runs), pool)
    assert (made >= 0).all()
    assert made.sum() == pytest.approx(1)


@EACH_POOL
@given(RUNS, st.randoms())
def test_the_order_of_the_runs_decides_nothing(pool, runs, random):
    shuffled = list(runs)
    random.shuffle(shuffled)
    assert pool_runs(normalize(shuffled), pool) == pytest.approx(pool_runs(normalize(runs), pool))


@EACH_POOL
@given(WEIGHTS, st.integers(1, 4))
def test_a_run_and_its_copies_are_that_run(pool, run, n_copies):
    alone = normalize([run])
    made = pool_runs(normalize([run] * n_copies), pool)
    assert rank_options(made.round(12)).tolist() == rank_options(alone[0].round(12)).tolist()
    if pool != "ranks":
        assert made == pytest.approx(alone[0], abs=1e-12)
