"""An adapter merged into its 16-bit base: one model that every engine loads, written shard by shard."""

import json
import shutil
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import load_file, save_file
from transformers import AutoConfig

from science_exam.errors import UserError
from science_exam.training.base import find_base

INDEX = "model.safetensors.index.json"
SINGLE = "model.safetensors"
ADAPTER_FILE = "adapter_model.safetensors"
PREFIX = "base_model.model."  # before the names of an adapter's layers
# Weights of other formats, and texts about the base, which the merged model no longer is.
LEFT_OUT = (".safetensors", ".bin", ".pth", ".pt", ".gguf", ".onnx", ".h5", ".msgpack", ".md")

Weights = dict[str, torch.Tensor]


@dataclass(frozen=True)
class Merger:
    """An adapter's update of the layers that it adapts.

    Attributes:
        weights: of the adapter, by name: lora_A (r, in), lora_B (out, r), and with DoRA the
            magnitudes (out,).
        scaling: of the product of B and A.
    """

    weights: Weights
    scaling: float

    @property
    def layers(self) -> set[str]:
        """Names of the adapted layers, as in the base."""
        return {name.partition(".lora_")[0].removeprefix(PREFIX) for name in self.weights}

    def merge(self, layer: str, weight: torch.Tensor) -> torch.Tensor:
        """A layer's weight (out, in) with its update, computed in fp32 and rounded once."""
        a, b = (self.weights[f"{PREFIX}{layer}.lora_{part}.weight"].float() for part in "AB")
        merged = weight.float() + self.scaling * (b @ a)
        magnitudes = self.weights.get(f"{PREFIX}{layer}.lora_magnitude_vector")
        if magnitudes is not None:  # DoRA: the rows' directions from the sum, their lengths learned
            merged *= (magnitudes.float() / merged.norm(dim=1))[:, None]
        return merged.to(weight.dtype)


def load_merger(folder: Path) -> Merger:
    """The trained adapter in `folder`.

    Raises:
        UserError: there is none.
    """
    file = folder / "adapter_config.json"
    if not file.is_file():
        raise UserError(f"{folder}: no adapter there; an encoder has none, it is a model of its own already")
    settings = json.loads(file.read_text(encoding="utf-8"))
    r, alpha = settings["r"], settings["lora_alpha"]
    return Merger(load_file(folder / ADAPTER_FILE), alpha / (r**0.5 if settings["use_rslora"] else r))


def check_precision(base: str) -> None:
    """Raise a UserError when the base (a folder or hub id) is stored quantised, before it is fetched."""
    if getattr(AutoConfig.from_pretrained(find_base(base)), "quantization_config", None) is not None:
        raise UserError(
            f"base {base!r}: expected weights in 16 bits, found quantised ones: their neighbouring values "
            f"lie further apart than most updates of an adapter, so merging would round it away. Give the "
            f"model that they were made from: base=OWNER/MODEL or base=FOLDER"
        )


def list_shards(base: Path) -> list[Path]:
    """The weight files of a base.

    Raises:
        UserError: they are not there in safetensors.
    """
    index = base / INDEX
    names = {SINGLE}
    if index.is_file():  # some folders hold the same weights a second time, in files that it does not name
        names = set(json.loads(index.read_text(encoding="utf-8"))["weight_map"].values())
    if missing := [name for name in sorted(names) if not (base / name).is_file()]:
        raise UserError(f"base {base}: expected its weights in {missing[0]}, found no such file")
    return [base / name for name in sorted(names)]


def check_layers(merger: Merger, shards: Iterable[Path]) -> None:
    """Raise a UserError unless every adapted layer is in the base, in the adapter's shape."""
    shapes = {}
    for shard in shards:
        with _open(shard) as file:
            shapes |= {name: list(file.get_slice(name).get_shape()) for name in file.keys()}  # noqa: SIM118
    for layer in sorted(merger.layers):
        a, b = (merger.weights[f"{PREFIX}{layer}.lora_{part}.weight"] for part in "AB")
        expected, found = [b.shape[0], a.shape[1]], shapes.get(f"{layer}.weight")
        if found != expected:
            raise UserError(
                f"base: expected a layer {layer} of {expected}, found {found or 'none'}; give the model that "
                f"the adapter was trained on, in 16 bits: base=…"
            )


def write_merged(
    merger: Merger, base: Path, folder: Path, progress: Callable[[Iterable[Path]], Iterable[Path]] = iter
) -> None:
    """Write the base with the update into `folder`: its shards, configuration and tokenizer.

    One shard at a time is in memory; types, names and shards are the base's.
    """
    for shard in progress(list_shards(base)):
        with _open(shard) as file:
            weights = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
        for name in weights.keys() & {f"{layer}.weight" for layer in merger.layers}:
            weights[name] = merger.merge(name.removesuffix(".weight"), weights[name])
        save_file(weights, folder / shard.name, metadata={"format": "pt"})
    for file in base.iterdir():
        if file.is_file() and file.suffix not in LEFT_OUT:
            shutil.copy(file, folder / file.name)


def _open(shard: Path):
    try:
        return safe_open(shard, framework="pt")
    except SafetensorError as error:
        raise UserError(f"{shard}: expected a safetensors file: {error}; get the base again") from None
