"""Loading an encoder with a multiple-choice head, freezing its lower part, saving it."""

from pathlib import Path

import torch
from safetensors import SafetensorError
from transformers import AutoModelForMultipleChoice, PreTrainedModel, PreTrainedTokenizerBase, set_seed
from transformers.utils import logging

from science_exam.errors import UserError
from science_exam.training.base import find_base
from science_exam.training.config import BaseConfig, EncoderConfig
from science_exam.training.encoder.depths import find_depths
from science_exam.training.folders import whole_folder
from science_exam.training.model import choose_dtype


def load_fresh_encoder(base: BaseConfig, settings: EncoderConfig, seed: int) -> PreTrainedModel:
    """A pretrained encoder with a new head, in fp32, its lower part frozen as `settings` say.

    The weights are fp32 whatever the checkpoint holds: DeBERTa-v3 comes in fp16, where the updates of
    fine-tuning are smaller than the rounding.

    Args:
        base: whose `dtype` is what products are computed in (autocast), the model's `compute_dtype`.
        settings: what is frozen.
        seed: of the head.

    Raises:
        UserError: absent, gated, no encoder, not whole, or with fewer layers than are to be frozen.
    """
    set_seed(seed)
    model, missing = _load(base)
    depths = find_depths(model)
    if lacking := [name for name in missing if depths.get(name, 0) < max(depths.values())]:
        raise UserError(
            f"base {base.path!r}: expected the weights of a whole encoder, found {len(lacking)} missing, "
            f"such as {lacking[0]}"
        )
    freeze_lower_part(model, settings)
    return model


def load_trained_encoder(base: BaseConfig) -> PreTrainedModel:
    """A trained encoder with its head, for answering.

    Raises:
        UserError: as for a fresh one, or it has no trained head.
    """
    model, missing = _load(base)
    if missing:
        raise UserError(
            f"{base.path}: expected an encoder with a trained head, found no {missing[0]}; train it first: "
            f"make train FOLD=0 ARGS=base.path={base.path}"
        )
    return model.eval()


def save_encoder(model: PreTrainedModel, tokenizer: PreTrainedTokenizerBase, folder: Path) -> None:
    """Write model (safetensors) and tokenizer; the folder appears whole or not at all."""
    with whole_folder(folder) as partial:
        model.save_pretrained(str(partial))
        tokenizer.save_pretrained(str(partial))


def freeze_lower_part(model: PreTrainedModel, settings: EncoderConfig) -> None:
    """Keep the embeddings and the lowest layers as they are, as `settings` say.

    Raises:
        UserError: the model has fewer layers.
    """
    depths = find_depths(model)
    n_layers = max(depths.values()) - 1
    if settings.frozen_layers > n_layers:
        raise UserError(
            f"encoder.frozen_layers: expected at most the base's {n_layers} layers, "
            f"found {settings.frozen_layers}"
        )
    for name, parameter in model.named_parameters():
        depth = depths[name]
        frozen = settings.frozen_embeddings if depth == 0 else depth <= settings.frozen_layers
        parameter.requires_grad_(not frozen)


def _load(base: BaseConfig) -> tuple[PreTrainedModel, list[str]]:
    """The model on the best device here, and the names of weights that its files lack."""
    dtype = choose_dtype(base.dtype)
    device = "cuda" if torch.cuda.is_available() else "cpu"
    verbosity = logging.get_verbosity()
    logging.set_verbosity_error()  # a new head is what is asked for, and what else is missing is an error
    try:
        model, report = AutoModelForMultipleChoice.from_pretrained(
            find_base(base.path), dtype=torch.float32, output_loading_info=True
        )
    except (OSError, ValueError, RuntimeError, SafetensorError) as error:
        reason = " ".join(str(error).split())[:300]
        raise UserError(f"base {base.path!r}: does not load: {reason}") from None
    finally:
        logging.set_verbosity(verbosity)
    model.to(device)
    model.compute_dtype = dtype  # for answering; the trainer sees to it in training
    return model, sorted(report["missing_keys"])
