"""Packs: whole examples one behind the other, the same ones in every process."""

import random

import pytest
import torch

from science_exam.pretraining.examples import Answer, Example
from science_exam.pretraining.packing import NO_ANSWER, Packs, load_packs, pack_examples, pack_in_order


def make_text(n_tokens):
    return Example([9] * n_tokens)


def make_random(rng, step, left):
    return Example([step, *(rng.randrange(100) for _ in range(min(left, rng.randint(70, 90)) - 1))])


def test_a_pack_worked_out_by_hand():
    first = Example(list(range(60)), [Answer(place=50, options=(10, 20, 30, 40, 45), right=2)], asked=True)
    pack = pack_examples([Example([7] * 68), first], n_tokens=128)
    assert pack.ids.tolist() == [7] * 68 + list(range(60))
    assert pack.positions.tolist() == [*range(68), *range(60)]
    assert pack.ends.tolist() == [0, 68, 128]  # 128 // 64: two documents at most
    assert pack.places.tolist() == [118, 0]
    assert pack.options.tolist() == [[78, 88, 98, 108, 113], [0] * 5]
    assert pack.right.tolist() == [2, NO_ANSWER]
    assert pack.asked.tolist() == [True, False]


def test_shapes_do_not_depend_on_the_examples():
    one = pack_examples([Example([1] * 256)], 256)
    many = pack_examples([Example([1] * 64)] * 4, 256)
    assert [tensor.shape for tensor in one] == [tensor.shape for tensor in many]
    assert one.ends.tolist() == [0, 256, 256, 256, 256]


def test_examples_that_do_not_fill_the_pack_are_refused():
    with pytest.raises(AssertionError, match="fill"):
        pack_examples([Example([1] * 100)], 128)


def test_packs_in_order_lose_nothing_and_are_filled_with_text():
    examples = [Example([n] * 70) for n in range(1, 6)]
    packs = pack_in_order(examples, 192, make_text)  # two of 70 and a text of 52 in each
    ids = torch.cat([pack.ids for pack in packs]).tolist()
    assert len(packs) == 3 and len(ids) == 3 * 192
    assert [n for n in ids if n != 9] == [n for n in range(1, 6) for _ in range(70)]
    assert pack_in_order([], 192, make_text) == []


@pytest.mark.parametrize("workers", [0, 2])
def test_packs_start_at_any_number_whatever_the_workers(workers):
    packs = Packs(make_random, n_tokens=256, seed=1, packs_per_step=1)
    whole = list(load_packs(packs, range(6), workers=0))
    part = list(load_packs(packs, range(3, 6), workers=workers))
    for expected, found in zip(whole[3:], part, strict=True):
        assert all(map(torch.equal, expected, found))


def test_the_packs_of_a_step_belong_to_it_and_differ():
    packs = Packs(make_random, n_tokens=256, seed=1, packs_per_step=2)
    first, second, next_step = packs[4], packs[5], packs[6]
    assert first.ids[0] == second.ids[0] == 2 and next_step.ids[0] == 3  # the step: number // packs a step
    assert not torch.equal(first.ids, second.ids)


def test_every_pack_is_exactly_full():
    packs = Packs(make_random, n_tokens=320, seed=random.Random(3).random(), packs_per_step=1)
    assert all(len(packs[number].ids) == 320 == packs[number].ends[-1] for number in range(20))
