"""A base that is attached as a Kaggle model: found by what it is, wherever it is mounted."""

import json
import re
from pathlib import Path

from science_exam.errors import UserError
from science_exam.files import hash_file
from science_exam.kaggle.session.fallback import find_files
from science_exam.training.outcome import ADAPTER

CONFIG = "config.json"
TOKENIZERS = ("tokenizer.json", "tokenizer.model")
LAYER = re.compile(r"\.layers\.(\d+)\.")
READING = ("q_proj.lora_A.weight", "query.lora_A.weight", "qkv_proj.lora_A.weight")


def find_attached_base(roots: list[Path], run: Path) -> Path:
    """The folder of the base that a run was trained on, among the inputs.

    Its config.json is the one whose hash the run has recorded; without such a record, the one with as many
    layers, as wide as the adapter's.

    Raises:
        UserError: there is none, or several that differ.
    """
    folders = [path.parent for path in find_files(roots, CONFIG) if _is_base(path.parent)]
    recorded = _read_recorded(run)
    same = [folder for folder in folders if hash_file(folder / CONFIG) in recorded]
    shape = None if same else _read_adapter_shape(run)
    fitting = same or [folder for folder in folders if shape and _read_shape(folder) == shape]
    if not fitting:
        raise UserError(
            f"none of {len(folders)} models among the inputs is the base of {run.name}; add base_source "
            f"to the notebook's models"
        )
    if len({hash_file(folder / CONFIG) for folder in fitting}) > 1:
        raise UserError(f"several models could be the base: {', '.join(map(str, fitting))}; attach one alone")
    return fitting[0]


def _is_base(folder: Path) -> bool:
    has_tokenizer = any((folder / name).is_file() for name in TOKENIZERS)
    return has_tokenizer and any(folder.glob("*.safetensors"))


def _read_recorded(run: Path) -> set[str]:
    """Hashes of configurations among the inputs of a run."""
    recorded = json.loads((run / "inputs.json").read_text(encoding="utf-8"))
    return {digest for name, digest in recorded.items() if name.endswith(f"/{CONFIG}")}


def _read_shape(folder: Path) -> tuple[int, int] | None:
    """Layers and width that a configuration states."""
    try:
        values = json.loads((folder / CONFIG).read_text(encoding="utf-8"))
        return values["num_hidden_layers"], values["hidden_size"]
    except (OSError, ValueError, KeyError, TypeError):
        return None


def _read_adapter_shape(run: Path) -> tuple[int, int] | None:
    """Layers and width of the base that an adapter fits."""
    from safetensors import safe_open

    weights = run / ADAPTER / "adapter_model.safetensors"
    if not weights.is_file():
        return None
    with safe_open(str(weights), framework="np") as file:
        names = list(file.keys())
        reading = [name for name in names if name.endswith(READING)]
        layers = {int(found[1]) for name in names if (found := LAYER.search(name))}
        if not reading or not layers:
            return None
        return max(layers) + 1, file.get_slice(reading[0]).get_shape()[1]
