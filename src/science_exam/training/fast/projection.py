"""Linear layers that read the same input as one product: frozen weights, adapters, and gradients."""

from collections.abc import Sequence

import torch
from torch import nn
from torch.nn import functional

from science_exam.training.fast.adapters import LowRank
from science_exam.training.fast.pointwise import drop
from science_exam.training.fast.weights import FrozenWeight


class Projection:
    """y = x Wᵀ + bias + (x Aᵀ) Bᵀ, and what its gradient needs."""

    def __init__(
        self, layers: Sequence[nn.Module], adapter: LowRank | None, dtype: torch.dtype, number: int
    ) -> None:
        """
        Args:
            layers: with as many inputs each, PEFT's wrappers or bare; their outputs stand side by side.
            adapter: of those that are adapted.
            dtype: the compute type.
            number: sets this projection's dropout apart from the others'.
        """
        bare = [getattr(layer, "base_layer", layer) for layer in layers]
        self.weight, self.adapter = FrozenWeight(bare, dtype), adapter
        self._number = number
        biases = [layer.bias for layer in bare]
        assert all(bias is None for bias in biases) or all(bias is not None for bias in biases)
        self._bias = None if biases[0] is None else torch.cat([bias.detach() for bias in biases]).to(dtype)

    @property
    def n_ranks(self) -> int:
        """Ranks of all adapters together."""
        return 0 if self.adapter is None else len(self.adapter.down)

    def forward(self, inputs: torch.Tensor, seed: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor | None]:
        """(tokens, inputs) -> (tokens, outputs), and `lower`; `seed` is the dropout's, () int64."""
        low = self.lower(inputs, seed)
        if low is None:
            return self._multiply(inputs, self.weight.get()), None
        # The small product first: the large one then adds to it as it goes, which takes less memory traffic.
        outputs = self._multiply(low, self.adapter.up)
        return outputs.addmm_(inputs, self.weight.get().T), low

    def lower(self, inputs: torch.Tensor, seed: torch.Tensor) -> torch.Tensor | None:
        """x Aᵀ: (tokens, ranks); None without adapters."""
        return None if self.adapter is None else self._drop(inputs, seed) @ self.adapter.down.T

    def backward(
        self, gradient: torch.Tensor, seed: torch.Tensor
    ) -> tuple[torch.Tensor, torch.Tensor | None]:
        """Gradient at the input, and at x Aᵀ (None without adapters), given that at the output."""
        if self.adapter is None:
            return gradient @ self.weight.get(), None
        of_low = gradient @ self.adapter.up  # (tokens, ranks)
        of_inputs = self._drop(of_low @ self.adapter.down, seed)
        return of_inputs.addmm_(gradient, self.weight.get()), of_low

    def accumulate(
        self,
        inputs: torch.Tensor,
        low: torch.Tensor | None,
        gradient: torch.Tensor,
        of_low: torch.Tensor | None,
        seed: torch.Tensor,
    ) -> None:
        """Add the adapters' gradients, given input and x Aᵀ and the gradients at the output and at x Aᵀ."""
        adapter = self.adapter
        if adapter is None:
            return
        adapter.down_gradient.add_(_multiply_wide(of_low.T, self._drop(inputs, seed)))
        up_gradient = _multiply_wide(gradient.T, low)  # (outputs, ranks)
        for part, block in zip(adapter.up_gradients, adapter.blocks, strict=True):
            part.add_(up_gradient[block], alpha=adapter.scale)

    def _multiply(self, inputs: torch.Tensor, weight: torch.Tensor) -> torch.Tensor:
        return functional.linear(inputs, weight, self._bias)

    def _drop(self, states: torch.Tensor, seed: torch.Tensor) -> torch.Tensor:
        rate = self.adapter.dropout
        return drop(states, seed + self._number, rate) if rate else states


class ReadingProjection(Projection):
    """One whose adapter does not learn: 4-bit weights are expanded with the adapter added to them."""

    def forward(self, inputs: torch.Tensor, seed: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor | None]:
        """As `Projection.forward`; x Aᵀ is left out where nothing needs it."""
        if self.adapter is None or not self.weight.takes_adapters:
            return super().forward(inputs, seed)
        return self._multiply(inputs, self.weight.get_adapted(self.adapter)), None


def _multiply_wide(left: torch.Tensor, right: torch.Tensor) -> torch.Tensor:
    """left @ right in fp32, also where the factors have 16 bits: sums over thousands of tokens."""
    if left.is_cuda and left.dtype != torch.float32:
        return torch.mm(left, right, out_dtype=torch.float32)
    return left.float() @ right.float()
