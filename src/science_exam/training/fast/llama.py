"""A Llama over packed rows: its blocks, with whatever adapters, forward."""

from collections.abc import Sequence

import torch
from torch import nn

from science_exam.training.fast.adapters import LowRank
from science_exam.training.fast.block import Block, Heads, Setting
from science_exam.training.fast.embedding import Embedding
from science_exam.training.fast.packing import Longest, Pack, Shape
from science_exam.training.fast.pointwise import add_normalize
from science_exam.training.fast.projection import Projection, ReadingProjection


class Llama:
    """The frozen parts of a Llama, Mistral or Qwen2, below autograd and without padding."""

    make_projection: type[Projection] = ReadingProjection

    def __init__(
        self,
        model: nn.Module,
        adapters: Sequence[LowRank | None],
        dtype: torch.dtype,
        classes: Sequence[int] | None = None,
    ) -> None:
        """
        Args:
            model: transformers', or PEFT's around it.
            adapters: one for each of `list_groups`, block by block.
            dtype: the compute type.
            classes: token ids to choose between at every target; None: the whole vocabulary. Targets are
                then places in this list.
        """
        bare = find_bare(model)
        is_tied = bare.lm_head.weight is bare.model.embed_tokens.weight
        self.embedding = Embedding(bare.model.embed_tokens, dtype, is_tied)
        self._rotary = bare.model.rotary_emb
        self.norm = (bare.model.norm.weight.detach(), bare.model.norm.variance_epsilon)
        head = bare.lm_head.weight.detach()
        self.head = (head if classes is None else head[list(classes)]).to(dtype)
        self.dtype = dtype
        layers = bare.model.layers
        numbered = enumerate(zip(list_all_groups(model), adapters, strict=True))
        made = [self.make_projection(group, adapter, dtype, number) for number, (group, adapter) in numbered]
        per_block = len(made) // len(layers)
        self.blocks = [
            Block(layer, made[start : start + per_block], _find_heads(layer))
            for start, layer in zip(range(0, len(made), per_block), layers, strict=True)
        ]

    @torch.no_grad()
    def read(self, pack: Pack, shape: Shape, longest: Longest) -> torch.Tensor:
        """(targets, classes) fp32: logits at the places of a pack."""
        setting = self.prepare(pack, shape, longest)
        stream, update = self.embedding.embed(pack), None
        for block in self.blocks:
            places = pack.places if block is self.blocks[-1] else None
            stream, update, _ = block.forward(stream, update, setting, places)
        _, normal = add_normalize(stream, update, *self.norm)
        return (normal @ self.head.T).float()

    def adapt(self, adapters: Sequence[LowRank | None]) -> None:
        """Read with these adapters from now on; in the order of the constructor's."""
        projections = (projection for block in self.blocks for projection in block.projections)
        for projection, adapter in zip(projections, adapters, strict=True):
            projection.adapter = adapter

    def prepare(self, pack: Pack, shape: Shape, longest: Longest) -> Setting:
        """What all blocks need to know of a pack."""
        wide = torch.empty(0, device=pack.ids.device)  # its type is that of the result: fp32
        cosines, sines = (table[0].chunk(2, dim=-1)[0] for table in self._rotary(wide, pack.positions[None]))
        layout = pack.layout(shape, longest)
        return Setting(layout, cosines.contiguous(), sines.contiguous(), pack.seed)


def find_bare(model: nn.Module) -> nn.Module:
    """transformers' model, also if PEFT's stands around it."""
    return model.get_base_model() if hasattr(model, "get_base_model") else model


def list_all_groups(model: nn.Module) -> list[list[nn.Module]]:
    """`list_groups` of all decoder layers, one after the other."""
    return [group for layer in find_bare(model).model.layers for group in list_groups(layer)]


def list_groups(layer: nn.Module) -> list[list[nn.Module]]:
    """Linear layers of a decoder layer that read the same input, in the order of the forward pass."""
    attention, feed_forward = layer.self_attn, layer.mlp
    return [
        [attention.q_proj, attention.k_proj, attention.v_proj],
        [attention.o_proj],
        [feed_forward.gate_proj, feed_forward.up_proj],
        [feed_forward.down_proj],
    ]


def _find_heads(layer: nn.Module) -> Heads:
    attention = layer.self_attn
    size = attention.head_dim
    return Heads(attention.q_proj.out_features // size, attention.k_proj.out_features // size, size)
