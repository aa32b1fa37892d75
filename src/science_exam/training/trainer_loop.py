"""The Hugging Face Trainer as a training loop, with checkpoints that survive a kill at any moment."""

import os
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch
from datasets import disable_progress_bars
from transformers import (
    EarlyStoppingCallback,
    PrinterCallback,
    ProgressCallback,
    Trainer,
    TrainerCallback,
    TrainerState,
)
from transformers.trainer import TRAINER_STATE_NAME
from transformers.trainer_utils import PREFIX_CHECKPOINT_DIR

from science_exam.training.callbacks import COMPLETE, ProgressBar, Recorder
from science_exam.training.config import TrainConfig
from science_exam.training.model import choose_dtype
from science_exam.training.outcome import BEST, CHECKPOINTS, OnLog, Trained, Validate

OPTIMIZERS = {"adamw": "adamw_torch"}  # the other names are the library's own
SCHEDULES = {"constant": "constant_with_warmup"}


class ValidatingTrainer(Trainer):
    """A Trainer whose evaluation is ours: what answers is what validates."""

    validate: Validate | None = None

    def evaluate(self, *_, metric_key_prefix: str = "eval", **__) -> dict[str, float]:
        scores = self.validate()
        metrics = {f"{metric_key_prefix}_{name}": value for name, value in scores.items()}
        self.log(metrics)  # still in eval mode: in train mode a trainer may add its own figures
        self.model.train()
        self.control = self.callback_handler.on_evaluate(self.args, self.state, self.control, metrics)
        return metrics


def run_trainer(
    make_trainer: Callable[[], ValidatingTrainer],
    load_weights: Callable[[str], None],
    config: TrainConfig,
    folder: Path,
    n_rows: int,
    on_log: OnLog,
    validate: Validate | None,
) -> Trained:
    """Train from the last whole checkpoint in `folder`, or from the start.

    Args:
        make_trainer: is called unless the training is over already.
        load_weights: puts a checkpoint's weights into the model.
        config: the stage's settings.
        folder: the run's; `folder/checkpoints` holds the way there.
        n_rows: that are trained on.
        on_log: gets the whole log so far each time it grows.
        validate: as in `engine.train_adapter`.
    """
    checkpoint = find_checkpoint(folder / CHECKPOINTS)
    state = _read_state(checkpoint) if checkpoint else None
    if state and _is_over(state):  # killed between the last step and the end: one more would be wrong
        load_weights(state.best_model_checkpoint or checkpoint)
        on_log(state.log_history)
        return Trained(n_rows, state.global_step, rows_per_second=0.0, peak_bytes=0)
    os.environ["TENSORBOARD_LOGGING_DIR"] = str(folder / "tensorboard")
    disable_progress_bars()  # of the data set: preparing it takes a moment, training has its own bar
    recorder, trainer = Recorder(on_log), make_trainer()
    for callback in (recorder, ProgressBar(), *_stoppers(config)):
        trainer.add_callback(callback)
    trainer.remove_callback(ProgressCallback)
    trainer.remove_callback(PrinterCallback)
    trainer.validate = validate
    if torch.cuda.is_available():
        torch.cuda.reset_peak_memory_stats()
    result = trainer.train(resume_from_checkpoint=checkpoint)
    # The trainer leaves its mixed-precision wrapper on the model; answers must not depend on that.
    trainer.accelerator.unwrap_model(trainer.model, keep_fp32_wrapper=False)
    return Trained(
        n_rows=n_rows,
        steps=result.global_step,
        rows_per_second=recorder.rows_per_second(config.batch_size * config.accumulation_steps),
        peak_bytes=torch.cuda.max_memory_allocated() if torch.cuda.is_available() else 0,
    )


def describe_training(config: TrainConfig, folder: Path, n_rows: int, validating: bool) -> dict[str, Any]:
    """Our settings in the trainer's words (TrainingArguments); whatever could default otherwise is named."""
    dtype, cuda = choose_dtype(config.base.dtype), torch.cuda.is_available()
    return {
        "output_dir": str(folder / CHECKPOINTS),
        "per_device_train_batch_size": config.batch_size,
        "gradient_accumulation_steps": config.accumulation_steps,
        "num_train_epochs": config.epochs,
        "max_steps": config.max_steps or -1,
        "learning_rate": config.learning_rate,
        "lr_scheduler_type": SCHEDULES.get(config.schedule, config.schedule),
        "warmup_steps": config.warmup_steps,
        "weight_decay": config.weight_decay,
        "max_grad_norm": config.max_grad_norm,
        "optim": OPTIMIZERS.get(config.optimizer, config.optimizer),
        "use_cpu": not cuda,
        "bf16": dtype == torch.bfloat16,
        "fp16": dtype == torch.float16,
        "gradient_checkpointing": config.gradient_checkpointing,
        "gradient_checkpointing_kwargs": {"use_reentrant": False},
        "seed": config.seed,
        "data_seed": config.seed,
        "logging_steps": 1 if n_rows <= 10_000 else 10,
        "save_strategy": "steps",
        "save_steps": config.checkpoint_steps,
        "restore_callback_states_from_checkpoint": True,  # the patience spent so far
        "eval_strategy": "steps" if validating else "no",
        "eval_steps": config.checkpoint_steps,
        "load_best_model_at_end": validating,
        "metric_for_best_model": BEST,
        "greater_is_better": True,
        "report_to": [] if config.report_to == "none" else [config.report_to],
        "dataloader_pin_memory": cuda,
    }


def find_checkpoint(checkpoints: Path) -> str | None:
    """The newest whole checkpoint, or None; what a kill cut short is removed."""
    whole = []
    for path in checkpoints.glob(f"{PREFIX_CHECKPOINT_DIR}-*"):
        if (path / COMPLETE).is_file():
            whole.append(path)
        else:
            shutil.rmtree(path)
    return str(max(whole, key=lambda path: int(path.name.rpartition("-")[2]))) if whole else None


def _stoppers(config: TrainConfig) -> list[TrainerCallback]:
    return [EarlyStoppingCallback(config.patience)] if config.patience else []


def _read_state(checkpoint: str) -> TrainerState:
    return TrainerState.load_from_json(str(Path(checkpoint) / TRAINER_STATE_NAME))


def _is_over(state: TrainerState) -> bool:
    """True when the checkpoint was written as the training stopped, by its steps or its patience."""
    return state.stateful_callbacks["TrainerControl"]["args"]["should_training_stop"]
