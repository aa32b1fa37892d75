"""A finished training: its settings, its weights, and its base where that is on this machine."""

from dataclasses import replace
from pathlib import Path

from science_exam.config import load_config
from science_exam.errors import UserError
from science_exam.runs import find_changed, read_manifest
from science_exam.training.base import list_small_files
from science_exam.training.config import TrainConfig
from science_exam.training.outcome import ADAPTER, ENCODER


def read_training(folder: Path, base: str = "") -> TrainConfig:
    """The settings of the run in `folder`; a trained encoder is its own base.

    Args:
        folder: data/runs/<run>/fold<fold>.
        base: where the base is now, when not where it was trained.

    Raises:
        UserError: the run is not finished, or its base has changed since.
    """
    read_manifest(folder)
    settings = load_config(TrainConfig, str(folder / "config.yaml"), [], folder)
    whole = folder / ENCODER
    path = str(whole) if whole.is_dir() else base or settings.base.path
    if changed := find_changed(folder, list_small_files(path)):
        raise UserError(f"{changed}: not the base that {folder} was trained on; train again")
    return replace(settings, base=replace(settings.base, path=path))


def find_weights(folder: Path) -> Path:
    """The file of the weights that the run in `folder` has trained."""
    whole = folder / ENCODER
    return whole / "model.safetensors" if whole.is_dir() else folder / ADAPTER / "adapter_model.safetensors"


def choose_contexts(settings: TrainConfig, given: str, asked: Path, own: bool) -> str:
    """The folder of retrieved contexts to answer with; empty for those that came with the questions.

    Args:
        settings: of the finished training.
        given: the folder that was asked for; empty for none.
        asked: folder of the question set.
        own: it is the set that was trained on.

    Raises:
        UserError: trained with retrieved contexts, and there are none for other questions.
    """
    contexts = given or (settings.contexts if own else "")
    if settings.contexts and not contexts:
        raise UserError(
            f"data/runs/{settings.run}: trained with retrieved contexts; retrieve some for {asked} too (make "
            f"retrieve) and give them with contexts=data/contexts/{asked.name} (make: CONTEXTS=)"
        )
    return contexts
