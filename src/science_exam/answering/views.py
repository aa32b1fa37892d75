"""Several ways to ask one question: its options in other orders."""

import random
from collections.abc import Sequence
from dataclasses import replace
from math import factorial

import numpy as np

from science_exam.prompt import Question


def list_orders(n_options: int, n_orders: int, seed: int) -> list[tuple[int, ...]]:
    """Distinct orders of the options, as positions from 0; the order given comes first.

    The next are rotations, in which every option stands once in every place; then seeded draws.

    Args:
        n_options: of a question.
        n_orders: at most the factorial of `n_options`.
        seed: of the draws.

    Example:
        >>> list_orders(3, 3, seed=0)
        [(0, 1, 2), (1, 2, 0), (2, 0, 1)]
    """
    assert 1 <= n_orders <= factorial(n_options), "there are that many orders"
    places = list(range(n_options))
    orders = [tuple(places[first:] + places[:first]) for first in range(min(n_options, n_orders))]
    rng = random.Random(f"views {seed}")
    while len(orders) < n_orders:
        order = tuple(rng.sample(places, n_options))
        if order not in orders:
            orders.append(order)
    return orders


def reorder(question: Question, order: Sequence[int]) -> Question:
    """The question with its options in another order."""
    return replace(question, options=tuple(question.options[place] for place in order), answer=None)


def restore(values: np.ndarray, order: Sequence[int]) -> np.ndarray:
    """Values of reordered options, (…, options), in the order of the question."""
    restored = np.empty_like(values)
    restored[..., list(order)] = values
    return restored
