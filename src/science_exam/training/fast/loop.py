"""The training loop of the fast engine: steps, log, validation, checkpoints."""

from collections.abc import Callable, Sequence
from itertools import count
from math import ceil
from pathlib import Path

import torch
from tqdm import tqdm
from transformers import get_scheduler

from science_exam.training import processes
from science_exam.training.config import TrainConfig
from science_exam.training.fast.checkpoints import Progress, load_progress, load_weights, save_checkpoint
from science_exam.training.fast.losses import Losses
from science_exam.training.fast.network import Network
from science_exam.training.fast.rows import Group, order_steps
from science_exam.training.fast.runner import Runner
from science_exam.training.outcome import BEST, OnLog, Trained, Validate

SCHEDULES = {"constant": "constant_with_warmup"}  # the other names are the library's own


def train_groups(
    network: Network,
    groups: Sequence[Group],
    config: TrainConfig,
    folder: Path,
    on_log: OnLog,
    validate: Validate | None = None,
    classes: Sequence[int] | None = None,
) -> Trained:
    """Train the network's adapters in place.

    Started again after an interruption it goes on from the last whole checkpoint, with the same steps.

    Args:
        network: with adapters; its PEFT model follows.
        groups: the rows.
        config: the stage's settings.
        folder: of the checkpoints.
        on_log: gets the whole log so far each time it grows.
        validate: scores the model at every checkpoint; the best checkpoint's weights are then the result,
            and `config.patience` applies.
        classes: as the network's.

    Raises:
        UserError: the memory is too small, or the loss is no number.
    """
    steps, epoch_steps = plan_steps(groups, config)
    runner = Runner(network, steps, config, classes)
    weights, optimizer = network.adapters.weights, runner.optimizer
    progress = load_progress(folder, weights, optimizer)
    network.adapters.refresh()
    if progress.scaler:
        runner.stepper.scaler.load_state_dict(progress.scaler)
    rate_at = _make_schedule(optimizer, config, len(steps))
    losses = Losses(progress, on_log, epoch_steps)
    is_main = processes.rank() == 0
    bar = tqdm(desc="training", total=len(steps), initial=progress.step, unit="step", disable=not is_main)
    while progress.step < len(steps) and not _is_patience_over(progress, config):
        factor = rate_at(progress.step)
        loss = runner.step(progress.step, factor)
        progress.step += 1
        losses.add(progress.step, loss, config.learning_rate * factor)
        bar.update()
        if progress.step == len(steps) or progress.step % config.checkpoint_steps == 0:
            losses.read_all()
            progress.scaler = runner.stepper.scaler.state_dict()
            if is_main:
                if validate:
                    with network.embedding.at_home():
                        _validate(validate, progress, losses, bar)
                save_checkpoint(folder, progress, weights, optimizer)
            progress.best_step, progress.n_worse = processes.share((progress.best_step, progress.n_worse))
    bar.close()
    network.embedding.move(to_host=False)
    if progress.best_step not in (0, progress.step):
        load_weights(folder, progress.best_step, weights)
    return Trained(
        n_rows=sum(len(group.rows) for group in groups),
        steps=progress.step,
        rows_per_second=losses.steps_per_second() * sum(len(g.rows) for s in steps for g in s) / len(steps),
        peak_bytes=torch.cuda.max_memory_allocated() if torch.cuda.is_available() else 0,
    )


def plan_steps(groups: Sequence[Group], config: TrainConfig) -> tuple[list[list[Group]], int]:
    """All optimizer steps of the training, and how many an epoch has."""
    rows_per_step = config.batch_size * config.accumulation_steps
    epochs = (order_steps(groups, rows_per_step, config.seed, epoch) for epoch in count())
    steps = next(epochs)
    epoch_steps = len(steps)
    n_steps = config.max_steps or ceil(config.epochs * epoch_steps)
    while len(steps) < n_steps:
        steps += next(epochs)
    return steps[:n_steps], epoch_steps


def _make_schedule(optimizer, config: TrainConfig, n_steps: int) -> Callable[[int], float]:
    """The learning rate at a step, as a share of the peak: the library's schedules."""
    scheduler = get_scheduler(
        SCHEDULES.get(config.schedule, config.schedule),
        optimizer,
        num_warmup_steps=config.warmup_steps,
        num_training_steps=n_steps,
    )
    return scheduler.lr_lambdas[0]


def _is_patience_over(progress: Progress, config: TrainConfig) -> bool:
    return bool(config.patience) and progress.n_worse >= config.patience


def _validate(validate: Validate, progress: Progress, losses: Losses, bar: tqdm) -> None:
    scores = validate()
    losses.append(progress.step, {f"eval_{name}": value for name, value in scores.items()})
    losses.read_all()
    shown = ", ".join(f"{name} {value:.3f}" for name, value in scores.items())
    bar.write(f"step {progress.step}: validation {shown}")
    if scores[BEST] > progress.best_score:
        progress.best_score, progress.best_step, progress.n_worse = scores[BEST], progress.step, 0
    else:
        progress.n_worse += 1
