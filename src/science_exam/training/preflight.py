"""What can be known to fail before any work is done."""

import importlib.util

from science_exam.errors import UserError
from science_exam.training.base import find_base
from science_exam.training.config import TrainConfig


def check_training(config: TrainConfig) -> None:
    """Raise a UserError when the base is not to be had or what should draw the curves is absent."""
    find_base(config.base.path)
    if config.report_to != "none" and importlib.util.find_spec(config.report_to) is None:
        raise UserError(
            f"report_to={config.report_to}: the package is not installed; "
            f"run `.venv/bin/pip install {config.report_to}` or leave report_to out"
        )
