"""What the fast engine can train; the rest is left to TRL's loop."""

from torch import nn

from science_exam.training.config import TrainConfig
from science_exam.training.fast.adapters import is_adapted
from science_exam.training.fast.network import list_groups

ARCHITECTURES = ("llama", "mistral", "qwen2")
CHANGING_ROPES = ("dynamic", "longrope")


def find_obstacle(model: nn.Module, config: TrainConfig, longest_row: int) -> str | None:
    """Why the fast engine cannot train this model, in a few words; None where it can.

    Args:
        model: PEFT's, with its adapter.
        config: the stage's settings.
        longest_row: tokens of the longest row.
    """
    described = model.get_base_model().config
    if described.model_type not in ARCHITECTURES:
        return f"the base is a {described.model_type}, not one of {', '.join(ARCHITECTURES)}"
    if described.hidden_act != "silu":
        return f"the base's feed-forward has {described.hidden_act}, not silu"
    rope = (getattr(described, "rope_parameters", None) or {}).get("rope_type", "default")
    if rope in CHANGING_ROPES:
        return f"the base's rotary embedding is {rope}, which changes with the length of a row"
    window = getattr(described, "sliding_window", None)
    if window is not None and longest_row > window:
        return f"the base attends to {window} tokens, and a row has {longest_row}"
    if getattr(model, "is_loaded_in_8bit", False):
        return "the base is in 8 bits, whose product takes outliers apart"
    if config.lora.dora:
        return "DoRA changes what an adapter computes"
    if any(module.bias for module in model.peft_config.values() if module.bias != "none"):
        return "the adapter trains biases"
    layers = model.get_base_model().model.layers
    if not any(is_adapted(linear) for layer in layers for group in list_groups(layer) for linear in group):
        return "no linear layer inside the blocks is adapted"
    return None
