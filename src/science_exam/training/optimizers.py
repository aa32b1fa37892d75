"""The optimizer of an adapter; in LoRA+ its B matrices learn faster than its A matrices."""

from peft.optimizers import create_loraplus_optimizer
from torch.optim import Optimizer
from transformers import Trainer, TrainingArguments


def create_optimizer(model, arguments: TrainingArguments, plus_ratio: float) -> Optimizer:
    """The optimizer that `arguments` name, over everything of `model` that is trained.

    A has the learning rate of `arguments`, B that times `plus_ratio` (Hayou et al., LoRA+: Efficient
    Low Rank Adaptation of Large Models, 2024). The magnitudes of DoRA learn as fast as B.
    Schedules scale both rates alike, and the log shows that of A.
    """
    kind, settings = Trainer.get_optimizer_cls_and_kwargs(arguments, model)
    return create_loraplus_optimizer(
        model,
        kind,
        loraplus_lr_ratio=plus_ratio,
        loraplus_weight_decay=arguments.weight_decay,
        **settings,
    )
