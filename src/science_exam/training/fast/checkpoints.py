"""The way to an adapter on disk: weights, optimizer and log, each checkpoint whole or not there."""

import json
import shutil
from dataclasses import asdict, dataclass, field
from pathlib import Path

import torch
from safetensors.torch import load_file, save_file

PREFIX = "checkpoint-"
WEIGHTS, STATES, PROGRESS = "weights.safetensors", "optimizer.safetensors", "progress.json"


@dataclass
class Progress:
    """How far a training is."""

    step: int = 0
    log: list[dict] = field(default_factory=list)
    best_step: int = 0  # of the checkpoint with the best validation; 0 without any
    best_score: float = -1.0
    n_worse: int = 0  # validations since then
    scaler: dict = field(default_factory=dict)  # of fp16's loss scaling

    @property
    def kept_step(self) -> int:
        """The checkpoint whose weights are the result."""
        return self.best_step or self.step


def save_checkpoint(
    folder: Path, progress: Progress, weights: torch.Tensor, optimizer: torch.optim.Optimizer
) -> None:
    """Write `folder/checkpoint-<step>`; of the earlier ones the best is kept."""
    partial = folder / "partial"
    if partial.is_dir():
        shutil.rmtree(partial)
    partial.mkdir(parents=True)
    save_file({"weights": weights.cpu()}, partial / WEIGHTS)
    state = _flatten_state(optimizer.state_dict()["state"])
    numbers = {name: value for name, value in state.items() if not isinstance(value, torch.Tensor)}
    # Copies, since some tensors stand in the state more than once.
    tensors = {name: value.cpu().clone() for name, value in state.items() if name not in numbers}
    save_file(tensors, partial / STATES)
    content = {"progress": asdict(progress), "numbers": numbers}
    (partial / PROGRESS).write_text(json.dumps(content), encoding="utf-8")
    partial.rename(folder / f"{PREFIX}{progress.step}")
    for step in find_steps(folder):
        if step not in (progress.step, progress.best_step):
            shutil.rmtree(folder / f"{PREFIX}{step}")


def find_steps(folder: Path) -> list[int]:
    """Steps of the checkpoints, in order."""
    return sorted(int(path.name.removeprefix(PREFIX)) for path in folder.glob(f"{PREFIX}*"))


def load_progress(folder: Path, weights: torch.Tensor, optimizer: torch.optim.Optimizer) -> Progress:
    """Put the newest checkpoint into weights and optimizer; a fresh Progress without one."""
    steps = find_steps(folder)
    if not steps:
        return Progress()
    newest = folder / f"{PREFIX}{steps[-1]}"
    content = json.loads((newest / PROGRESS).read_text(encoding="utf-8"))
    load_weights(folder, steps[-1], weights)
    state = _nest_state(load_file(newest / STATES) | content["numbers"])
    optimizer.load_state_dict({**optimizer.state_dict(), "state": state})
    return Progress(**content["progress"])


def load_weights(folder: Path, step: int, weights: torch.Tensor) -> None:
    """Put a checkpoint's weights into the vector."""
    weights.copy_(load_file(folder / f"{PREFIX}{step}" / WEIGHTS)["weights"])


def _flatten_state(state: dict, path: str = "") -> dict[str, torch.Tensor | float]:
    """Nested dictionaries -> one, by "outer/inner"."""
    flat = {}
    for name, value in state.items():
        flat |= (
            _flatten_state(value, f"{path}{name}/") if isinstance(value, dict) else {f"{path}{name}": value}
        )
    return flat


def _nest_state(flat: dict[str, torch.Tensor | float]) -> dict:
    """The reverse of `_flatten_state`; the outermost names are the numbers of the weights."""
    nested: dict = {}
    for path, value in flat.items():
        weight, *names, last = path.split("/")
        inner = nested.setdefault(int(weight), {})
        for name in names:
            inner = inner.setdefault(name, {})
        inner[last] = value
    return nested
