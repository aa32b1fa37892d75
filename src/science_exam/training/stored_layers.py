"""The decoder layers of a base: what each is made of, its reading from the files, its weights from its bytes.

Plain reads into memory that is given: of files that the operating system had not read before they brought
2 GB a second where touching a memory-mapped file brought 0.4.
"""

from dataclasses import dataclass
from itertools import groupby

import torch
from torch import nn

from science_exam.errors import UserError
from science_exam.training.weight_files import ADVICE, Stored, WeightFiles, check_shape

ALIGNMENT_BYTES = 256  # of the tensors in a layer's bytes, as the GPU's own allocator has it
QUANT_STATE = ".quant_state."  # in the name of a 4-bit weight's description

Weights = dict[str, torch.Tensor]


@dataclass(frozen=True)
class Part:
    """A tensor of a layer: its name there, where it is stored, and its place in the layer's bytes."""

    name: str
    stored: Stored
    offset: int

    def view(self, layer_bytes: torch.Tensor) -> torch.Tensor:
        """The tensor within its layer's bytes (uint8)."""
        found = layer_bytes[self.offset : self.offset + self.stored.n_bytes]
        return found.view(self.stored.dtype).view(self.stored.shape)


@dataclass(frozen=True)
class StoredLayer:
    """A decoder layer in its files.

    Attributes:
        module: the layer, without weights.
        name: for errors: "layer 3".
        parts: its tensors as they are stored, one behind the other.
        n_bytes: of all parts.
        descriptions: of the weights that are stored in 4 bits: shape, types, blocks.
    """

    module: nn.Module
    name: str
    parts: list[Part]
    n_bytes: int
    descriptions: Weights

    def read(self, out: torch.Tensor) -> None:
        """Read the layer's bytes from the files.

        Args:
            out: n_bytes or more, uint8, on the CPU.

        Raises:
            UserError: a file ends too early.
        """
        memory = memoryview(out.numpy())
        in_files = sorted(self.parts, key=lambda part: (part.stored.file, part.stored.start))
        for path, together in groupby(in_files, key=lambda part: part.stored.file):
            with path.open("rb", buffering=0) as file:
                for part in together:
                    file.seek(part.stored.start)
                    _fill(memory[part.offset : part.offset + part.stored.n_bytes], file, self.name)

    def build(self, layer_bytes: torch.Tensor, dtype: torch.dtype) -> Weights:
        """The layer's weights, by their names in it.

        Args:
            layer_bytes: what was read, on the device; most weights are views of it.
            dtype: the compute type, from which 16-bit weights are quantised.
        """
        stored = {part.name: part.view(layer_bytes) for part in self.parts} | self.descriptions
        return {
            name: _build_4bit(name, parameter, stored, dtype)
            if _is_4bit(parameter)
            else stored[name].to(parameter.dtype)
            for name, parameter in self.module.named_parameters()
        }


def find_layer(module: nn.Module, prefix: str, where: str, files: WeightFiles) -> StoredLayer:
    """Find everything that a layer needs.

    Args:
        module: the layer, without weights.
        prefix: its name in the model.
        where: its name for errors.
        files: of the base and its adapter.

    Raises:
        UserError: a weight is not there, or has another shape.
    """
    found, descriptions = {}, {}
    for name, parameter in module.named_parameters():
        found[name] = files.find(f"{prefix}.{name}", where)
        below = files.list_below(f"{prefix}.{name}", where) if _is_4bit(parameter) else {}
        for ending, stored_name in below.items():
            if QUANT_STATE in stored_name:
                descriptions[name + ending] = files.read(stored_name, where)  # JSON, which the CPU reads
            else:
                found[name + ending] = files.find(stored_name, where)
        if not below:
            check_shape(found[name], parameter, name, where)
        elif 2 * found[name].n_bytes != parameter.numel():
            raise UserError(
                f"{found[name].file}: {where}: expected {parameter.numel()} weights of {name}, two a byte, "
                f"found {found[name].n_bytes} bytes; {ADVICE}"
            )
    parts, end = [], 0
    for name, stored in found.items():
        parts.append(Part(name, stored, end))
        end += -(-stored.n_bytes // ALIGNMENT_BYTES) * ALIGNMENT_BYTES
    return StoredLayer(module, where, parts, end, descriptions)


def _is_4bit(parameter: nn.Parameter) -> bool:
    """True for bitsandbytes' parameters, with values or without."""
    return hasattr(parameter, "quant_state")


def _build_4bit(name: str, empty: nn.Parameter, stored: Weights, dtype: torch.dtype) -> nn.Parameter:
    """A 4-bit weight: put together from its parts, or quantised now."""
    from bitsandbytes.nn import Params4bit

    weight, below = stored[name], f"{name}."
    if scales := {key.removeprefix(below): part for key, part in stored.items() if key.startswith(below)}:
        return Params4bit.from_prequantized(weight, scales, device=weight.device)
    # Without its module, which would keep the scales when the weight has gone.
    settings = {**empty.__dict__, "module": None}
    return Params4bit(weight.to(dtype), requires_grad=False, **settings).to(weight.device)


def _fill(memory: memoryview, file, where: str) -> None:
    """Read as much as the memory takes; a single read may bring less than it was asked for."""
    while memory:
        n_read = file.readinto(memory)
        if not n_read:
            raise UserError(f"{file.name}: {where}: expected {len(memory)} bytes more; {ADVICE}")
        memory = memory[n_read:]
