"""Groups of rows -> a pack, one behind the other, in tensors of few sizes: a graph serves many packs."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import accumulate, pairwise
from typing import NamedTuple

import torch

from science_exam.training.fast.attention import Layout
from science_exam.training.fast.kernels import Spans
from science_exam.training.fast.rows import Group

# Tokens are rounded up to a multiple of this: the matrix products' own step on a GPU, so it costs nothing.
TOKEN_STEP = 128
STEPS_PER_SIZE = 16  # larger packs are rounded to a sixteenth of their size
PIECE_STEP = 16
TARGET_STEP = 64
NO_TARGET = -100


class Shape(NamedTuple):
    """Sizes of a pack; packs of one shape run as one graph."""

    n_prefix: int  # tokens of rows and prefixes
    n_tail: int
    n_spans: int
    n_groups: int
    n_targets: int


@dataclass(frozen=True)
class Longest:
    """Over all packs of a training, since kernels are launched for the longest piece."""

    span: int
    tails: int  # all tails of a prefix together
    prefix: int


class Pack(NamedTuple):
    """Rows for one pass through the model."""

    ids: torch.Tensor  # (tokens,) int64: rows alone and prefixes, then tails
    positions: torch.Tensor  # (tokens,) int64, of each token in its row
    spans: torch.Tensor  # (spans + 1,) int32 ends
    tails: torch.Tensor  # (groups + 1,) int32 ends, counted from the first tail
    prefixes: torch.Tensor  # (groups + 1,) int32 ends
    places: torch.Tensor  # (targets,) int64: where each target is predicted
    targets: torch.Tensor  # (targets,) int64 token ids; NO_TARGET where there is none
    scale: torch.Tensor  # () fp32: the loss is the sum over targets times this
    seed: torch.Tensor  # () int64, of the dropout
    inputs: torch.Tensor  # (tokens, width) of embedded ids; (0,) where the model embeds them

    def layout(self, shape: Shape, longest: Longest) -> Layout:
        """Who attends to whom."""
        return Layout(
            spans=Spans(self.spans, longest.span),
            n_prefix=shape.n_prefix,
            tails=Spans(self.tails, longest.tails),
            prefixes=Spans(self.prefixes, longest.prefix),
        )

    def move(self, device: torch.device) -> "Pack":
        """The pack on a device."""
        return Pack(*(tensor.to(device, non_blocking=True) for tensor in self))


def find_longest(groups: Sequence[Group], max_tokens: int) -> Longest:
    """Bounds that hold for packs of any of these groups, up to `max_tokens` each, padding included."""
    spans = [_find_longest_span(group, max_tokens) for group in groups]
    tails = [group.n_tokens - group.n_shared for group in groups if group.n_shared]
    return Longest(
        span=max(*spans, TOKEN_STEP),
        tails=max(tails, default=0) + find_token_step(max_tokens),
        prefix=max(group.n_shared for group in groups),
    )


def _find_longest_span(group: Group, max_tokens: int) -> int:
    """Tokens of its longest piece; a group that is too large for a pack may end as single rows."""
    n_shared = group.n_shared if group.n_tokens <= max_tokens else 0
    return max(group.n_shared, *(len(row.ids) - n_shared for row in group.rows))


def round_tokens(n_tokens: int) -> int:
    """The next size that packs come in."""
    return _round_up(n_tokens, find_token_step(n_tokens))


def pack_groups(
    groups: Sequence[Group], scale: float, seed: int, class_of: dict[int, int] | None = None
) -> tuple[Pack, Shape]:
    """One pack of the groups.

    Args:
        groups: at least one.
        scale: as in `Pack`.
        seed: as in `Pack`.
        class_of: what stands for a token among the targets; None: the token itself.
    """
    sharing = [group for group in groups if group.n_shared]
    alone = [row for group in groups if not group.n_shared for row in group.rows]
    prefixes = [group.rows[0].ids[: group.n_shared] for group in sharing]
    # A row's pieces: its inputs, and the position of the first of them.
    front = [(ids, 0) for ids in prefixes] + [(row.ids[:-1], 0) for row in alone]
    tails = [(row.ids[group.n_shared : -1], group.n_shared) for group in sharing for row in group.rows]
    front, n_prefix = _pad_pieces(front)
    n_front = len(front)
    tails, n_tail = _pad_pieces(tails)
    pieces = front + tails
    ends = [0, *accumulate(len(ids) for ids, _ in pieces)]
    places, targets = _find_targets(sharing, alone, ends, n_front)
    if class_of is not None:
        targets = [class_of[token] for token in targets]
    shape = Shape(
        n_prefix=n_prefix,
        n_tail=n_tail,
        n_spans=_round_up(len(pieces), PIECE_STEP),
        n_groups=_round_up(len(sharing), PIECE_STEP),
        n_targets=_round_up(len(targets), TARGET_STEP),
    )
    tail_ends = [0, *accumulate(group.n_tokens - group.n_shared for group in sharing)]
    tail_ends[-1] = n_tail  # padding asks the last prefix: it must ask something, and nobody asks it
    pack = Pack(
        ids=torch.tensor([token for ids, _ in pieces for token in ids]),
        positions=torch.tensor([first + i for ids, first in pieces for i in range(len(ids))]),
        spans=_fill(ends, shape.n_spans + 1, ends[-1], torch.int32),
        tails=_fill(tail_ends, shape.n_groups + 1, n_tail, torch.int32),
        prefixes=_fill(ends[: len(sharing) + 1], shape.n_groups + 1, ends[len(sharing)], torch.int32),
        places=_fill(places, shape.n_targets, 0, torch.int64),
        targets=_fill(targets, shape.n_targets, NO_TARGET, torch.int64),
        scale=torch.tensor(scale, dtype=torch.float32),
        seed=torch.tensor(seed),
        inputs=torch.empty(0),
    )
    return pack, shape


def _pad_pieces(pieces: list[tuple[list[int], int]]) -> tuple[list[tuple[list[int], int]], int]:
    """The pieces with padding behind them, itself in pieces, where the size needs it; and the size."""
    n_tokens = sum(len(ids) for ids, _ in pieces)
    size = round_tokens(n_tokens)
    ends = [*range(n_tokens, size, TOKEN_STEP), size]
    padding = [([0] * (end - start), 0) for start, end in pairwise(ends)]
    return pieces + padding, size


def _find_targets(sharing, alone, ends: list[int], n_front: int) -> tuple[list[int], list[int]]:
    """Where each completion token is predicted, and which it is."""
    starts = ends[len(sharing) :]  # of the rows alone, which stand behind the prefixes
    rows = [(row, start) for row, start in zip(alone, starts, strict=False)]
    tails = (row for group in sharing for row in group.rows)
    shared = (group.n_shared for group in sharing for _ in group.rows)
    for row, n_shared, start in zip(tails, shared, ends[n_front:], strict=False):
        rows.append((row, start - n_shared))
    places = [start + i - 1 for row, start in rows for i in range(row.n_prompt, len(row.ids))]
    return places, [token for row, _ in rows for token in row.ids[row.n_prompt :]]


def find_token_step(n_tokens: int) -> int:
    """The step between sizes of packs at so many tokens."""
    step = TOKEN_STEP
    while step * STEPS_PER_SIZE < n_tokens:
        step *= 2
    return step


def _round_up(number: int, step: int) -> int:
    return -(-number // step) * step


def _fill(values: list[int], size: int, filler: int, dtype: torch.dtype) -> torch.Tensor:
    return torch.tensor(values + [filler] * (size - len(values)), dtype=dtype)
