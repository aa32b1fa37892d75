"""Where the right option stands: every position equally often, in every permutation."""

import random
from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from science_exam.questions.building.positions import draw_positions, place_options
from science_exam.questions.drafts import Draft

DRAFT = Draft("a.csv: row 1", "a", "Which is right?", "right", ("one", "two", "three", "four"))


@given(st.integers(0, 1000), st.integers(0, 2**32), st.integers(1, 5))
def test_five_questions_in_a_row_are_right_at_five_different_positions(block, seed, n_permutations):
    drawn = [draw_positions(5 * block + i, n_permutations, seed) for i in range(5)]
    for positions in zip(*drawn, strict=True):
        assert sorted(positions) == [1, 2, 3, 4, 5]


@given(st.integers(0, 10_000), st.integers(0, 2**32))
def test_the_permutations_of_a_question_are_right_at_different_positions(number, seed):
    assert sorted(draw_positions(number, 5, seed)) == [1, 2, 3, 4, 5]


@pytest.mark.parametrize("n_rows", [498, 1000, 7777])
def test_each_position_holds_a_fifth_within_a_hundredth(n_rows):
    counts = Counter(draw_positions(number, 1, seed=3)[0] for number in range(n_rows))
    assert all(abs(count / n_rows - 0.2) < 0.01 for count in counts.values())


def test_another_seed_draws_another_order():
    drawn = {seed: [draw_positions(number, 1, seed) for number in range(50)] for seed in (0, 0, 1)}
    assert drawn[0] != drawn[1]


@pytest.mark.parametrize("position", range(1, 6))
def test_the_right_option_stands_where_it_should_among_all_wrong_ones(position):
    options = place_options(DRAFT, position, random.Random(0))
    assert options[position - 1] == "right"
    assert sorted(options) == ["four", "one", "right", "three", "two"]
