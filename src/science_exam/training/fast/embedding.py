"""The embedding of a base, which can wait in the CPU's memory: each token needs one row of it."""

from collections.abc import Iterator
from contextlib import contextmanager

import torch
from torch import nn

from science_exam.training.fast.packing import Pack


class Embedding:
    """Embeds a pack's ids: on the model's device, or with rows that the CPU puts into the pack."""

    def __init__(self, layer: nn.Embedding, dtype: torch.dtype, is_tied: bool) -> None:
        """
        Args:
            layer: of the base.
            dtype: the compute type.
            is_tied: the output head has the same weights, so they cannot go.
        """
        self._layer, self._dtype, self._is_tied = layer, dtype, is_tied
        self._device = layer.weight.device
        self._on_host = False

    @property
    def movable_bytes(self) -> int:
        """Memory of the device that moving it to the host frees."""
        if self._is_tied or self._device.type != "cuda":
            return 0
        return self._layer.weight.numel() * self._layer.weight.itemsize

    def move(self, to_host: bool) -> None:
        """Take it to the CPU's memory, or back to where it was."""
        if to_host != self._on_host:
            self._layer.to("cpu" if to_host else self._device)
            self._on_host = to_host

    @contextmanager
    def at_home(self) -> Iterator[None]:
        """Back on the model's device for a while: answering needs the whole model there."""
        was_on_host = self._on_host
        self.move(to_host=False)
        yield
        self.move(was_on_host)
        if self._device.type == "cuda":
            torch.cuda.empty_cache()  # what answering took would be missing from the plan

    def fill(self, pack: Pack) -> Pack:
        """The pack with its rows, if the embedding is on the host."""
        if not self._on_host:
            return pack
        rows = self._layer.weight.detach()[pack.ids].to(self._dtype)  # (tokens, width)
        return pack._replace(inputs=rows.pin_memory() if self._device.type == "cuda" else rows)

    def embed(self, pack: Pack) -> torch.Tensor:
        """(tokens, width) in the compute type."""
        return pack.inputs if self._on_host else self._layer(pack.ids).to(self._dtype)
