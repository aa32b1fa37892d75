"""Expanding 4-bit weights with double quantisation in one kernel, scales, adapters and all.

bitsandbytes takes four: it first writes the scales in fp32. The format is its own: 16 values (NF4 of
Dettmers et al. 2023, or FP4), blocks of 64 weights with an 8-bit scale each, 256 scales with an fp32
scale each, and one offset.
"""

import torch
import triton
import triton.language as tl

BLOCK_WEIGHTS = 64  # that share a scale
SCALES_PER_BLOCK = 256  # that share a scale of scales
ROWS_AT_ONCE, RANKS_AT_ONCE = 64, 16


def fits_kernel(state) -> bool:
    """True where a weight's quantisation state is of the format above, and no block crosses rows."""
    return bool(
        state.nested
        and state.blocksize == BLOCK_WEIGHTS
        and state.state2.blocksize == SCALES_PER_BLOCK
        and state.shape[-1] % BLOCK_WEIGHTS == 0
    )


def expand_weight(packed: torch.Tensor, state, out: torch.Tensor) -> None:
    """Write a weight in 16 or 32 bits.

    Args:
        packed: uint8, two weights a byte, the first in the upper half.
        state: bitsandbytes' quantisation state, for which `fits_kernel`.
        out: contiguous, as many weights.
    """
    _launch(packed, state, out.view(-1, BLOCK_WEIGHTS), None, None)  # its own rows do not matter


def expand_adapted(
    packed: torch.Tensor, state, out: torch.Tensor, up: torch.Tensor, down: torch.Tensor
) -> None:
    """Write a weight with an adapter's product in it: W + B A, added in fp32 and rounded once.

    Args:
        packed: as of `expand_weight`.
        state: as of `expand_weight`.
        out: (rows, columns), contiguous.
        up: (rows, ranks), its last dimension contiguous.
        down: (ranks, columns), contiguous.
    """
    _launch(packed, state, out, up, down)


def _launch(packed, state, out: torch.Tensor, up: torch.Tensor | None, down: torch.Tensor | None) -> None:
    n_rows, n_columns = out.shape
    blocks_per_row = n_columns // BLOCK_WEIGHTS
    _expand[(triton.cdiv(n_rows, ROWS_AT_ONCE) * blocks_per_row,)](
        packed,
        state.code,
        state.absmax,
        state.state2.code,
        state.state2.absmax,
        state.offset,
        out,
        up,
        down,
        n_rows,
        blocks_per_row,
        0 if up is None else up.stride(0),
        n_ranks=0 if up is None else up.shape[1],
        rows_at_once=ROWS_AT_ONCE,
        ranks_at_once=RANKS_AT_ONCE,
        block_weights=BLOCK_WEIGHTS,
        scales_per_block=SCALES_PER_BLOCK,
    )


@triton.jit
def _expand(
    packed,
    values,
    scales,
    scale_values,
    scales_of_scales,
    offset,
    out,
    up,
    down,
    n_rows,
    blocks_per_row,
    up_stride,
    n_ranks: tl.constexpr,
    rows_at_once: tl.constexpr,
    ranks_at_once: tl.constexpr,
    block_weights: tl.constexpr,
    scales_per_block: tl.constexpr,
):
    # A program writes one block of some rows; those beside it in a row are written at the same time.
    row = (tl.program_id(0) // blocks_per_row * rows_at_once + tl.arange(0, rows_at_once)).to(tl.int64)
    column = tl.program_id(0) % blocks_per_row * block_weights + tl.arange(0, block_weights)
    inside = row < n_rows
    block = row * blocks_per_row + tl.program_id(0) % blocks_per_row
    scale = tl.load(scale_values + tl.load(scales + block, mask=inside, other=0).to(tl.int32))
    scale *= tl.load(scales_of_scales + block // scales_per_block, mask=inside, other=0.0)
    scale = (scale + tl.load(offset))[:, None]
    place = block[:, None] * (block_weights // 2) + tl.arange(0, block_weights // 2)[None, :]
    pair = tl.load(packed + place, mask=inside[:, None], other=0).to(tl.int32)
    first = tl.load(values + (pair >> 4)) * scale
    second = tl.load(values + (pair & 15)) * scale
    weights = tl.reshape(tl.join(first, second), (rows_at_once, block_weights))
    if n_ranks:
        for start in range(0, n_ranks, ranks_at_once):
            rank = start + tl.arange(0, ranks_at_once)
            is_rank = rank < n_ranks
            left = up + row[:, None] * up_stride + rank[None, :]
            left = tl.load(left, mask=inside[:, None] & is_rank[None, :], other=0.0)
            right = down + rank[:, None] * (blocks_per_row * block_weights) + column[None, :]
            right = tl.load(right, mask=is_rank[:, None], other=0.0)
            weights = tl.dot(left, right, weights, input_precision="ieee")
    place = row[:, None] * (blocks_per_row * block_weights) + column[None, :]
    tl.store(out + place, weights.to(out.dtype.element_ty), mask=inside[:, None])
