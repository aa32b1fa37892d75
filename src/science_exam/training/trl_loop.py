"""TRL's SFTTrainer as the training loop, with checkpoints that survive a kill at any moment."""

import os
import shutil
from collections.abc import Iterator
from pathlib import Path

import torch
from datasets import Dataset, disable_progress_bars
from transformers import (
    EarlyStoppingCallback,
    PrinterCallback,
    ProgressCallback,
    TrainerCallback,
    TrainerState,
)
from transformers.trainer import TRAINER_STATE_NAME
from transformers.trainer_utils import PREFIX_CHECKPOINT_DIR
from trl import SFTConfig, SFTTrainer

from science_exam.training.callbacks import COMPLETE, ProgressBar, Recorder
from science_exam.training.config import TrainConfig
from science_exam.training.model import choose_dtype
from science_exam.training.optimizers import create_optimizer
from science_exam.training.outcome import BEST, CHECKPOINTS, OnLog, Trained, Validate

OPTIMIZERS = {"adamw": "adamw_torch"}  # the other names are the library's own
SCHEDULES = {"constant": "constant_with_warmup"}


def train_with_trl(
    model,
    tokenizer,
    examples: list[dict],
    config: TrainConfig,
    folder: Path,
    on_log: OnLog,
    validate: Validate | None = None,
) -> Trained:
    """`engine.train_adapter` without the saving at the end."""
    checkpoint = find_checkpoint(folder / CHECKPOINTS)
    state = _read_state(checkpoint) if checkpoint else None
    if state and _is_over(state):  # killed between the last step and the end: one more would be wrong
        model.load_adapter(state.best_model_checkpoint or checkpoint, "default")
        on_log(state.log_history)
        return Trained(len(examples), state.global_step, rows_per_second=0.0, peak_bytes=0)
    return _train(model, tokenizer, examples, config, folder, on_log, validate, checkpoint)


def _train(
    model, tokenizer, examples, config: TrainConfig, folder: Path, on_log, validate, checkpoint: str | None
) -> Trained:
    os.environ["TENSORBOARD_LOGGING_DIR"] = str(folder / "tensorboard")
    disable_progress_bars()  # of the data set: preparing it takes a moment, training has its own bar
    fresh = [parameter.detach().clone() for parameter in _trainable(model)]
    recorder = Recorder(on_log)
    arguments = _arguments(config, folder / CHECKPOINTS, len(examples), validating=validate is not None)
    trainer = _ValidatingTrainer(
        model=model,
        processing_class=tokenizer,
        args=arguments,
        optimizers=(create_optimizer(model, arguments, config.lora.plus_ratio), None),
        train_dataset=Dataset.from_list(examples),
        # The trainer asks for a data set before it lets us evaluate; `validate` holds the rows.
        eval_dataset=Dataset.from_list(examples[:1]) if validate else None,
        callbacks=[recorder, ProgressBar(), *_stoppers(config)],
    )
    trainer.remove_callback(ProgressCallback)
    trainer.remove_callback(PrinterCallback)
    trainer.validate = validate
    _restore_precision(model, fresh)
    if torch.cuda.is_available():
        torch.cuda.reset_peak_memory_stats()
    result = trainer.train(resume_from_checkpoint=checkpoint)
    # The trainer leaves its mixed-precision wrapper on the model; answers must not depend on that.
    trainer.accelerator.unwrap_model(model, keep_fp32_wrapper=False)
    return Trained(
        n_rows=len(examples),
        steps=result.global_step,
        rows_per_second=recorder.rows_per_second(config.batch_size * config.accumulation_steps),
        peak_bytes=torch.cuda.max_memory_allocated() if torch.cuda.is_available() else 0,
    )


def find_checkpoint(checkpoints: Path) -> str | None:
    """The newest whole checkpoint, or None; what a kill cut short is removed."""
    whole = []
    for path in checkpoints.glob(f"{PREFIX_CHECKPOINT_DIR}-*"):
        if (path / COMPLETE).is_file():
            whole.append(path)
        else:
            shutil.rmtree(path)
    return str(max(whole, key=lambda path: int(path.name.rpartition("-")[2]))) if whole else None


class _ValidatingTrainer(SFTTrainer):
    """SFTTrainer whose evaluation is ours: the decoder that answers is the one that validates."""

    validate: Validate | None = None

    def evaluate(self, *_, metric_key_prefix: str = "eval", **__) -> dict[str, float]:
        scores = self.validate()
        metrics = {f"{metric_key_prefix}_{name}": value for name, value in scores.items()}
        self.log(metrics)  # still in eval mode: in train mode the trainer would add its own figures
        self.model.train()
        self.control = self.callback_handler.on_evaluate(self.args, self.state, self.control, metrics)
        return metrics


def _stoppers(config: TrainConfig) -> list[TrainerCallback]:
    return [EarlyStoppingCallback(config.patience)] if config.patience else []


def _arguments(config: TrainConfig, folder: Path, n_rows: int, validating: bool) -> SFTConfig:
    """Our settings in the trainer's words; whatever could default otherwise is named."""
    dtype, cuda = choose_dtype(config.base.dtype), torch.cuda.is_available()
    return SFTConfig(
        output_dir=str(folder),
        per_device_train_batch_size=config.batch_size,
        gradient_accumulation_steps=config.accumulation_steps,
        num_train_epochs=config.epochs,
        max_steps=config.max_steps or -1,
        learning_rate=config.learning_rate,
        lr_scheduler_type=SCHEDULES.get(config.schedule, config.schedule),
        warmup_steps=config.warmup_steps,
        weight_decay=config.weight_decay,
        max_grad_norm=config.max_grad_norm,
        optim=OPTIMIZERS.get(config.optimizer, config.optimizer),
        use_cpu=not cuda,
        bf16=dtype == torch.bfloat16,
        fp16=dtype == torch.float16,
        gradient_checkpointing=config.gradient_checkpointing,
        gradient_checkpointing_kwargs={"use_reentrant": False},
        seed=config.seed,
        data_seed=config.seed,
        completion_only_loss=True,
        max_length=None,  # rows already fit: cutting here would cut answers
        packing=False,
        logging_steps=1 if n_rows <= 10_000 else 10,
        save_strategy="steps",
        save_steps=config.checkpoint_steps,
        restore_callback_states_from_checkpoint=True,  # the patience spent so far
        eval_strategy="steps" if validating else "no",
        eval_steps=config.checkpoint_steps,
        load_best_model_at_end=validating,
        metric_for_best_model=BEST,
        greater_is_better=True,
        report_to=[] if config.report_to == "none" else [config.report_to],
        dataloader_pin_memory=cuda,
    )


def _trainable(model) -> Iterator[torch.nn.Parameter]:
    return (parameter for parameter in model.parameters() if parameter.requires_grad)


def _restore_precision(model, fresh: list[torch.Tensor]) -> None:
    """Undo the trainer's rounding of a quantised model's adapter to bf16 (see `add_adapter`)."""
    for parameter, values in zip(_trainable(model), fresh, strict=True):
        parameter.data = values


def _read_state(checkpoint: str) -> TrainerState:
    return TrainerState.load_from_json(str(Path(checkpoint) / TRAINER_STATE_NAME))


def _is_over(state: TrainerState) -> bool:
    """True when the checkpoint was written as the training stopped, by its steps or its patience."""
    return state.stateful_callbacks["TrainerControl"]["args"]["should_training_stop"]
