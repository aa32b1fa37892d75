"""The places of the options: every position is right equally often, whatever the sources had."""

import random

import numpy as np

from science_exam.questions.drafts import Draft

N_OPTIONS = 5


def draw_positions(number: int, n_permutations: int, seed: int) -> list[int]:
    """Where the right option of a question stands (1-5) in each of its permutations.

    Five consecutive questions share a random order of the five positions, each starting one further
    on: so in every permutation the five have five different positions, and the permutations of one
    question differ as long as there are at most five.

    Args:
        number: of the question in its set, from 0.
        n_permutations: how often the question stands in the set.
        seed: of the set.

    Example:
        Order 3 1 5 2 4: question 0 is right at 3, then 1; question 1 at 1, then 5.
    """
    order = np.random.default_rng((seed, number // N_OPTIONS)).permutation(N_OPTIONS) + 1
    return [int(order[(number + i) % N_OPTIONS]) for i in range(n_permutations)]


def place_options(draft: Draft, position: int, rng: random.Random) -> list[str]:
    """The five options in their order: the right one at `position` (1-5), the wrong ones shuffled."""
    assert len(draft.wrong) == N_OPTIONS - 1, draft.place
    options = rng.sample(draft.wrong, N_OPTIONS - 1)
    options.insert(position - 1, draft.right)
    return options
