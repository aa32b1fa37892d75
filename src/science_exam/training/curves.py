"""Curves of a training beside its log, in TensorBoard or Weights & Biases."""

from pathlib import Path

from science_exam.training.config import TrainConfig
from science_exam.training.outcome import OnLog


def draw_curves(config: TrainConfig, folder: Path, on_log: OnLog) -> OnLog:
    """`on_log` that hands the new part of the log on to what `config.report_to` names.

    Args:
        config: the stage's settings.
        folder: the run's.
        on_log: is called first.
    """
    if config.report_to == "none":
        return on_log
    from accelerate import tracking

    if config.report_to == "tensorboard":
        tracker = tracking.TensorBoardTracker("tensorboard", folder)  # folder/tensorboard
    else:
        tracker = tracking.WandBTracker(config.run)
    tracker.start()
    n_drawn = 0

    def log_and_draw(log: list[dict]) -> None:
        nonlocal n_drawn
        on_log(log)
        for entry in log[n_drawn:]:
            tracker.log({name: value for name, value in entry.items() if name != "step"}, entry["step"])
        n_drawn = len(log)

    return log_and_draw
