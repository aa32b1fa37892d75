"""Training an encoder and its head with the Hugging Face Trainer."""

from pathlib import Path

import torch
from safetensors.torch import load_model
from torch.nn.functional import cross_entropy
from transformers import TrainingArguments
from transformers.utils import SAFE_WEIGHTS_NAME

from science_exam.choices import pad_choices
from science_exam.training.config import TrainConfig
from science_exam.training.encoder.depths import create_layered_optimizer
from science_exam.training.encoder.model import save_encoder
from science_exam.training.outcome import ENCODER, OnLog, Trained, Validate
from science_exam.training.trainer_loop import ValidatingTrainer, describe_training, run_trainer


def train_encoder(
    model,
    tokenizer,
    rows: list[dict],
    config: TrainConfig,
    folder: Path,
    on_log: OnLog,
    validate: Validate | None = None,
) -> Trained:
    """Train encoder and head in place on rows of `build_choices`, and save both in `folder/encoder`.

    Arguments and resumption are as in `engine.train_adapter`.
    """

    def make_trainer() -> ValidatingTrainer:
        described = describe_training(config, folder, len(rows), validating=validate is not None)
        arguments = TrainingArguments(**described, remove_unused_columns=False)
        arguments._n_gpu = 1  # with more, each step would take that many times the rows
        return ValidatingTrainer(
            model=model,
            args=arguments,
            data_collator=lambda batch: pad_choices(batch, tokenizer.pad_token_id),
            train_dataset=rows,
            eval_dataset=rows[:1] if validate else None,  # the trainer asks; `validate` holds the rows
            compute_loss_func=_compute_loss,
            optimizers=(create_layered_optimizer(model, arguments, config.encoder.layer_decay), None),
        )

    def load_weights(checkpoint: str) -> None:
        load_model(model, Path(checkpoint) / SAFE_WEIGHTS_NAME)

    trained = run_trainer(make_trainer, load_weights, config, folder, len(rows), on_log, validate)
    save_encoder(model, tokenizer, folder / ENCODER)
    return trained


def _compute_loss(outputs, labels: torch.Tensor, num_items_in_batch: torch.Tensor) -> torch.Tensor:
    """Cross-entropy over the five scores, a mean over all rows of the optimizer step.

    The models' own is the mean over a batch, and the trainer would add up those of the batches of a step.
    """
    return cross_entropy(outputs.logits.float(), labels, reduction="sum") / num_items_in_batch
