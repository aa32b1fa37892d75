"""All LoRA weights of a model as one fp32 vector, with its gradient and a copy in the compute type.

One vector makes the optimizer, the norm of the gradient, the exchange between GPUs and a checkpoint one
operation each. The halves of LoRA stand apart in it, as LoRA+ gives them different learning rates.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

import torch
from torch import nn

ADAPTER_NAME = "default"  # PEFT's own


@dataclass
class LowRank:
    """The adapters of linear layers that read the same input; B stands in blocks, zeros between them.

    y += (x Aᵀ) Bᵀ for all of them at once, with the scale alpha / r already in B.
    """

    down: torch.Tensor  # A: (ranks of all, inputs), in the compute type
    up: torch.Tensor  # B: (outputs of all, ranks of all), in the compute type
    dropout: float


@dataclass
class LearningLowRank(LowRank):
    """Adapters with their gradients."""

    down_gradient: torch.Tensor  # fp32, part of the one vector
    up_gradients: list[torch.Tensor]  # (outputs, rank) each, fp32, parts of the one vector
    blocks: list[tuple[slice, slice]]  # where each of them stands in B
    scale: float


class Adapters:
    """Weights, gradients and working copies of every adapter in a PEFT model."""

    def __init__(self, groups: Sequence[Sequence[nn.Module]], dtype: torch.dtype) -> None:
        """
        Args:
            groups: linear layers that read the same input, group by group; adapted ones are PEFT's.
                Their weights become parts of the one vector, so the PEFT model follows the training.
            dtype: the compute type.
        """
        adapted = [[layer for layer in group if is_adapted(layer)] for group in groups]
        downs = [layer.lora_A[ADAPTER_NAME].weight for group in adapted for layer in group]
        ups = [layer.lora_B[ADAPTER_NAME].weight for group in adapted for layer in group]
        self.weights = torch.cat([weight.detach().float().flatten() for weight in downs + ups])
        self.gradients = torch.zeros_like(self.weights)
        self.n_down = sum(weight.numel() for weight in downs)
        self._working = torch.empty_like(self.weights, dtype=dtype)
        self._offsets = _place_after_each_other(downs + ups)
        for weight, (start, end) in zip(downs + ups, self._offsets, strict=True):
            weight.data = self.weights[start:end].view(weight.shape)
        self._n_layers, self._copies = len(downs), []
        layer_numbers = iter(range(len(downs)))
        self.stacks = [
            self._stack(group, members, [next(layer_numbers) for _ in members]) if members else None
            for group, members in zip(groups, adapted, strict=True)
        ]
        self.refresh()

    def refresh(self) -> None:
        """Make the working copies from the weights: after every optimizer step."""
        self._working.copy_(self.weights)
        for target, source, scale in self._copies:
            torch.mul(source, scale, out=target)

    def halves(self, vector: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """All A and all B of `weights` or `gradients`."""
        return vector[: self.n_down], vector[self.n_down :]

    def _stack(self, group: Sequence[nn.Module], members: list, numbers: list[int]) -> LearningLowRank:
        ranks = [layer.lora_A[ADAPTER_NAME].weight.shape[0] for layer in members]
        scales = {layer.scaling[ADAPTER_NAME] for layer in members}
        rates = {getattr(layer.lora_dropout[ADAPTER_NAME], "p", 0.0) for layer in members}
        assert len(scales) == len(rates) == 1, "adapters that read the same input have one scale and dropout"
        down = self._span(self._working, numbers[0], numbers[-1]).view(sum(ranks), -1)
        up = down.new_zeros(sum(layer.out_features for layer in group), sum(ranks))
        blocks = _find_blocks(group, members, ranks)
        stack = LearningLowRank(
            down=down,
            up=up,
            down_gradient=self._span(self.gradients, numbers[0], numbers[-1]).view(down.shape),
            up_gradients=[],
            blocks=blocks,
            scale=scales.pop(),
            dropout=rates.pop(),
        )
        for number, (rows, columns) in zip(numbers, blocks, strict=True):
            number += self._n_layers
            shape = up[rows, columns].shape
            stack.up_gradients.append(self._span(self.gradients, number, number).view(shape))
            source = self._span(self.weights, number, number).view(shape)
            self._copies.append((up[rows, columns], source, stack.scale))
        return stack

    def _span(self, vector: torch.Tensor, first: int, last: int) -> torch.Tensor:
        """The part of a vector that belongs to weights `first` to `last`."""
        return vector[self._offsets[first][0] : self._offsets[last][1]]


def stack_adapters(
    groups: Sequence[Sequence[nn.Module]], dtype: torch.dtype, name: str = ADAPTER_NAME
) -> list[LowRank | None]:
    """Copies of one of a PEFT model's adapters, to answer with.

    Args:
        groups: linear layers that read the same input, group by group.
        dtype: the compute type.
        name: of the adapter.
    """
    return [_copy_adapter(group, dtype, name) for group in groups]


def is_adapted(layer: nn.Module, name: str = ADAPTER_NAME) -> bool:
    """True for PEFT's wrapper around a linear layer, with an adapter of that name."""
    return hasattr(layer, "lora_A") and name in layer.lora_A


def _copy_adapter(group: Sequence[nn.Module], dtype: torch.dtype, name: str) -> LowRank | None:
    members = [layer for layer in group if is_adapted(layer, name)]
    if not members:
        return None
    downs = [layer.lora_A[name].weight.detach() for layer in members]
    ranks = [len(down) for down in downs]
    up = downs[0].new_zeros(sum(layer.out_features for layer in group), sum(ranks))
    for layer, block in zip(members, _find_blocks(group, members, ranks), strict=True):
        up[block] = layer.lora_B[name].weight.detach() * layer.scaling[name]
    return LowRank(torch.cat(downs).to(dtype), up.to(dtype), dropout=0.0)


def _place_after_each_other(weights: list[torch.Tensor]) -> list[tuple[int, int]]:
    ends = torch.tensor([0] + [weight.numel() for weight in weights]).cumsum(0).tolist()
    return list(pairwise(ends))


def _find_blocks(group, members: list, ranks: list[int]) -> list[tuple[slice, slice]]:
    """Rows (the layer's outputs) and columns (its ranks) of each adapted layer in the stacked B."""
    starts, row = {}, 0
    for layer in group:
        starts[layer] = row
        row += layer.out_features
    blocks, column = [], 0
    for layer, rank in zip(members, ranks, strict=True):
        rows = slice(starts[layer], starts[layer] + layer.out_features)
        blocks.append((rows, slice(column, column + rank)))
        column += rank
    return blocks
