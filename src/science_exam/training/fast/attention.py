"""Attention within the rows of a pack, with its gradient, and over prefixes that several rows share.

A pack is a series of spans: whole rows, or prefixes, and behind them all the tails that go on from a
prefix. Every span attends to itself causally; a tail attends to its prefix too. The two parts of a
tail's attention are computed apart and joined by their normalisers (log-sum-exp), and their gradients
need nothing but the joined output and normaliser: as in ring attention (Liu et al. 2023).
"""

from dataclasses import dataclass

import torch

from science_exam.training.fast.kernels import Spans, choose_kernel


@dataclass(frozen=True)
class Layout:
    """Who attends to whom in a pack; offsets are int32 tensors on the device."""

    spans: Spans  # rows, prefixes and tails, each causal within itself
    n_prefix: int  # tokens before the first tail; all of them where no prefix is shared
    tails: Spans  # one entry a prefix: all its tails, counted from `n_prefix`
    prefixes: Spans  # the prefixes, counted from 0, in the order of `tails`


def attend(
    query: torch.Tensor, key: torch.Tensor, value: torch.Tensor, layout: Layout
) -> tuple[torch.Tensor, torch.Tensor]:
    """Attention of all tokens of a pack.

    Args:
        query: (tokens, heads, head size).
        key: (tokens, key-value heads, head size); each serves as many query heads as it takes.
        value: as `key`.
        layout: of the pack.

    Returns:
        (tokens, heads, head size), and the normalisers, (heads, tokens) fp32.
    """
    kernel, start = choose_kernel(query), layout.n_prefix
    out, normalizer = kernel.forward(query, key, value, layout.spans, layout.spans, causal=True)
    if start < len(query):
        more, of_more = kernel.forward(
            query[start:], key[:start], value[:start], layout.tails, layout.prefixes, causal=False
        )
        own, of_own = out[start:], normalizer[:, start:]
        joined = torch.logaddexp(of_own, of_more)
        shares = [torch.exp(part - joined).T[:, :, None] for part in (of_own, of_more)]
        own.copy_(own * shares[0] + more * shares[1])
        of_own.copy_(joined)
    return out, normalizer


def differentiate_attention(
    gradient: torch.Tensor,
    query: torch.Tensor,
    key: torch.Tensor,
    value: torch.Tensor,
    out: torch.Tensor,
    normalizer: torch.Tensor,
    layout: Layout,
) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    """Gradients at query, key and value, given that at `attend`'s output; shapes as there."""
    kernel, start, spans = choose_kernel(query), layout.n_prefix, layout.spans
    gradients = kernel.backward(gradient, query, key, value, out, normalizer, spans, spans, causal=True)
    if start < len(query):
        further = kernel.backward(
            *(gradient[start:], query[start:], key[:start], value[:start], out[start:]),
            *(normalizer[:, start:].contiguous(), layout.tails, layout.prefixes),
            causal=False,
        )
        # Kernels leave out what no tail asks for, rows alone and padding: there they write nothing.
        is_asked = torch.arange(start, device=query.device) < layout.prefixes.ends[-1]
        gradients[0][start:] += further[0]
        gradients[1][:start] += further[1].where(is_asked[:, None, None], 0)
        gradients[2][:start] += further[2].where(is_asked[:, None, None], 0)
    return gradients
