"""Whether a merged model says what its base says with the adapter on it."""

from pathlib import Path

import torch
from transformers import AutoConfig

from science_exam.errors import UserError
from science_exam.training.config import BaseConfig
from science_exam.training.model import choose_dtype, load_adapter, load_base, load_tokenizer

# What both models go on with; any text does, the more varied the better.
TEXTS = (
    "Water boils at 100 degrees Celsius at sea level, and at less in the mountains, because",
    "Question: which planet has the shortest year?\noption_1: Venus\noption_2: Mercury\nAnswer:",
    "The derivative of x^2 is 2x; that of sin(x) is",
)
# Of the difference over the logits themselves (Euclidean norms). In 16 bits every merged weight is rounded,
# and so is every sum of the adapter's output with the base's.
TOLERANCES = {"fp32": 1e-4, "bf16": 0.1, "fp16": 0.02}


def check_merged(base: str, adapter: Path, merged: Path) -> float:
    """Compare the logits of both on a few texts; one model at a time is in memory.

    Returns:
        The relative difference.

    Raises:
        UserError: it is larger than rounding explains.
    """
    dtype = choose_check_dtype(merged)
    tokenizer = load_tokenizer(base)
    prompts = [tokenizer(text, return_tensors="pt")["input_ids"] for text in TEXTS]
    settings = BaseConfig(path=base, quantization="none", dtype=dtype)
    expected = compute_logits(load_adapter(load_base(settings), adapter), prompts)
    settings = BaseConfig(path=str(merged), quantization="none", dtype=dtype)
    found = compute_logits(load_base(settings), prompts)
    difference = float((found - expected).norm() / expected.norm())
    if not difference <= TOLERANCES[dtype]:
        raise UserError(
            f"{merged}: its logits differ from those of base and adapter by {difference:.1e} of their size, "
            f"expected at most {TOLERANCES[dtype]:.0e}; the merged model was not kept"
        )
    return difference


def choose_check_dtype(model: Path) -> str:
    """The type to compare in: 16 bits where the weights have 16, so that no more memory is needed."""
    if AutoConfig.from_pretrained(model).dtype == torch.float32:
        return "fp32"
    return "fp16" if choose_dtype("auto") == torch.float16 else "bf16"


@torch.inference_mode()
def compute_logits(model, prompts: list[torch.Tensor]) -> torch.Tensor:
    """(tokens of all prompts, vocabulary) fp32 on the CPU."""
    logits = [model.eval()(ids.to(model.device), use_cache=False).logits[0] for ids in prompts]
    return torch.cat(logits).float().cpu()
