"""The folders that Kaggle would mount, built from a kernel's bundles; whole, or with a fault."""

import json
import shutil
from collections.abc import Callable
from dataclasses import replace
from math import nan
from pathlib import Path

import yaml

from science_exam.errors import UserError
from science_exam.kaggle.config import Fault, KernelConfig, Layout
from science_exam.kaggle.manifest import (
    CODE,
    EXAM,
    MARKER,
    Member,
    describe_file,
    read_manifest,
    write_manifest,
)
from science_exam.kaggle.packing.bundles import list_bundles
from science_exam.kaggle.packing.metadata import name_dataset
from science_exam.kaggle.packing.run_files import read_runs
from science_exam.training.base import find_base

DEADLINE_SECONDS = 40
OWNER = "someone"
MISSING = "missing-"  # before the name of a bundle: a fault
# Kind of input -> folder below the root, by layout.
PLACES: dict[Layout, dict[str, str]] = {
    "flat": {
        "competition": "kaggle/input/{slug}",
        "dataset": "kaggle/input/{slug}",
        "model": "kaggle/input/{slug}/{rest}",
    },
    "nested": {
        "competition": "kaggle/input/competitions/{slug}",
        "dataset": "kaggle/input/datasets/{owner}/{slug}",
        "model": "kaggle/input/models/{owner}/{slug}/{rest}",
    },
    "rooted": {
        "competition": "competitions/{slug}",
        "dataset": "datasets/{owner}/{slug}",
        "model": "models/{owner}/{slug}/{rest}",
    },
}


def build_inputs(kernel: Path, config: KernelConfig, layout: Layout, fault: Fault, root: Path) -> Path:
    """Lay out the inputs of a kernel below `root`, as hard links where the disk allows it.

    Args:
        kernel: kernels/<name>.
        config: its settings.
        layout: of the mounts.
        fault: what is broken.
        root: stands for the root of the file system.

    Returns:
        The competition's folder, for test.csv.

    Raises:
        UserError: there are no bundles, or the fault needs what this kernel has not.
    """
    places, owner = PLACES[layout], config.owner or OWNER
    if not (bundles := list_bundles(kernel)):
        raise UserError(f"{kernel}: no bundles there; run make kernel again")
    missing = fault.removeprefix(MISSING) if fault.startswith(MISSING) else ""
    if missing and bundles.pop(missing, None) is None:
        raise UserError(f"fault={fault}: this kernel has no bundle {missing}")
    laid = {}
    for bundle, folder in bundles.items():
        place = places["dataset"].format(owner=owner, slug=name_dataset(config.name, bundle))
        laid[bundle] = root / place
        _link_folder(folder, root / place)
    if config.base_source:
        model_owner, slug, rest = config.base_source.split("/", 2)
        place = root / places["model"].format(owner=model_owner, slug=slug, rest=rest)
        _link_folder(_find_local_base(config), place)
    if fault in DAMAGES:
        DAMAGES[fault](laid)
    return root / places["competition"].format(slug=config.competition)


def _find_local_base(config: KernelConfig) -> Path:
    adapted = next(training for training in read_runs(config.runs) if not training.is_whole)
    return Path(find_base(adapted.settings.base.path))


def _link_folder(source: Path, target: Path) -> None:
    for path in sorted(path for path in source.rglob("*") if path.is_file()):
        place = target / path.relative_to(source)
        place.parent.mkdir(parents=True, exist_ok=True)
        try:
            place.hardlink_to(path.resolve())
        except OSError:  # another disk
            shutil.copyfile(path, place)


def _damage_adapter(laid: dict[str, Path]) -> None:
    """Turn some bytes of an adapter over; its manifest stays as it was."""
    path = laid["runs"] / _find_members(laid["runs"], "adapter_model.safetensors")[0].name
    content = bytearray(path.read_bytes())
    middle = len(content) // 2
    content[middle : middle + 64] = bytes(255 - byte for byte in content[middle : middle + 64])
    _replace(path, bytes(content))


def _shorten_time(laid: dict[str, Path]) -> None:
    """Leave the notebook less than a minute."""

    def shorten(content: bytes) -> bytes:
        values = yaml.safe_load(content) | {"hours": DEADLINE_SECONDS / 3600}
        return yaml.safe_dump(values).encode()

    _change_member(laid[CODE], EXAM, shorten)


def _spoil_base(laid: dict[str, Path]) -> None:
    """Make the base's numbers for some words NaN, as if it had been trained to that."""
    _change_member(laid["runs"], "/model.safetensors", _spoil_embedding)

    def forget(content: bytes) -> bytes:
        recorded = json.loads(content)
        return json.dumps(
            {name: v for name, v in recorded.items() if "model.safetensors" not in name}
        ).encode()

    for member in _find_members(laid["runs"], "/inputs.json"):
        _change_member(laid["runs"], member.path, forget)


def _spoil_embedding(content: bytes) -> bytes:
    """A safetensors file in which the embedding of every 200th token is NaN."""
    import torch
    from safetensors.torch import load, save

    tensors = load(content)
    name = next((name for name in tensors if name.endswith("embed_tokens.weight")), None)
    if name is None:
        raise UserError("fault=nan-logits: expected an embedding in the base, found none")
    tensors[name][torch.arange(len(tensors[name])) % 200 == 199] = nan
    return save(tensors, metadata={"format": "pt"})


def _find_members(folder: Path, ending: str) -> list[Member]:
    members = read_manifest(folder / MARKER).files
    if not (found := [member for member in members if f"/{member.path}".endswith(ending)]):
        raise UserError(f"{folder}: this fault needs a file …{ending}, which this kernel has not")
    return found


def _change_member(folder: Path, ending: str, change: Callable[[bytes], bytes]) -> None:
    """Change a file of a bundle, and its manifest with it."""
    member, manifest = _find_members(folder, ending)[0], read_manifest(folder / MARKER)
    path = folder / member.name
    _replace(path, change(path.read_bytes()))
    changed = describe_file(path, member.path)
    files = tuple(changed if other == member else other for other in manifest.files)
    (folder / MARKER).unlink()
    write_manifest(replace(manifest, files=files), folder)


def _replace(path: Path, content: bytes) -> None:
    """Write a new file in place of a link, whose other end stays as it is."""
    path.unlink()
    path.write_bytes(content)


DAMAGES: dict[str, Callable[[dict[str, Path]], None]] = {
    "corrupted-adapter": _damage_adapter,
    "deadline": _shorten_time,
    "nan-logits": _spoil_base,
}
