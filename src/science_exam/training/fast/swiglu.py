"""The gradient of SwiGLU as one kernel: compiled from PyTorch it reads and writes twice as much."""

import torch
import triton
import triton.language as tl

VALUES_AT_ONCE = 1024


def differentiate(gradient: torch.Tensor, gate_up: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    """`pointwise.differentiate_gate` on a GPU."""
    both, gated = torch.empty_like(gate_up), torch.empty_like(gradient)
    n_tokens, width = gradient.shape
    grid = (n_tokens, triton.cdiv(width, VALUES_AT_ONCE))
    _differentiate[grid](gradient, gate_up, both, gated, width, values_at_once=VALUES_AT_ONCE)
    return both, gated


@triton.jit
def _differentiate(gradient, gate_up, both, gated, width, values_at_once: tl.constexpr):
    token = tl.program_id(0).to(tl.int64)
    column = tl.program_id(1) * values_at_once + tl.arange(0, values_at_once)
    inside = column < width
    incoming = tl.load(gradient + token * width + column, mask=inside).to(tl.float32)
    gates = tl.load(gate_up + 2 * token * width + column, mask=inside).to(tl.float32)
    values = tl.load(gate_up + (2 * token + 1) * width + column, mask=inside).to(tl.float32)
    sigmoid = 1 / (1 + tl.exp(-gates))
    active = gates * sigmoid
    of_gates = incoming * values * (sigmoid + active * (1 - sigmoid))
    kind = both.dtype.element_ty
    tl.store(both + 2 * token * width + column, of_gates.to(kind), mask=inside)
    tl.store(both + (2 * token + 1) * width + column, (incoming * active).to(kind), mask=inside)
    tl.store(gated + token * width + column, (active * values).to(kind), mask=inside)
