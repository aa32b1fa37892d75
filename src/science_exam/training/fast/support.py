"""What packed rows can be read and trained with; the rest is left to the libraries' own ways."""

from torch import nn

from science_exam.training.fast.adapters import is_adapted
from science_exam.training.fast.llama import find_bare, list_all_groups

ARCHITECTURES = ("llama", "mistral", "qwen2")
CHANGING_ROPES = ("dynamic", "longrope")


def find_obstacle(model: nn.Module, longest_row: int) -> str | None:
    """Why the fast engine cannot train this model, in a few words; None where it can.

    Args:
        model: PEFT's, with its adapter.
        longest_row: tokens of the longest row.
    """
    if obstacle := find_reading_obstacle(model, longest_row):
        return obstacle
    if not any(is_adapted(layer) for group in list_all_groups(model) for layer in group):
        return "no linear layer inside the blocks is adapted"
    return None


def find_reading_obstacle(model: nn.Module, longest_row: int) -> str | None:
    """Why the model cannot read packed rows, in a few words; None where it can.

    Args:
        model: transformers', or PEFT's with its adapters.
        longest_row: tokens of the longest row.
    """
    described = find_bare(model).config
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
    adapters = getattr(model, "peft_config", {}).values()
    if any(adapter.use_dora for adapter in adapters):
        return "DoRA changes what an adapter computes"
    if any(adapter.bias != "none" for adapter in adapters):
        return "the adapter trains biases"
    return None
