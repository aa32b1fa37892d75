"""Training an adapter, by the engine that the config names, and saving it."""

import shutil
from collections.abc import Callable
from pathlib import Path

from tqdm import tqdm

from science_exam.errors import UserError
from science_exam.training import processes
from science_exam.training.config import TrainConfig
from science_exam.training.fast.engine import train_fast
from science_exam.training.fast.support import find_obstacle
from science_exam.training.model import save_adapter
from science_exam.training.outcome import ADAPTER, CHECKPOINTS, OnLog, Trained, Validate


def train_adapter(
    model,
    tokenizer,
    examples: list[dict],
    config: TrainConfig,
    folder: Path,
    on_log: OnLog,
    validate: Validate | None = None,
) -> Trained:
    """Train the adapter on `model` in place and save it in `folder/adapter`.

    Started again after an interruption it goes on from the last whole checkpoint, with the same
    batches, learning rates and random numbers as if nothing had happened.

    Args:
        model: a base with an adapter.
        tokenizer: the base's.
        examples: rows of `build_examples`; only tokens under `completion_mask` carry loss.
        config: the stage's settings; what the fast engine cannot train goes through TRL, with a line
            that says why.
        folder: the run's folder; `folder/checkpoints` holds the way there.
        on_log: gets the whole log so far each time it grows.
        validate: scores the model at every checkpoint; the best checkpoint is then kept and
            `config.patience` applies. None keeps the last step.
    """
    train = _choose_engine(model, examples, config)
    trained = train(model, tokenizer, examples, config, folder, on_log, validate)
    save_adapter(model, folder / ADAPTER)
    return trained


def _choose_engine(model, examples: list[dict], config: TrainConfig) -> Callable[..., Trained]:
    obstacle = "engine=trl"
    if config.engine == "fast":
        obstacle = find_obstacle(model, max(len(example["input_ids"]) for example in examples))
        if obstacle is None:
            return train_fast
        tqdm.write(f"engine=fast: {obstacle}; training with TRL instead")
    if processes.count() > 1:
        raise UserError(f"{processes.count()} processes: expected engine=fast, found: {obstacle}")
    if config.objective != "completion":
        raise UserError(f"objective={config.objective}: expected engine=fast, found: {obstacle}")
    return _train_with_trl


def _train_with_trl(*arguments) -> Trained:
    from science_exam.training.trl_loop import train_with_trl  # its imports take seconds

    return train_with_trl(*arguments)


def assist_training(model, tokenizer, examples: list[dict], config: TrainConfig, folder: Path) -> None:
    """Do another process's share of `train_adapter`, which the first one calls with the same arguments."""
    _choose_engine(model, examples, config)(model, tokenizer, examples, config, folder, lambda log: None)


def remove_checkpoints(folder: Path) -> None:
    """Free the disk once the run is finished."""
    shutil.rmtree(folder / CHECKPOINTS, ignore_errors=True)
