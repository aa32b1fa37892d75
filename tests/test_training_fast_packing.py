from bisect import bisect_right

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from science_exam.training.fast.packing import (
    NO_TARGET,
    PIECE_STEP,
    STEPS_PER_SIZE,
    TARGET_STEP,
    TOKEN_STEP,
    Shape,
    find_longest,
    pack_groups,
    round_tokens,
)
from science_exam.training.fast.rows import Group, Row, divide_step


@st.composite
def make_groups(draw, longest: int = 40) -> list[Group]:
    """Rows alone and rows with a shared prefix, in any order; every token tells where it stands."""
    groups, token = [], 1
    for _ in range(draw(st.integers(1, 6))):
        n_rows = draw(st.integers(1, 4))
        n_shared = draw(st.integers(1, longest)) if n_rows > 1 else 0
        prefix, rows = list(range(token, token + n_shared)), []
        token += n_shared
        for _ in range(n_rows):
            n_own, n_targets = draw(st.integers(1, longest)), draw(st.integers(1, 4))
            own = list(range(token, token + n_own + n_targets))
            token += len(own)
            rows.append(Row(prefix + own, n_shared + n_own))
        groups.append(Group(tuple(rows), n_shared))
    return groups


def test_a_pack_by_hand():
    sharing = Group((Row([5, 6, 7, 1], 3), Row([5, 6, 8, 2, 3], 3)), 2)
    alone = Group((Row([9, 10, 11], 1),), 0)
    pack, shape = pack_groups([sharing, alone], scale=0.2, seed=4)
    # Prefix, row and padding up to 128; then the two tails and padding up to 256. No last token.
    assert shape == Shape(n_prefix=128, n_tail=128, n_spans=16, n_groups=16, n_targets=64)
    assert pack.ids.tolist() == [5, 6, 9, 10, *[0] * 124, 7, 8, 2, *[0] * 125]
    assert pack.positions.tolist() == [0, 1, 0, 1, *range(124), 2, 2, 3, *range(125)]
    assert pack.spans.tolist() == [0, 2, 4, 128, 129, 131, *[256] * 11]
    assert pack.tails.tolist() == [0, *[128] * 16]  # the padding behind it is the last prefix's too
    assert pack.prefixes.tolist() == [0, *[2] * 16]
    assert pack.places.tolist() == [2, 3, 128, 129, 130, *[0] * 59]
    assert pack.targets.tolist() == [10, 11, 1, 2, 3, *[NO_TARGET] * 59]
    assert (pack.scale.item(), pack.seed.item()) == (pytest.approx(0.2), 4)
    assert {tensor.dtype for tensor in (pack.spans, pack.tails, pack.prefixes)} == {torch.int32}
    assert {tensor.dtype for tensor in (pack.ids, pack.positions, pack.places, pack.targets)} == {torch.int64}


def test_a_pack_of_rows_alone_has_no_tails():
    pack, shape = pack_groups([Group((Row([1, 2, 3], 2),), 0), Group((Row([4, 5], 1),), 0)], 1.0, 0)
    assert shape == Shape(n_prefix=128, n_tail=0, n_spans=16, n_groups=0, n_targets=64)
    assert (pack.tails.tolist(), pack.prefixes.tolist()) == ([0], [0])
    assert pack.spans[:5].tolist() == [0, 2, 3, 128, 128]
    assert pack.places[:2].tolist() == [1, 2]


def test_a_row_as_long_as_a_pack_needs_no_padding():
    pack, shape = pack_groups([Group((Row([7] * 129, 128),), 0)], 1.0, 0)
    assert (shape.n_prefix, pack.spans[:3].tolist()) == (128, [0, 128, 128])
    assert pack.ids.tolist() == [7] * 128


def test_classes_stand_for_their_tokens():
    groups = [Group((Row([1, 2, 30], 2), Row([1, 3, 10], 2)), 1)]
    pack, _ = pack_groups(groups, 1.0, 0, class_of={10: 0, 20: 1, 30: 2})
    assert pack.targets[:3].tolist() == [2, 0, NO_TARGET]


@pytest.mark.parametrize(
    ("n_tokens", "size"),
    [
        (0, 0),
        (1, 128),
        (128, 128),
        (129, 256),
        (2048, 2048),
        (2049, 2304),
        (4096, 4096),
        (4097, 4608),
        (100_000, 106_496),
    ],
)
def test_sizes_are_multiples_of_a_sixteenth(n_tokens, size):
    assert round_tokens(n_tokens) == size


