"""TRL's SFTTrainer as the training loop."""

from collections.abc import Iterator
from pathlib import Path

import torch
from datasets import Dataset
from trl import SFTConfig, SFTTrainer

from science_exam.training.config import TrainConfig
from science_exam.training.optimizers import create_optimizer
from science_exam.training.outcome import OnLog, Trained, Validate
from science_exam.training.trainer_loop import ValidatingTrainer, describe_training, run_trainer


class _ValidatingSFTTrainer(ValidatingTrainer, SFTTrainer):
    pass


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

    def make_trainer() -> _ValidatingSFTTrainer:
        fresh = [parameter.detach().clone() for parameter in _trainable(model)]
        arguments = SFTConfig(
            **describe_training(config, folder, len(examples), validating=validate is not None),
            completion_only_loss=True,
            max_length=None,  # rows already fit: cutting here would cut answers
            packing=False,
        )
        trainer = _ValidatingSFTTrainer(
            model=model,
            processing_class=tokenizer,
            args=arguments,
            optimizers=(create_optimizer(model, arguments, config.lora.plus_ratio), None),
            train_dataset=Dataset.from_list(examples),
            # The trainer asks for a data set before it lets us evaluate; `validate` holds the rows.
            eval_dataset=Dataset.from_list(examples[:1]) if validate else None,
        )
        _restore_precision(model, fresh)
        return trainer

    def load_weights(checkpoint: str) -> None:
        model.load_adapter(checkpoint, "default")

    return run_trainer(make_trainer, load_weights, config, folder, len(examples), on_log, validate)


def _trainable(model) -> Iterator[torch.nn.Parameter]:
    return (parameter for parameter in model.parameters() if parameter.requires_grad)


def _restore_precision(model, fresh: list[torch.Tensor]) -> None:
    """Undo the trainer's rounding of a quantised model's adapter to bf16 (see `add_adapter`)."""
    for parameter, values in zip(_trainable(model), fresh, strict=True):
        parameter.data = values
