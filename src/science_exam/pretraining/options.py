"""A task and its options: the wrong ones are drawn so that the options alone do not tell which is right."""

import random
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import islice

from science_exam.pretraining.misses import grow_family, miss
from science_exam.pretraining.reading import MARKS, Reading

N_WRONG = 4
MAX_CANDIDATES = 16


@dataclass(frozen=True)
class Task:
    """A question with its right option and an endless supply of wrong ones.

    A candidate that stands in `truth`, the text that makes the right option right, is not wrong.
    """

    prompt: str
    right: str
    truth: str
    wrong: Iterator[str]


def choose_wrong(task: Task, n_longer: int) -> list[str]:
    """Four wrong options; [] if none fit.

    Args:
        task: with its candidates.
        n_longer: how many are longer than the right one, the others being shorter; what is as long
            counts for either.
    """
    truth, right = task.truth.lower(), _fold(task.right)
    taken: set[str] = set()
    longer, shorter = [], []
    for candidate in islice(task.wrong, MAX_CANDIDATES):
        fits_longer = len(candidate) >= len(task.right) and len(longer) < n_longer
        fits_shorter = len(candidate) <= len(task.right) and len(shorter) < N_WRONG - n_longer
        key = _fold(candidate)
        if not key or not (fits_longer or fits_shorter) or key in taken or key in truth:
            continue
        if key in right or right in key:  # "Curie" and "Marie Curie" are both right
            continue
        taken.add(key)
        (longer if fits_longer else shorter).append(candidate)
        if len(longer) + len(shorter) == N_WRONG:
            return longer + shorter
    return []


def draw_wrong(
    reading: Reading,
    right: str,
    draw_base: Callable[[], str],
    nearby: bool,
    novelty: float,
    dress: Callable[[str], str] = str,
    spared: str = "",
) -> Iterator[str]:
    """Endless wrong options: families of near misses, of the right text and of others like it.

    Args:
        reading: whose contexts are asked about.
        right: the right text, before it is dressed.
        draw_base: draws another text of the kind; "" when it finds none.
        nearby: near misses take words from the contexts.
        novelty: 0 makes near misses of the right text only; the higher, the more families there are.
        dress: turns a text into an option.
        spared: words of it are not changed.
    """
    first, *others = draw_family_sizes(reading.rng, novelty)
    texts = grow_family(reading, right, first, nearby, spared)
    bases = [draw_base() for _ in others]
    for base, size in zip(bases, others, strict=True):
        texts += grow_family(reading, base, size, nearby, spared) if base and base not in texts else []
    wrong = texts[1:]
    reading.rng.shuffle(wrong)
    yield from map(dress, wrong)
    while True:
        if reading.rng.random() * (N_WRONG + 1 + novelty) < novelty:
            text = draw_base()
        else:
            text = miss(reading, reading.rng.choice(texts[-N_WRONG:]), nearby, spared, texts)
        if text and text not in texts:
            texts.append(text)
            yield dress(text)
        else:
            yield ""


def draw_family_sizes(rng: random.Random, novelty: float) -> list[int]:
    """Sizes of families that five options fall into; the first is the right option's.

    The options join one after the other (a Chinese restaurant process). It treats all of them alike, so
    the right option's family is typically a large one but not always the largest.
    """
    sizes = [1]
    for n_seated in range(1, N_WRONG + 1):
        pick = rng.random() * (n_seated + novelty)
        for family, size in enumerate(sizes):
            pick -= size
            if pick < 0:
                sizes[family] += 1
                break
        else:
            sizes.append(1)
    return sizes


def _fold(option: str) -> str:
    """What makes two options the same."""
    return option.lower().strip(MARKS)
