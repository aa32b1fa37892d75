"""The kernels of attention that train_check.py can have the fast engine use, one of them a plain one."""

from collections.abc import Iterator
from contextlib import contextmanager
from unittest.mock import patch

import torch

from science_exam.errors import UserError
from science_exam.training.fast import attention
from science_exam.training.fast.kernels import EfficientKernel, FlashKernel, Kernel, Spans


class PlainKernel:
    """Attention as the formula says: every token's score with every other, in fp32, most of them masked."""

    def forward(self, query, key, value, queries: Spans, keys: Spans, causal: bool):
        scores = _score(query, key, queries, keys, causal)
        normalizer = scores.logsumexp(-1)  # (heads, tokens)
        weights = (scores - normalizer[..., None]).exp().nan_to_num()  # a token that reads nothing: 0 / 0
        return _lead_back(weights @ _lead(value, query)).to(query.dtype), normalizer

    def backward(self, gradient, query, key, value, out, normalizer, queries: Spans, keys: Spans, causal):
        scores = _score(query, key, queries, keys, causal)
        weights = (scores - normalizer[..., None]).exp().nan_to_num()  # (heads, tokens, tokens asked)
        incoming = _lead(gradient, query)
        inner = (incoming * _lead(out, query)).sum(-1, keepdim=True)
        of_scores = weights * (incoming @ _lead(value, query).mT - inner) * query.shape[-1] ** -0.5
        of_query = of_scores @ _lead(key, query)
        of_key, of_value = of_scores.mT @ _lead(query, query), weights.mT @ incoming
        gathered = (_lead_back(part).unflatten(1, (key.shape[1], -1)).sum(2) for part in (of_key, of_value))
        return tuple(part.to(query.dtype) for part in (_lead_back(of_query), *gathered))


KERNELS = {"flash": FlashKernel, "efficient": EfficientKernel, "plain": PlainKernel}


@contextmanager
def use_kernel(name: str | None) -> Iterator[None]:
    """Have the fast engine attend with that kernel of KERNELS for a while; None: with its own choice.

    Raises:
        UserError: a kernel that needs a GPU where there is none.
    """
    if name is None:
        yield
        return
    if name != "plain" and not torch.cuda.is_available():
        raise UserError(f"--kernel {name}: expected a GPU, found none; use --kernel plain or none")
    kernel: Kernel = KERNELS[name]()
    with patch.object(attention, "choose_kernel", lambda query: kernel):
        yield


def _score(query, key, queries: Spans, keys: Spans, causal: bool) -> torch.Tensor:
    """(heads, tokens, tokens asked) fp32; -inf where a token does not read the other."""
    scores = _lead(query, query) @ _lead(key, query).mT * query.shape[-1] ** -0.5
    span, place = _locate(queries, len(query))
    span_asked, place_asked = _locate(keys, len(key))
    may_read = span[:, None] == span_asked
    if causal:
        may_read &= place[:, None] >= place_asked
    return scores.masked_fill_(~may_read, -torch.inf)


def _locate(spans: Spans, n_tokens: int) -> tuple[torch.Tensor, torch.Tensor]:
    """(tokens,) each: the number of a token's span, and its place there; behind all spans a further one."""
    places = torch.arange(n_tokens, dtype=torch.int32, device=spans.ends.device)
    span = torch.searchsorted(spans.ends, places, right=True) - 1
    return span, places - spans.ends[span]


def _lead(states: torch.Tensor, query: torch.Tensor) -> torch.Tensor:
    """(tokens, heads or key-value heads, size) -> (heads, tokens, size) fp32."""
    return states.float().repeat_interleave(query.shape[1] // states.shape[1], dim=1).transpose(0, 1)


def _lead_back(states: torch.Tensor) -> torch.Tensor:
    """(heads, tokens, size) -> (tokens, heads, size)."""
    return states.transpose(0, 1).contiguous()
