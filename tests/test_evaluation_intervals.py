import math

import numpy as np
import pytest

from science_exam.evaluation.intervals import (
    Interval,
    bootstrap_difference,
    bootstrap_mean,
    mcnemar_p,
)


def test_bounds_are_those_of_the_normal_approximation_on_many_rows():
    values = np.repeat([0.0, 1.0], [300, 700])
    interval = bootstrap_mean(values)
    half = 1.96 * math.sqrt(0.7 * 0.3 / 1_000)  # 0.0284
    assert interval.mean == 0.7
    assert interval.low == pytest.approx(0.7 - half, abs=0.002)
    assert interval.high == pytest.approx(0.7 + half, abs=0.002)


def test_about_95_of_100_intervals_hold_the_true_mean():
    generator = np.random.default_rng(1)
    n_samples, held = 80, 0
    for _ in range(n_samples):
        interval = bootstrap_mean(generator.choice([0, 1 / 3, 1 / 2, 1], size=40))
        held += interval.low <= 11 / 24 <= interval.high  # (0 + 1/3 + 1/2 + 1) / 4
    assert 0.88 <= held / n_samples <= 0.99


def test_bounds_contain_the_mean_and_stay_within_the_values():
    interval = bootstrap_mean(np.array([0, 0, 1]))
    assert 0 <= interval.low <= interval.mean <= interval.high <= 1


def test_equal_values_leave_no_doubt():
    assert bootstrap_mean(np.full(7, 0.5)) == Interval(0.5, 0.5, 0.5)


def test_the_seed_decides():
    values = np.random.default_rng(0).random(50)
    assert bootstrap_mean(values, seed=3) == bootstrap_mean(values, seed=3)
    assert bootstrap_mean(values, seed=3) != bootstrap_mean(values, seed=4)


def test_many_rows_with_values_of_their_own_are_resampled_too():
    values = np.random.default_rng(0).random(1_500)  # more than one block of resamples
    half = 1.96 * values.std() / math.sqrt(1_500)
    assert bootstrap_mean(values).high == pytest.approx(values.mean() + half, abs=0.001)


def test_few_and_many_distinct_values_are_resampled_alike():
    generator = np.random.default_rng(0)
    few = generator.choice([0.0, 0.5, 1.0], size=400)
    many = few + 1e-9 * generator.random(400)  # rows are drawn, not counts of values
    one, other = bootstrap_mean(few), bootstrap_mean(many)
    assert other.low == pytest.approx(one.low, abs=0.003)
    assert other.high == pytest.approx(one.high, abs=0.003)


def test_pairing_sees_a_difference_that_the_single_intervals_hide():
    generator = np.random.default_rng(0)
    old = generator.random(200)  # how hard each question is
    new = old + 0.05 + 0.01 * generator.standard_normal(200)
    assert bootstrap_mean(new).low < bootstrap_mean(old).high
    difference = bootstrap_difference(new, old)
    assert difference.mean == pytest.approx((new - old).mean())
    assert 0.045 < difference.low < difference.high < 0.055


def test_difference_changes_its_sign_with_the_order():
    new, old = np.array([1, 0.5, 0, 1]), np.array([0, 0.5, 0, 1])
    assert bootstrap_difference(new, old).mean == 0.25
    assert bootstrap_difference(old, new).mean == -0.25


def test_mcnemar_is_twice_the_binomial_tail():
    # 6 gained, 1 lost, the rest alike: 2 (C(7,0) + C(7,1)) / 2^7 = 16 / 128.
    new = np.array([1] * 6 + [0] + [1] * 10 + [0] * 5)
    old = np.array([0] * 6 + [1] + [1] * 10 + [0] * 5)
    assert mcnemar_p(new, old) == pytest.approx(0.125)
    assert mcnemar_p(old, new) == pytest.approx(0.125)
    # 10 gained, none lost: 2 / 2^10.
    assert mcnemar_p(np.ones(10), np.zeros(10)) == pytest.approx(2 / 1_024)


def test_mcnemar_of_as_many_gains_as_losses_is_one():
    assert mcnemar_p(np.array([1, 0, 1, 0]), np.array([0, 1, 0, 1])) == 1
    assert mcnemar_p(np.array([True, False]), np.array([True, False])) == 1


def test_an_interval_prints_three_decimals():
    assert str(Interval(0.61234, 0.5, 0.7)) == "0.612 [0.500, 0.700]"


def test_a_difference_shows_its_sign():
    assert Interval(0.1, -0.02, 0.22).signed == "+0.100 [-0.020, +0.220]"
