"""What can be known to fail, or to be done already, before any work is begun."""

import importlib.util
from pathlib import Path

from science_exam.errors import UserError
from science_exam.runs import Run, open_run
from science_exam.training import processes
from science_exam.training.base import find_base, list_small_files
from science_exam.training.config import UNDECISIVE, TrainConfig
from science_exam.training.learners import check_kind


def open_training(folder: Path, config: TrainConfig, files: list[Path]) -> Run | None:
    """Join the training's other processes, if any, and open its run: to be begun, or None when it is done.

    Args:
        folder: the run's own.
        config: the stage's settings.
        files: that it is trained on.

    Raises:
        UserError: the folder holds another run, or `check_training` has something to say.
    """
    processes.join()
    run = open_run(folder, config, [*files, *list_small_files(config.base.path)], without=UNDECISIVE)
    if processes.share(run.finished):
        return None
    check_training(config)
    return run


def check_training(config: TrainConfig) -> None:
    """Raise a UserError when the base is not to be had, or cannot be trained so, or what should draw the
    curves is absent."""
    find_base(config.base.path)
    check_kind(config)
    if config.report_to != "none" and importlib.util.find_spec(config.report_to) is None:
        raise UserError(
            f"report_to={config.report_to}: the package is not installed; "
            f"run `.venv/bin/pip install {config.report_to}` or leave report_to out"
        )
