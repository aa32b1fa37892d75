"""Each question in several orders of its options, so that no place is right more often than another."""

import random
from collections import Counter
from collections.abc import Sequence
from dataclasses import replace

from science_exam.prompt import Question


def permute_options(questions: Sequence[Question], n_orders: int, seed: int) -> list[Question]:
    """Each question in `n_orders` distinct orders of its options, one after the other.

    The first is the order given. The right option stands once in every place before it stands in one
    twice, and where there are fewer orders than places, in those that are right least often in the
    whole set: answers that lean to one letter are evened out.

    Args:
        questions: with their answers.
        n_orders: at most the factorial of the number of options.
        seed: of the draws.

    Example:
        Questions right at 1, 1 and 2, two orders each: the new ones are right at 3, 4 and 5.
    """
    used = Counter(question.answer for question in questions)
    permuted = []
    for question in questions:
        rng = random.Random(f"orders {seed} {question.question_id}")
        places = _choose_places(question, n_orders, used, rng)
        permuted += [_reorder(question, order) for order in _draw_orders(question, places, rng)]
    return permuted


def _choose_places(question: Question, n_orders: int, used: Counter, rng: random.Random) -> list[int]:
    """Where the right option stands (from 1) in each order; `used` counts them for the whole set."""
    own = Counter([question.answer])
    places = [question.answer]
    while len(places) < n_orders:
        shuffled = rng.sample(range(1, len(question.options) + 1), len(question.options))  # breaks ties
        place = min(shuffled, key=lambda place: (own[place], used[place]))
        places.append(place)
        own[place] += 1
        used[place] += 1
    return places


def _draw_orders(question: Question, places: Sequence[int], rng: random.Random) -> list[tuple[int, ...]]:
    """An order of the options (positions from 0) for each place, no two the same."""
    right = question.answer - 1
    orders = [tuple(range(len(question.options)))]
    wrong = [position for position in orders[0] if position != right]
    for place in places[1:]:
        order = orders[0]
        while order in orders:
            shuffled = rng.sample(wrong, len(wrong))
            order = (*shuffled[: place - 1], right, *shuffled[place - 1 :])
        orders.append(order)
    return orders


def _reorder(question: Question, order: tuple[int, ...]) -> Question:
    options = tuple(question.options[position] for position in order)
    return replace(question, options=options, answer=order.index(question.answer - 1) + 1)
