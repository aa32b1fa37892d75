"""The model that learns, of either kind: a base that writes, with an adapter, or an encoder with a head."""

from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType

from science_exam.choices import is_encoder
from science_exam.errors import UserError
from science_exam.training import processes
from science_exam.training.base import read_model_type
from science_exam.training.config import BaseConfig, TrainConfig
from science_exam.training.outcome import Trained

# What means nothing to an encoder; it reads each option apart, in no order.
NOT_FOR_ENCODERS = ("data", "lora", "objective", "permutations")
NONE_FURTHER: Mapping[str, Path] = MappingProxyType({})


def check_kind(config: TrainConfig) -> None:
    """Raise a UserError for settings that mean nothing to a base of this kind."""
    model_type, usual = read_model_type(config.base.path), TrainConfig()
    unused = NOT_FOR_ENCODERS if is_encoder(model_type) else ("encoder",)
    for name in unused:
        if getattr(config, name) != getattr(usual, name):
            kind = "an encoder" if is_encoder(model_type) else "no encoder"
            raise UserError(
                f"{name}: means nothing to base {config.base.path!r}, which is {kind} ({model_type}); "
                f"leave it out"
            )
    if is_encoder(model_type) and processes.count() > 1:
        raise UserError(f"{processes.count()} processes: expected one, which trains an encoder on one GPU")


def check_streamable(base: str) -> None:
    """Raise a UserError when a base is an encoder: they are small, and whole once they are trained."""
    if is_encoder(read_model_type(base)):
        raise UserError(f"streaming: means nothing to {base}, which is an encoder; leave it out")


def load_tokenizer(path: str):
    """The tokenizer of a base."""
    if is_encoder(read_model_type(path)):
        from science_exam.training.encoder.tokenizer import load_encoder_tokenizer

        return load_encoder_tokenizer(path)
    from science_exam.training import model

    return model.load_tokenizer(path)


def load_learner(config: TrainConfig):
    """The model before its training: the base with a fresh adapter, or an encoder with a fresh head."""
    if is_encoder(read_model_type(config.base.path)):
        from science_exam.training.encoder.model import load_fresh_encoder

        return load_fresh_encoder(config.base, config.encoder, config.seed)
    from science_exam.training import model

    return model.add_adapter(model.load_base(config.base), config.lora, config.seed)


def train_learner(model, *arguments) -> Trained:
    """`engine.train_adapter`, or its like for an encoder, with the same arguments."""
    if is_encoder(model.config.model_type):
        from science_exam.training.encoder.loop import train_encoder

        return train_encoder(model, *arguments)
    from science_exam.training.engine import train_adapter

    return train_adapter(model, *arguments)


def load_trained(base: BaseConfig, adapter: Path | None, further: Mapping[str, Path] = NONE_FURTHER):
    """The model after its training, for answering.

    Args:
        base: a base that writes, or a trained encoder (`read_training` names it).
        adapter: the trained adapter's folder, None for the base alone; encoders have none.
        further: names and folders of adapters beside that one, which share the base.
    """
    if is_encoder(read_model_type(base.path)):
        from science_exam.training.encoder.model import load_trained_encoder

        return load_trained_encoder(base)
    from science_exam.training import model

    loaded = model.load_adapter(model.load_base(base), adapter) if adapter else model.load_base(base)
    for name, folder in further.items():
        model.load_further_adapter(loaded, folder, name)
    return loaded
