"""The way to the base and the base itself on disk; folders appear whole or not at all."""

import json
import shutil
from collections.abc import Sequence
from pathlib import Path

import torch
from safetensors.torch import load_model, save_model
from transformers import PreTrainedModel, PreTrainedTokenizerBase

CHECKPOINTS = "checkpoints"  # below a run's folder
PREFIX = "checkpoint-"


def save_checkpoint(
    folder: Path,
    step: int,
    model: torch.nn.Module,
    optimizers: Sequence[torch.optim.Optimizer],
    log: list[dict],
) -> None:
    """Write `folder/checkpoint-<step>` and drop the earlier ones."""
    earlier = list(folder.glob(f"{PREFIX}*"))
    partial = folder / "partial"
    shutil.rmtree(partial, ignore_errors=True)
    partial.mkdir(parents=True)
    save_model(model, str(partial / "model.safetensors"))
    torch.save([optimizer.state_dict()["state"] for optimizer in optimizers], partial / "optimizers.pt")
    (partial / "state.json").write_text(json.dumps({"step": step, "log": log}), encoding="utf-8")
    partial.rename(folder / f"{PREFIX}{step}")
    for path in earlier:
        shutil.rmtree(path)


def load_checkpoint(
    folder: Path, model: torch.nn.Module, optimizers: Sequence[torch.optim.Optimizer]
) -> tuple[int, list[dict]]:
    """Put the newest checkpoint's state into model and optimizers.

    Returns:
        Steps done and the log so far; (0, []) without a checkpoint.
    """
    found = sorted(folder.glob(f"{PREFIX}*"), key=lambda path: int(path.name.removeprefix(PREFIX)))
    if not found:
        return 0, []
    newest = found[-1]
    load_model(model, newest / "model.safetensors")
    saved = torch.load(newest / "optimizers.pt", weights_only=True, map_location="cpu")
    for optimizer, states in zip(optimizers, saved, strict=True):
        held = optimizer.state_dict()["state"]
        for weight, state in states.items():
            for name, value in state.items():
                held[weight][name].copy_(value)  # in place: a captured step goes on using these tensors
    state = json.loads((newest / "state.json").read_text(encoding="utf-8"))
    return state["step"], state["log"]


def remove_checkpoints(folder: Path) -> None:
    """Free the disk once the base is safe."""
    shutil.rmtree(folder / CHECKPOINTS, ignore_errors=True)


def save_base(model: PreTrainedModel, tokenizer: PreTrainedTokenizerBase, out: Path) -> None:
    """Write the base as bf16 safetensors with its tokenizer; turns `model` itself into bf16.

    Other files in `out` (the model card) are kept.
    """
    partial = out.with_name(out.name + ".partial")
    shutil.rmtree(partial, ignore_errors=True)
    if out.is_dir():
        shutil.copytree(out, partial)
    model.to(torch.bfloat16).save_pretrained(partial)
    tokenizer.save_pretrained(partial)
    earlier = out.with_name(out.name + ".earlier")
    shutil.rmtree(earlier, ignore_errors=True)
    if out.is_dir():
        out.rename(earlier)  # never neither: a kill between the two leaves it there
    partial.rename(out)
    shutil.rmtree(earlier, ignore_errors=True)
