"""The frozen weights of linear layers that read the same input, as one matrix in the compute type."""

from collections.abc import Sequence

import torch
from torch import nn

from science_exam.environment import is_ampere
from science_exam.training.fast.adapters import LowRank


class FrozenWeight:
    """Weights of a few linear layers, one below the other: (outputs of all, inputs).

    Compact weights, 4-bit ones above all, are expanded whenever they are asked for, or once, where memory
    allows.
    """

    def __init__(self, layers: Sequence[nn.Linear], dtype: torch.dtype) -> None:
        """
        Args:
            layers: with as many inputs each; those in `dtype` are made parts of one matrix, those in 4 bits
                or another type are expanded when they are asked for.
            dtype: the compute type.
        """
        self._layers, self._dtype = layers, dtype
        self.sizes = [layer.out_features for layer in layers]
        self.n_inputs = layers[0].in_features
        self.is_compact = any(_is_quantized(layer) or layer.weight.dtype != dtype for layer in layers)
        self._kept = None if self.is_compact else self._join()

    @property
    def expanded_bytes(self) -> int:
        """Memory of the matrix in the compute type."""
        return sum(self.sizes) * self.n_inputs * self._dtype.itemsize

    def keep(self) -> None:
        """Expand now and for good."""
        if self._kept is None:
            self._kept = self._expand()

    def release(self) -> None:
        """Expand again whenever asked, as at first."""
        if self.is_compact:
            self._kept = None

    @property
    def takes_adapters(self) -> bool:
        """Whether they are expanded by the kernel whenever asked for, which adds an adapter on its way.

        Not before Ampere: there the kernel multiplies without tensor cores, and it would take longer.
        """
        return self._kept is None and all(_has_kernel(layer) for layer in self._layers) and is_ampere()

    def get(self) -> torch.Tensor:
        """(outputs, inputs)."""
        return self._expand() if self._kept is None else self._kept

    def get_adapted(self, adapter: LowRank) -> torch.Tensor:
        """(outputs, inputs): W + B A, rounded once, where `takes_adapters`."""
        from science_exam.training.fast import four_bits

        expanded = self._allocate()
        parts = zip(self._layers, expanded.split(self.sizes), adapter.up.split(self.sizes), strict=True)
        for layer, part, up in parts:
            four_bits.expand_adapted(layer.weight.data, layer.weight.quant_state, part, up, adapter.down)
        return expanded

    def _join(self) -> torch.Tensor:
        """The one matrix; the layers become views of it, so that nothing is held twice."""
        joined = torch.cat([layer.weight.detach() for layer in self._layers])
        for layer, part in zip(self._layers, joined.split(self.sizes), strict=True):
            layer.weight.data = part
        return joined

    def _allocate(self) -> torch.Tensor:
        device = self._layers[0].weight.device
        return torch.empty(sum(self.sizes), self.n_inputs, dtype=self._dtype, device=device)

    def _expand(self) -> torch.Tensor:
        expanded = self._allocate()
        for layer, part in zip(self._layers, expanded.split(self.sizes), strict=True):
            expand_layer(layer, part)
        return expanded


def _is_quantized(layer: nn.Linear) -> bool:
    return getattr(layer.weight, "quant_state", None) is not None


def _has_kernel(layer: nn.Linear) -> bool:
    if not (_is_quantized(layer) and layer.weight.is_cuda):
        return False
    from science_exam.training.fast import four_bits  # its compiler is there on GPUs alone

    return four_bits.fits_kernel(layer.weight.quant_state)


def expand_layer(layer: nn.Linear, out: torch.Tensor) -> None:
    """Write a layer's weight, (outputs, inputs), in the type of `out`."""
    if not _is_quantized(layer):
        out.copy_(layer.weight.detach())
        return
    packed, state = layer.weight.data, layer.weight.quant_state
    if _has_kernel(layer):
        from science_exam.training.fast import four_bits

        four_bits.expand_weight(packed, state, out)
        return
    from bitsandbytes.functional import dequantize_4bit

    # A copy, since the library's CPU kernel cannot write into a given place.
    out.copy_(dequantize_4bit(packed, state))
