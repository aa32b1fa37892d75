"""Attention over spans of a packed row, by PyTorch's kernels below autograd.

Below autograd, since parts of an attention that were joined need a kernel's backward pass alone, with
the joined output and normaliser.
"""

from dataclasses import dataclass
from itertools import pairwise
from typing import Protocol

import torch

from science_exam.environment import is_ampere


@dataclass(frozen=True)
class Spans:
    """Consecutive pieces of a row: piece i is [ends[i], ends[i + 1]); the last ones may be empty."""

    ends: torch.Tensor  # (pieces + 1,) int32
    longest: int  # no piece is longer


class Kernel(Protocol):
    """Attention of each query span to the key span of the same number."""

    def forward(
        self, query, key, value, queries: Spans, keys: Spans, causal: bool
    ) -> tuple[torch.Tensor, torch.Tensor]:
        """Output (tokens, heads, head size) and normalisers (heads, tokens)."""

    def backward(
        self, gradient, query, key, value, out, normalizer, queries: Spans, keys: Spans, causal: bool
    ) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
        """Gradients at query, key and value."""


def choose_kernel(query: torch.Tensor) -> Kernel:
    """FlashAttention on GPUs that have it (Ampere and later, 16 bits), the older kernel on others."""
    if not query.is_cuda:
        return CpuKernel()
    flash = query.dtype != torch.float32 and is_ampere()
    return FlashKernel() if flash else EfficientKernel()


class FlashKernel:
    """FlashAttention 2."""

    def forward(self, query, key, value, queries: Spans, keys: Spans, causal: bool):
        found = torch.ops.aten._flash_attention_forward(
            *(query, key, value, queries.ends, keys.ends, queries.longest, keys.longest),
            *(0.0, causal, False),
        )
        return found[0], found[1]

    def backward(self, gradient, query, key, value, out, normalizer, queries: Spans, keys: Spans, causal):
        no_random = torch.zeros(2, dtype=torch.uint64, device=query.device)  # of its dropout, which is 0
        return torch.ops.aten._flash_attention_backward(
            *(gradient, query, key, value, out, normalizer, queries.ends, keys.ends),
            *(queries.longest, keys.longest, 0.0, causal, no_random, no_random[0]),
        )


class EfficientKernel:
    """The memory-efficient attention of GPUs before Ampere (a T4), and of fp32.

    It has a normaliser for each span and place in it, and as many key-value heads as query heads.
    """

    def forward(self, query, key, value, queries: Spans, keys: Spans, causal: bool):
        out, of_spans, *_ = torch.ops.aten._efficient_attention_forward(
            *(query[None], _repeat(key, query)[None], _repeat(value, query)[None], None),
            *(queries.ends, keys.ends, queries.longest, keys.longest, 0.0, int(causal), True),
        )
        span, place = _locate(queries, len(query))
        return out[0], of_spans[span, :, place].T

    def backward(self, gradient, query, key, value, out, normalizer, queries: Spans, keys: Spans, causal):
        span, place = _locate(queries, len(query))
        # It refuses a bound that is beyond the tokens that there are.
        longest = [min(spans.longest, len(states)) for spans, states in ((queries, query), (keys, key))]
        width = -(-longest[0] // 32) * 32  # as the kernel lays it out
        of_spans = normalizer.new_zeros(len(queries.ends) - 1, query.shape[1], width)
        of_spans[span, :, place] = normalizer.T
        no_random = torch.zeros((), dtype=torch.int64, device=query.device)  # of its dropout, which is 0
        of_query, of_key, of_value, _ = torch.ops.aten._efficient_attention_backward(
            *(gradient[None], query[None], _repeat(key, query)[None], _repeat(value, query)[None], None),
            *(out[None], queries.ends, keys.ends, *longest, of_spans, 0.0),
            *(no_random, no_random, int(causal), False),
        )
        return of_query[0], _gather(of_key[0], key), _gather(of_value[0], value)


class CpuKernel:
    """PyTorch's attention on the CPU, span by span."""

    def forward(self, query, key, value, queries: Spans, keys: Spans, causal: bool):
        out = torch.zeros_like(query)
        normalizer = query.new_zeros(query.shape[1], query.shape[0], dtype=torch.float32)
        for asking, asked in _pair(queries, keys):
            states = (query[asking], _repeat(key[asked], query), _repeat(value[asked], query))
            mixed, of_span = torch.ops.aten._scaled_dot_product_flash_attention_for_cpu(
                *(_lead(part) for part in states), 0.0, causal
            )
            out[asking], normalizer[:, asking] = mixed[0].transpose(0, 1), of_span[0]
        return out, normalizer

    def backward(self, gradient, query, key, value, out, normalizer, queries: Spans, keys: Spans, causal):
        of_query, of_key, of_value = (torch.zeros_like(states) for states in (query, key, value))
        for asking, asked in _pair(queries, keys):
            states = (query[asking], _repeat(key[asked], query), _repeat(value[asked], query))
            found = torch.ops.aten._scaled_dot_product_flash_attention_for_cpu_backward(
                *(_lead(part) for part in (gradient[asking], *states, out[asking])),
                *(normalizer[None, :, asking].contiguous(), 0.0, causal),
            )
            parts = [part[0].transpose(0, 1) for part in found]  # (tokens, heads, size) each
            of_query[asking] = parts[0]
            of_key[asked], of_value[asked] = (_gather(part, key) for part in parts[1:])
        return of_query, of_key, of_value


def _repeat(states: torch.Tensor, query: torch.Tensor) -> torch.Tensor:
    """(tokens, key-value heads, size) -> (tokens, heads, size)."""
    return states.repeat_interleave(query.shape[1] // states.shape[1], dim=1)


def _locate(spans: Spans, n_tokens: int) -> tuple[torch.Tensor, torch.Tensor]:
    """(tokens,) each: the number of a token's span, and its place there."""
    places = torch.arange(n_tokens, dtype=torch.int32, device=spans.ends.device)
    span = torch.searchsorted(spans.ends, places, right=True) - 1
    return span, places - spans.ends[span]


def _pair(queries: Spans, keys: Spans):
    """Slices of the query spans and of their key spans, empty ones left out."""
    slices = ([slice(*ends) for ends in pairwise(spans.ends.tolist())] for spans in (queries, keys))
    pairs = zip(*slices, strict=True)
    return [(asking, asked) for asking, asked in pairs if asking.stop > asking.start]


def _lead(states: torch.Tensor) -> torch.Tensor:
    """(tokens, heads, size) -> (1, heads, tokens, size)."""
    return states.transpose(0, 1)[None]


def _gather(gradient: torch.Tensor, states: torch.Tensor) -> torch.Tensor:
    """The transpose of `_repeat`: gradients of the query heads that one key-value head serves, added."""
    return gradient.unflatten(1, (states.shape[1], -1)).sum(2)
