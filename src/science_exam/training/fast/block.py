"""One block of a Llama with adapters: forward, and backward written out.

Nothing here is recorded by autograd. A block keeps either everything that its gradient needs, or its
input alone, from which the rest is computed once more (gradient checkpointing).
"""

from dataclasses import dataclass
from typing import NamedTuple

import torch

from science_exam.training.fast.attention import Layout, attend, differentiate_attention
from science_exam.training.fast.pointwise import (
    add_normalize,
    differentiate_gate,
    differentiate_norm,
    gate,
    normalize,
    rotate,
)
from science_exam.training.fast.projection import Projection


@dataclass(frozen=True)
class Heads:
    """How attention divides its states."""

    n_query: int
    n_key: int
    size: int

    def split(self, states: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
        """(tokens, width) -> queries, keys and values, each (tokens, heads, size); views."""
        heads = states.view(len(states), -1, self.size)
        return heads.split([self.n_query, self.n_key, self.n_key], dim=1)


class Setting(NamedTuple):
    """What is the same for all blocks in one pass over a pack."""

    layout: Layout
    cosines: torch.Tensor  # (tokens, head size / 2) fp32
    sines: torch.Tensor
    seed: torch.Tensor  # () int64, of the dropout


class Activations(NamedTuple):
    """What a block's gradient needs: about 3 MB a token over Llama-3.1-8B's 32 blocks, in 16 bits."""

    hidden: torch.Tensor  # (tokens, width): the block's input
    states: torch.Tensor  # (tokens, (heads + 2 × key-value heads) × size), rotated
    mixed: torch.Tensor  # (tokens, heads, size): attention's output
    normalizer: torch.Tensor  # (heads, tokens) fp32
    middle: torch.Tensor  # (places, width): the stream between attention and feed-forward
    gate_up: torch.Tensor  # (places, 2 × feed-forward width)
    lows: tuple[torch.Tensor | None, ...]  # x Aᵀ of the products up to there: (tokens or places, ranks)


class Block:
    """Attention and feed-forward with residuals.

    The last block of a network can be asked for a few places alone: attention still reads all tokens, but
    what follows it is computed at those places.
    """

    def __init__(self, layer, projections: list[Projection], heads: Heads) -> None:
        """
        Args:
            layer: transformers' decoder layer of a Llama, Mistral or Qwen2.
            projections: queries, keys and values together; attention's output; gate and up together; down.
            heads: of its attention.
        """
        self.attention_in, self.attention_out, self.gate_up, self.down = projections
        self._heads = heads
        first, second = layer.input_layernorm, layer.post_attention_layernorm
        self._first_norm = (first.weight.detach(), first.variance_epsilon)
        self._second_norm = (second.weight.detach(), second.variance_epsilon)

    @property
    def projections(self) -> list[Projection]:
        """In the order of the forward pass."""
        return [self.attention_in, self.attention_out, self.gate_up, self.down]

    def forward(
        self,
        hidden: torch.Tensor,
        update: torch.Tensor | None,
        setting: Setting,
        places: torch.Tensor | None = None,
    ) -> tuple[torch.Tensor, torch.Tensor, Activations]:
        """The block's output in two parts, so that the next one adds them as it normalises.

        Args:
            hidden: (tokens, width).
            update: (tokens, width), to be added to it; None before the first block.
            setting: of the pass.
            places: (places,) to compute what follows attention at; None: all tokens.

        Returns:
            Stream and update, (places, width) each, and the activations.
        """
        if update is None:
            normal = normalize(hidden, *self._first_norm)
        else:
            hidden, normal = add_normalize(hidden, update, *self._first_norm)
        kept = self._run(hidden, normal, setting, places)
        update, _ = self.down.forward(gate(kept.gate_up), setting.seed)
        return kept.middle, update, kept

    def recompute(
        self, hidden: torch.Tensor, setting: Setting, places: torch.Tensor | None = None
    ) -> Activations:
        """The activations once more, from the block's input."""
        return self._run(hidden, normalize(hidden, *self._first_norm), setting, places)

    def backward(
        self,
        gradient: torch.Tensor,
        kept: Activations,
        setting: Setting,
        places: torch.Tensor | None = None,
    ) -> torch.Tensor:
        """Gradient at the block's input, given that at its output; the adapters' are accumulated."""
        gradient = self._differentiate_feed_forward(gradient, kept, setting.seed)
        of_mixed = self._differentiate_attention_out(gradient, kept, setting.seed, places)
        if places is not None:
            gradient = _scatter(gradient, places, len(kept.hidden))
        return self._differentiate_attention_in(gradient, of_mixed, kept, setting)

    def _run(self, hidden, normal, setting: Setting, places) -> Activations:
        heads, layout, seed = self._heads, setting.layout, setting.seed
        states, of_in = self.attention_in.forward(normal, seed)
        n_rotated = heads.n_query + heads.n_key
        states = rotate(states, setting.cosines, setting.sines, n_rotated, heads.size)
        mixed, normalizer = attend(*heads.split(states), layout)
        flat, stream = mixed.flatten(1), hidden
        if places is not None:
            flat, stream = flat[places], stream[places]
        update, of_out = self.attention_out.forward(flat, seed)
        middle, normal = add_normalize(stream, update, *self._second_norm)
        gate_up, of_gate = self.gate_up.forward(normal, seed)
        return Activations(hidden, states, mixed, normalizer, middle, gate_up, (of_in, of_out, of_gate))

    def _differentiate_feed_forward(self, gradient, kept: Activations, seed) -> torch.Tensor:
        of_gated, of_low = self.down.backward(gradient, seed)
        of_gate_up, gated = differentiate_gate(of_gated, kept.gate_up)
        self.down.accumulate(gated, self.down.lower(gated, seed), gradient, of_low, seed)
        of_normal, of_low = self.gate_up.backward(of_gate_up, seed)
        normal = normalize(kept.middle, *self._second_norm)
        self.gate_up.accumulate(normal, kept.lows[2], of_gate_up, of_low, seed)
        return differentiate_norm(of_normal, kept.middle, *self._second_norm, gradient)

    def _differentiate_attention_out(self, gradient, kept: Activations, seed, places) -> torch.Tensor:
        flat = kept.mixed.flatten(1)
        of_flat, of_low = self.attention_out.backward(gradient, seed)
        inputs = flat if places is None else flat[places]
        self.attention_out.accumulate(inputs, kept.lows[1], gradient, of_low, seed)
        of_flat = of_flat if places is None else _scatter(of_flat, places, len(flat))
        return of_flat.view(kept.mixed.shape)

    def _differentiate_attention_in(self, gradient, of_mixed, kept: Activations, setting: Setting):
        heads = self._heads
        split = heads.split(kept.states)
        parts = differentiate_attention(of_mixed, *split, kept.mixed, kept.normalizer, setting.layout)
        of_states = torch.cat([part.flatten(1) for part in parts], dim=1)
        n_rotated = heads.n_query + heads.n_key
        of_states = rotate(of_states, setting.cosines, -setting.sines, n_rotated, heads.size)
        of_normal, of_low = self.attention_in.backward(of_states, setting.seed)
        normal = normalize(kept.hidden, *self._first_norm)
        self.attention_in.accumulate(normal, kept.lows[0], of_states, of_low, setting.seed)
        return differentiate_norm(of_normal, kept.hidden, *self._first_norm, gradient)


def _scatter(gradient: torch.Tensor, places: torch.Tensor, n_tokens: int) -> torch.Tensor:
    """(places, width) -> (tokens, width); a place that stands twice gets both gradients."""
    return gradient.new_zeros(n_tokens, gradient.shape[1]).index_add_(0, places, gradient)
