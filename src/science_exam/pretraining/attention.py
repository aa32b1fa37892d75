"""Attention within documents that are packed one behind the other into one row."""

from itertools import pairwise

import torch
from torch.nn import functional
from transformers import AttentionInterface

NAME = "packed_documents"  # LlamaConfig(attn_implementation=NAME)


def attend_documents(
    module: torch.nn.Module,
    query: torch.Tensor,
    key: torch.Tensor,
    value: torch.Tensor,
    attention_mask: None,
    scaling: float,
    ends: torch.Tensor,
    max_tokens: int,
    **_,
) -> tuple[torch.Tensor, None]:
    """Causal attention in which no token sees another document.

    On a GPU one kernel takes all documents (FlashAttention with variable lengths); elsewhere one
    product a document.

    Args:
        module: the attention layer; its key-value heads are shared by groups of query heads.
        query: (1, heads, tokens, head size).
        key: (1, key-value heads, tokens, head size).
        value: as `key`.
        attention_mask: not used: `ends` says it all.
        scaling: of the scores.
        ends: (documents + 1,) int32; document i has the tokens from ends[i] to ends[i + 1]. The last
            ones may be empty.
        max_tokens: no document is longer.

    Returns:
        (1, tokens, heads, head size), and None in place of the weights.
    """
    groups = module.num_key_value_groups
    key, value = (heads.repeat_interleave(groups, dim=1) for heads in (key, value))
    query, key = query.to(value.dtype), key.to(value.dtype)  # rotating them made them fp32 under autocast
    if query.is_cuda and value.dtype != torch.float32:
        from torch.nn.attention.varlen import varlen_attn

        rows = (heads[0].transpose(0, 1).contiguous() for heads in (query, key, value))
        found = varlen_attn(*rows, ends, ends, max_tokens, max_tokens, scale=scaling, window_size=(-1, 0))
        return found[None], None
    parts = [
        functional.scaled_dot_product_attention(
            *(heads[:, :, start:end] for heads in (query, key, value)), is_causal=True, scale=scaling
        )
        for start, end in pairwise(ends.tolist())
        if end > start
    ]
    return torch.cat(parts, dim=2).transpose(1, 2), None


AttentionInterface.register(NAME, attend_documents)
