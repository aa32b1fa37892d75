"""Expanding 4-bit weights with double quantisation in one kernel, scales and all.

bitsandbytes takes four: it first writes the scales in fp32. The format is its own: 16 values (NF4 of
Dettmers et al. 2023, or FP4), blocks of 64 weights with an 8-bit scale each, 256 scales with an fp32
scale each, and one offset.
"""

import torch
import triton
import triton.language as tl

BLOCK_WEIGHTS = 64  # that share a scale
SCALES_PER_BLOCK = 256  # that share a scale of scales
BLOCKS_AT_ONCE = 64


def fits_kernel(state) -> bool:
    """True where a weight's quantisation state is of the format above."""
    return bool(
        state.nested and state.blocksize == BLOCK_WEIGHTS and state.state2.blocksize == SCALES_PER_BLOCK
    )


def expand_weight(packed: torch.Tensor, state, out: torch.Tensor) -> None:
    """Write a weight in 16 or 32 bits.

    Args:
        packed: uint8, two weights a byte, the first in the upper half.
        state: bitsandbytes' quantisation state, for which `fits_kernel`.
        out: contiguous, as many weights.
    """
    n_blocks = out.numel() // BLOCK_WEIGHTS
    _expand[(triton.cdiv(n_blocks, BLOCKS_AT_ONCE),)](
        packed,
        state.code,
        state.absmax,
        state.state2.code,
        state.state2.absmax,
        state.offset,
        out,
        n_blocks,
        blocks_at_once=BLOCKS_AT_ONCE,
        block_bytes=BLOCK_WEIGHTS // 2,
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
    n_blocks,
    blocks_at_once: tl.constexpr,
    block_bytes: tl.constexpr,
    scales_per_block: tl.constexpr,
):
    block = tl.program_id(0) * blocks_at_once + tl.arange(0, blocks_at_once)
    inside = block < n_blocks
    scale = tl.load(scale_values + tl.load(scales + block, mask=inside, other=0).to(tl.int32))
    scale *= tl.load(scales_of_scales + block // scales_per_block, mask=inside, other=0.0)
    scale = (scale + tl.load(offset))[:, None]
    place = block.to(tl.int64)[:, None] * block_bytes + tl.arange(0, block_bytes)[None, :]
    pair = tl.load(packed + place, mask=inside[:, None], other=0).to(tl.int32)
    first = tl.load(values + (pair >> 4)) * scale
    second = tl.load(values + (pair & 15)) * scale
    weights = tl.reshape(tl.join(first, second), (blocks_at_once, 2 * block_bytes))
    place = block.to(tl.int64)[:, None] * (2 * block_bytes) + tl.arange(0, 2 * block_bytes)[None, :]
    tl.store(out + place, weights.to(out.dtype.element_ty), mask=inside[:, None])
