"""The longest option must be right by chance only."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from science_exam.questions.building.balance import choose_surplus, measure_extreme


def left(longest, tolerance=0.05, seed=0):
    longest = np.array(longest, dtype=float)
    return np.delete(longest, choose_surplus(longest, tolerance, seed))


def test_a_tie_counts_as_a_guess_among_those_that_tie():
    assert measure_extreme([5, 5, 4, 5, 1], 0, max) == pytest.approx(1 / 3)
    assert measure_extreme([5, 5, 4, 5, 1], 4, min) == 1
    assert measure_extreme([5, 5, 4, 5, 1], 2, max) == 0


def test_a_balanced_set_is_left_alone():
    assert len(choose_surplus(np.array([1.0] * 24 + [0.0] * 76), 0.05, 0)) == 0


def test_where_the_longest_is_right_too_often_such_rows_go():
    # 60 of 100: (60 - x) / (100 - x) <= .225 for x >= 37.5 / .775 = 48.4, so 49 go and 11 of 51 stay.
    kept = left([1.0] * 60 + [0.0] * 40)
    assert (len(kept), kept.sum()) == (51, 11)


def test_where_it_is_right_too_seldom_other_rows_go():
    # 5 of 100: 5 / (100 - x) >= .175 for x >= 71.4.
    kept = left([1.0] * 5 + [0.0] * 95)
    assert (len(kept), kept.sum()) == (28, 5)


def test_the_draw_depends_on_the_seed_alone():
    rows = np.array([1.0] * 60 + [0.0] * 40)
    assert choose_surplus(rows, 0.05, 1).tolist() == choose_surplus(rows, 0.05, 1).tolist()
    assert choose_surplus(rows, 0.05, 1).tolist() != choose_surplus(rows, 0.05, 2).tolist()


def test_nothing_comes_of_nothing():
    assert len(choose_surplus(np.array([]), 0.05, 0)) == 0


@given(st.integers(50, 2000), st.floats(0.06, 0.75), st.sampled_from([0.02, 0.05]))
def test_what_is_left_is_within_the_tolerance(n_rows, share, tolerance):
    n_right = max(1, round(share * n_rows))
    kept = left([1.0] * n_right + [0.0] * (n_rows - n_right), tolerance)
    # One row more or less is more than the tolerance where few are left.
    assert abs(kept.mean() - 0.2) <= tolerance + 1 / len(kept)
