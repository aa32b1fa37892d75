"""Random choices that several kinds of examples make."""

import random
from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import replace

from science_exam.prompt import Question


def shuffle_options(question: Question, rng: random.Random) -> Question:
    """The question with its options in random order, and its answer following."""
    order = rng.sample(range(len(question.options)), len(question.options))
    return replace(
        question,
        options=tuple(question.options[place] for place in order),
        answer=order.index(question.answer - 1) + 1,
    )


def draw_weighted(cumulated: Sequence[float], rng: random.Random) -> int:
    """A place, with the probability of its share in the cumulated weights."""
    return min(bisect_right(cumulated, rng.random() * cumulated[-1]), len(cumulated) - 1)
