"""The element-wise parts of a Llama block with their gradients, each one kernel on a GPU.

All compute in fp32 and round once, at the end. On the CPU they run as they stand.
"""

from collections.abc import Callable
from functools import wraps

import torch
from torch.nn import functional


def fuse(function: Callable) -> Callable:
    """`function` compiled where its first tensor is on a GPU; the number of tokens may vary."""
    compiled = torch.compile(function)

    @wraps(function)
    def run(*arguments):
        if not arguments[0].is_cuda:
            return function(*arguments)
        for argument in arguments:
            if isinstance(argument, torch.Tensor) and argument.ndim > 1:
                torch._dynamo.maybe_mark_dynamic(argument, 0)
        return compiled(*arguments)

    return run


@fuse
def normalize(hidden: torch.Tensor, weight: torch.Tensor, epsilon: float) -> torch.Tensor:
    """RMSNorm of (tokens, width)."""
    wide = hidden.float()
    wide = wide * torch.rsqrt(wide.square().mean(-1, keepdim=True) + epsilon)
    return (weight * wide.to(hidden.dtype)).to(hidden.dtype)


@fuse
def add_normalize(
    hidden: torch.Tensor, update: torch.Tensor, weight: torch.Tensor, epsilon: float
) -> tuple[torch.Tensor, torch.Tensor]:
    """hidden + update, and its RMSNorm."""
    total = hidden + update
    wide = total.float()
    wide = wide * torch.rsqrt(wide.square().mean(-1, keepdim=True) + epsilon)
    return total, (weight * wide.to(hidden.dtype)).to(hidden.dtype)


@fuse
def differentiate_norm(
    gradient: torch.Tensor, hidden: torch.Tensor, weight: torch.Tensor, epsilon: float, beside: torch.Tensor
) -> torch.Tensor:
    """`beside` + the gradient at the input of the RMSNorm, given that at its output."""
    wide = hidden.float()
    scale = torch.rsqrt(wide.square().mean(-1, keepdim=True) + epsilon)
    normal, inner = wide * scale, gradient.float() * weight.float()
    inner = scale * (inner - normal * (inner * normal).mean(-1, keepdim=True))
    return (beside.float() + inner).to(hidden.dtype)


@fuse
def rotate(
    states: torch.Tensor, cosines: torch.Tensor, sines: torch.Tensor, n_heads: int, head_size: int
) -> torch.Tensor:
    """Rotary position embedding of the first heads; with the sines negated it is its own gradient.

    Args:
        states: (tokens, width): queries, then keys, then values, head by head.
        cosines: (tokens, head size / 2) fp32.
        sines: as `cosines`.
        n_heads: that many are rotated: the queries' and the keys'.
        head_size: of every head.
    """
    heads = states.view(len(states), -1, head_size)
    left, right = heads[:, :n_heads].float().chunk(2, dim=-1)
    cosines, sines = cosines[:, None], sines[:, None]
    turned = torch.cat([left * cosines - right * sines, right * cosines + left * sines], dim=-1)
    return torch.cat([turned.to(states.dtype), heads[:, n_heads:]], dim=1).view(states.shape)


@fuse
def gate(gate_up: torch.Tensor) -> torch.Tensor:
    """SwiGLU: (tokens, 2 × width) of gates and values -> (tokens, width)."""
    gates, values = gate_up.float().chunk(2, dim=-1)
    return (functional.silu(gates) * values).to(gate_up.dtype)


def differentiate_gate(gradient: torch.Tensor, gate_up: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    """Gradient at the input of `gate`, and its output once more."""
    if gradient.is_cuda:
        from science_exam.training.fast import swiglu  # its compiler is there on GPUs alone

        return swiglu.differentiate(gradient, gate_up)
    gates, values = gate_up.float().chunk(2, dim=-1)
    gradient, sigmoid = gradient.float(), torch.sigmoid(gates)
    active = gates * sigmoid
    of_gates = gradient * values * (sigmoid + active * (1 - sigmoid))
    both = torch.cat([of_gates, gradient * active], dim=-1)
    return both.to(gate_up.dtype), (active * values).to(gate_up.dtype)


@fuse
def drop(states: torch.Tensor, seed: torch.Tensor, rate: float) -> torch.Tensor:
    """Dropout whose mask is a hash of place and seed, so that the backward pass makes it again.

    Args:
        states: (tokens, width).
        seed: () int64.
        rate: share of the values that become 0; the others grow by 1 / (1 - rate).
    """
    place = torch.arange(states.numel(), device=states.device).view(states.shape)
    mixed = (place + seed * 0x9E3779B97F4A7C1) * 0x2545F4914F6CDD1D
    mixed = (mixed ^ ((mixed >> 29) & 0x7FFFFFFFF)) * 0x369DEA0F31A53F85
    kept = ((mixed >> 33) & 0xFFFFFF) >= int(rate * 2**24)
    return (states.float() * kept / (1 - rate)).to(states.dtype)