@given(st.integers(1, 10**6))
def test_a_size_holds_its_tokens_and_wastes_at_most_an_eighth(n_tokens):
    size = round_tokens(n_tokens)
    assert n_tokens <= size < n_tokens + max(TOKEN_STEP, 2 * n_tokens / STEPS_PER_SIZE)
    assert round_tokens(size) == size
    assert size <= round_tokens(n_tokens + 1)


@settings(deadline=None)
@given(make_groups())
def test_every_target_is_predicted_from_all_that_stands_before_it_in_its_row(groups):
    pack, shape = pack_groups(groups, 1.0, 0)
    ids, spans, tails, prefixes = (
        tensor.tolist() for tensor in (pack.ids, pack.spans, pack.tails, pack.prefixes)
    )
    seen = {}
    for place, target in zip(pack.places.tolist(), pack.targets.tolist(), strict=True):
        if target == NO_TARGET:
            continue
        start = spans[bisect_right(spans, place) - 1]
        before = ids[start : place + 1]
        if place >= shape.n_prefix:
            group = bisect_right(tails, place - shape.n_prefix) - 1
            before = ids[prefixes[group] : prefixes[group + 1]] + before
        assert pack.positions[place] == len(before) - 1
        seen[target] = before
    rows = [row for group in groups for row in group.rows]
    expected = {row.ids[i]: row.ids[:i] for row in rows for i in range(row.n_prompt, len(row.ids))}
    assert seen == expected


@settings(deadline=None)
@given(make_groups())
def test_spans_cover_a_pack_and_its_sizes_are_rounded(groups):
    pack, shape = pack_groups(groups, 1.0, 0)
    n_tokens = shape.n_prefix + shape.n_tail
    assert len(pack.ids) == len(pack.positions) == n_tokens
    assert [len(pack.spans), len(pack.tails), len(pack.prefixes)] == [
        shape.n_spans + 1,
        shape.n_groups + 1,
        shape.n_groups + 1,
    ]
    assert (pack.spans[0], pack.spans[-1], pack.tails[0], pack.tails[-1]) == (0, n_tokens, 0, shape.n_tail)
    assert all((ends.diff() >= 0).all() for ends in (pack.spans, pack.tails, pack.prefixes))
    assert shape.n_prefix in pack.spans  # no span reaches over from the prefixes into the tails
    assert shape.n_spans % PIECE_STEP == shape.n_groups % PIECE_STEP == shape.n_targets % TARGET_STEP == 0
    n_asked = (pack.prefixes.diff() > 0)[pack.tails.diff() > 0]
    assert n_asked.all()  # whoever asks has a prefix to ask


@settings(deadline=None, max_examples=50)
@given(make_groups(), st.integers(1, 40), st.integers(1, 10_000))
def test_no_piece_of_a_pack_is_longer_than_the_longest(groups, n_copies, max_tokens):
    groups = groups * n_copies
    max_tokens = round_tokens(max(max_tokens, *(group.n_tokens for group in groups)))
    longest = find_longest(groups, max_tokens)
    for held in divide_step(groups, max_tokens)[0]:
        pack, _ = pack_groups(held, 1.0, 0)
        for ends, bound in (
            (pack.spans, longest.span),
            (pack.tails, longest.tails),
            (pack.prefixes, longest.prefix),
        ):
            assert ends.diff().max() <= bound if len(ends) > 1 else True


def test_the_longest_pieces_by_hand():
    groups = [
        Group((Row([1] * 301, 300),), 0),
        Group((Row([2] * 41, 40), Row([2] * 61, 60)), 30),
    ]
    longest = find_longest(groups, max_tokens=4096)
    # Packs of 4,096 tokens come in steps of 256; both tails of the second group have 10 + 30.
    assert (longest.span, longest.prefix) == (301, 30)
    assert longest.tails == 40 + 256


def test_a_group_that_is_too_large_for_a_pack_counts_with_its_whole_rows():
    rows = tuple(Row(list(range(100)) + [200 + n] * 20, n_prompt=118) for n in range(3))
    group = Group(rows, n_shared=100)  # 100 + 3 × 19 tokens
    assert find_longest([group], 1024).span == 128  # the padding's
    long = Group(tuple(Row(row.ids + [9] * 100, 118) for row in rows), n_shared=100)  # 100 + 3 × 119
    assert find_longest([long], 1024).span == 128
    assert find_longest([long], 300).span == 220
