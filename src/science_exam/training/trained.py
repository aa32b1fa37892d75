"""A finished training: its settings, and its base where that is on this machine."""

from dataclasses import replace
from pathlib import Path

from science_exam.config import load_config
from science_exam.errors import UserError
from science_exam.runs import find_changed, read_manifest
from science_exam.training.base import list_small_files
from science_exam.training.config import TrainConfig


def read_training(folder: Path, base: str = "") -> TrainConfig:
    """The settings of the run in `folder`.

    Args:
        folder: data/runs/<run>/fold<fold>.
        base: where the base is now, when not where it was trained.

    Raises:
        UserError: the run is not finished, or its base has changed since.
    """
    read_manifest(folder)
    settings = load_config(TrainConfig, str(folder / "config.yaml"), [], folder)
    path = base or settings.base.path
    if changed := find_changed(folder, list_small_files(path)):
        raise UserError(f"{changed}: not the base that {folder} was trained on; train again")
    return replace(settings, base=replace(settings.base, path=path))
