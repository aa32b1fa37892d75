"""How deep in an encoder each weight lies, and optimizers in which that decides the learning rate."""

import re
from collections import defaultdict

from torch import nn
from torch.optim import Optimizer
from transformers import PreTrainedModel, Trainer, TrainingArguments

LAYER = re.compile(r"\.layers?\.(\d+)\.")


def find_depths(model: PreTrainedModel) -> dict[str, int]:
    """Parameter name -> 0 for the embeddings, layers from 1, and one more than the last for the head.

    What layers share, such as relative positions, counts as embeddings.
    """
    names = [name for name, _ in model.named_parameters()]
    layers = {name: int(found[1]) + 1 for name in names if (found := LAYER.search(name))}
    head = max(layers.values(), default=0) + 1
    inside = f"{model.base_model_prefix}."
    return {
        name: layers.get(name, 0 if name.startswith(inside) and ".pooler." not in name else head)
        for name in names
    }


def create_layered_optimizer(
    model: PreTrainedModel, arguments: TrainingArguments, layer_decay: float
) -> Optimizer:
    """The optimizer that `arguments` name, slower by `layer_decay` with every step down from the head.

    Layer-wise learning-rate decay (Howard and Ruder, Universal Language Model Fine-tuning, 2018). Biases
    and norms have no weight decay. The head's group comes first, so the log shows its learning rate.
    """
    kind, settings = Trainer.get_optimizer_cls_and_kwargs(arguments, model)
    depths = find_depths(model)
    groups: dict[tuple[int, bool], list[nn.Parameter]] = defaultdict(list)
    for name, parameter in model.named_parameters():
        if parameter.requires_grad:
            groups[max(depths.values()) - depths[name], parameter.ndim > 1].append(parameter)
    return kind(
        [
            {
                "params": parameters,
                "lr": arguments.learning_rate * layer_decay**below,
                "weight_decay": arguments.weight_decay if decays else 0.0,
            }
            for (below, decays), parameters in sorted(groups.items(), key=lambda group: group[0])
        ],
        **settings,
    )
