"""Batches of questions between two layers, and the memory that they may wait in."""

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch.utils._pytree import tree_leaves, tree_map_only

from science_exam.training.hollow import Call


@dataclass
class Batch:
    """Questions on their way through the layers.

    Attributes:
        rows: their places among all prompts.
        card: the number of the device that computes them.
        states: (rows, tokens, width), on that device or waiting in the CPU's memory.
        calls: what each layer is called with beside the states: masks, positions.
    """

    rows: list[int]
    card: int
    states: torch.Tensor
    calls: list[Call]

    def list_tensors(self) -> list[torch.Tensor]:
        """All its tensors; most of the calls' are shared between layers and come once."""
        leaves = [self.states, *tree_leaves(self.calls)]
        return list({id(leaf): leaf for leaf in leaves if isinstance(leaf, torch.Tensor)}.values())

    def move_to_host(self) -> None:
        """Let its tensors wait in the CPU's memory."""
        moved = {id(tensor): _copy_to_host(tensor) for tensor in self.list_tensors()}
        self.calls = tree_map_only(torch.Tensor, lambda tensor: moved[id(tensor)], self.calls)
        self.states = moved[id(self.states)]

    def fetch_call(self, number: int, device: torch.device) -> Call:
        """What a layer is called with, on the device."""
        return tree_map_only(
            torch.Tensor, lambda tensor: tensor.to(device, non_blocking=True), self.calls[number]
        )


class Room:
    """What is left of the memory for batches that wait for the next layer."""

    def __init__(self, card_bytes: Sequence[float], host_bytes: float) -> None:
        """
        Args:
            card_bytes: of each device.
            host_bytes: of the CPU, for what does not fit there.
        """
        self._cards, self._host = list(card_bytes), host_bytes

    def take(self, batch: Batch) -> bool:
        """Give a batch its place, in the CPU's memory if need be; False where there is none left."""
        tensors = batch.list_tensors()
        n_bytes = sum(tensor.nbytes for tensor in tensors)
        if n_bytes <= self._cards[batch.card]:
            self._cards[batch.card] -= n_bytes
            return True
        # PyTorch takes page-locked memory in powers of two.
        n_bytes = sum(1 << max(0, tensor.nbytes - 1).bit_length() for tensor in tensors)
        if n_bytes <= self._host:
            self._host -= n_bytes
            batch.move_to_host()
            return True
        return False


def _copy_to_host(tensor: torch.Tensor) -> torch.Tensor:
    copy = torch.empty(tensor.shape, dtype=tensor.dtype, pin_memory=tensor.is_cuda)
    return copy.copy_(tensor, non_blocking=True)
