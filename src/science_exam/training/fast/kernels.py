"""Attention over spans of a packed row: FlashAttention's kernel, or plain PyTorch where it does not run."""

from dataclasses import dataclass
from itertools import pairwise
from typing import Protocol

import torch


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
    """FlashAttention on GPUs that have it (Ampere and later, 16 bits), else PyTorch's plain operations."""
    flash = query.is_cuda and query.dtype != torch.float32 and torch.cuda.get_device_capability() >= (8, 0)
    return FlashKernel() if flash else PlainKernel()


class FlashKernel:
    """PyTorch's own FlashAttention, called below autograd: joined parts need its backward pass alone."""

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


class PlainKernel:
    """The definition, span by span, in fp32: for the CPU, and to check the other by."""

    def forward(self, query, key, value, queries: Spans, keys: Spans, causal: bool):
        out = torch.zeros_like(query)
        normalizer = query.new_zeros(query.shape[1], query.shape[0], dtype=torch.float32)
        for asking, asked in _pair(queries, keys):
            scores = _score(query[asking], key[asked], causal)  # (heads, queries, keys)
            normalizer[:, asking] = scores.logsumexp(-1)
            weights = torch.exp(scores - normalizer[:, asking, None])
            out[asking] = (weights @ _spread(value[asked], query)).transpose(0, 1).to(out.dtype)
        return out, normalizer

    def backward(self, gradient, query, key, value, out, normalizer, queries: Spans, keys: Spans, causal):
        of_query, of_key, of_value = (torch.zeros_like(states) for states in (query, key, value))
        for asking, asked in _pair(queries, keys):
            weights = torch.exp(_score(query[asking], key[asked], causal) - normalizer[:, asking, None])
            incoming = gradient[asking].float().transpose(0, 1)
            of_weights = incoming @ _spread(value[asked], query).mT
            of_weights -= (incoming * out[asking].float().transpose(0, 1)).sum(-1, keepdim=True)
            of_scores = weights * of_weights / query.shape[-1] ** 0.5
            of_query[asking] = (of_scores @ _spread(key[asked], query)).transpose(0, 1).to(query.dtype)
            of_key[asked] = _gather(of_scores.mT @ query[asking].float().transpose(0, 1), key)
            of_value[asked] = _gather(weights.mT @ incoming, value)
        return of_query, of_key, of_value


def _pair(queries: Spans, keys: Spans):
    """Slices of the query spans and of their key spans, empty ones left out."""
    slices = ([slice(*ends) for ends in pairwise(spans.ends.tolist())] for spans in (queries, keys))
    pairs = zip(*slices, strict=True)
    return [(asking, asked) for asking, asked in pairs if asking.stop > asking.start]


def _score(query: torch.Tensor, key: torch.Tensor, causal: bool) -> torch.Tensor:
    """(heads, queries, keys) fp32, -inf where a query may not look."""
    scores = query.float().transpose(0, 1) @ _spread(key, query).mT / query.shape[-1] ** 0.5
    if causal:
        later = torch.ones(scores.shape[1:], dtype=torch.bool, device=scores.device).triu(1)
        scores = scores.masked_fill(later, float("-inf"))
    return scores


def _spread(states: torch.Tensor, query: torch.Tensor) -> torch.Tensor:
    """(keys, key-value heads, size) -> (heads, keys, size): a copy for every query head it serves."""
    return states.float().transpose(0, 1).repeat_interleave(query.shape[1] // states.shape[1], dim=0)


def _gather(gradient: torch.Tensor, states: torch.Tensor) -> torch.Tensor:
    """The transpose of `_spread`: gradients of the query heads that one key-value head serves, added."""
    grouped = gradient.unflatten(0, (states.shape[1], -1)).sum(1)
    return grouped.transpose(0, 1).to(states.dtype)
