"""Examples packed one behind the other into rows of equal length, so that no computing goes into padding."""

import random
from collections.abc import Callable, Iterator, Sequence
from typing import NamedTuple

import numpy as np
import torch
from torch.utils.data import DataLoader, Dataset

from science_exam.pretraining.examples import Example

# A pack has room for one document and one answer in that many tokens; both are longer by far.
TOKENS_PER_DOCUMENT = 64
NO_ANSWER = -100  # cross_entropy leaves these out

# Makes an example of at most so many tokens, for a step of the schedule.
MakeExample = Callable[[random.Random, int, int], Example]


class Pack(NamedTuple):
    """One row of whole documents; all packs have the same shapes, so that kernels are used again."""

    ids: torch.Tensor  # (tokens,)
    positions: torch.Tensor  # (tokens,) of each token in its document
    # (documents + 1,) int32: document i is ids[ends[i]:ends[i + 1]]; the last ones may be empty
    ends: torch.Tensor
    places: torch.Tensor  # (answers,) of the tokens that answer
    options: torch.Tensor  # (answers, 5) of the tokens behind each option
    right: torch.Tensor  # (answers,) 0-4, or NO_ANSWER where there is none
    asked: torch.Tensor  # (answers,) True for questions of the question set, False for reading tasks


class Packs(Dataset):
    """Endlessly many packs; the same number gives the same pack in every process."""

    def __init__(self, make_example: MakeExample, n_tokens: int, seed: int, packs_per_step: int) -> None:
        self._make_example, self._n_tokens = make_example, n_tokens
        self._seed, self._packs_per_step = seed, packs_per_step

    def __getitem__(self, number: int) -> Pack:
        rng, step = random.Random(f"{self._seed}-{number}"), number // self._packs_per_step
        return _fill([], self._n_tokens, lambda left: self._make_example(rng, step, left))


def pack_in_order(examples: list[Example], n_tokens: int, make_text: Callable[[int], Example]) -> list[Pack]:
    """Packs of all examples, one after the other.

    Args:
        examples: none longer than `n_tokens`.
        n_tokens: of a pack.
        make_text: an example of at most so many tokens, to fill a pack with.
    """
    packs: list[list[Example]] = []
    left = 0
    for example in examples:
        if len(example.ids) > left:
            packs.append([])
            left = n_tokens
        packs[-1].append(example)
        left -= len(example.ids)
    return [_fill(kept, n_tokens, make_text) for kept in packs]


def _fill(examples: list[Example], n_tokens: int, make_example: Callable[[int], Example]) -> Pack:
    """The pack of the examples and of as many further ones as there is room for."""
    left = n_tokens - sum(len(example.ids) for example in examples)
    while left:
        examples.append(make_example(left))
        left -= len(examples[-1].ids)
    return pack_examples(examples, n_tokens)


def pack_examples(examples: list[Example], n_tokens: int) -> Pack:
    """Examples -> a pack of `n_tokens`, which they must fill exactly."""
    room = n_tokens // TOKENS_PER_DOCUMENT
    lengths = [len(example.ids) for example in examples]
    starts = np.cumsum([0, *lengths])
    assert starts[-1] == n_tokens and len(examples) <= room, "the examples fill the pack"
    ends = np.full(room + 1, n_tokens, np.int32)
    ends[: len(starts)] = starts
    answers = [
        (start + answer.place, [start + place for place in answer.options], answer.right, example.asked)
        for start, example in zip(starts, examples, strict=False)
        for answer in example.answers
    ]
    assert len(answers) <= room, "there is room for the answers"
    empty = (0, [0] * 5, NO_ANSWER, False)
    places, options, right, asked = zip(*answers, *[empty] * (room - len(answers)), strict=True)
    return Pack(
        ids=torch.from_numpy(np.concatenate([example.ids for example in examples]).astype(np.int64)),
        positions=torch.from_numpy(np.concatenate([np.arange(length) for length in lengths])),
        ends=torch.from_numpy(ends),
        places=torch.tensor(np.array(places)),
        options=torch.tensor(np.array(options)),
        right=torch.tensor(right),
        asked=torch.tensor(asked),
    )


def load_packs(packs: Packs, numbers: Sequence[int], workers: int) -> Iterator[Pack]:
    """The packs of these numbers, in order, whatever the workers."""
    return iter(
        DataLoader(
            packs,
            batch_size=None,
            sampler=numbers,
            num_workers=workers,
            pin_memory=torch.cuda.is_available(),
            prefetch_factor=4 if workers else None,
        )
    )
