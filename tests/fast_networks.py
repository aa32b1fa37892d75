"""Tiny models with adapters for the tests of the fast engine, and what autograd says of them.

The reference runs transformers' own model with PEFT's adapters, one row at a time.
"""

import random
from pathlib import Path

import torch
from torch.nn import functional

from science_exam.training.config import BaseConfig, LoraConfig
from science_exam.training.fast.network import Network
from science_exam.training.fast.packing import find_longest, pack_groups
from science_exam.training.fast.plan import Plan
from science_exam.training.fast.rows import Group, divide_step
from science_exam.training.model import add_adapter, load_base

N_TOKENS = 300  # of the vocabulary
SIZES = {
    "vocab_size": N_TOKENS,
    "hidden_size": 64,
    "intermediate_size": 192,
    "num_hidden_layers": 3,
    "num_attention_heads": 4,
    "num_key_value_heads": 2,
    "max_position_embeddings": 512,
    "initializer_range": 0.1,
}


def save_base(folder: Path, architecture: str, **settings) -> str:
    """A random model in which no bias is zero and no norm's weight is one; returns its folder."""
    import transformers

    classes = {
        name.lower(): getattr(transformers, f"{name}ForCausalLM") for name in ("Llama", "Mistral", "Qwen2")
    }
    made = classes[architecture]
    torch.manual_seed(0)
    model = made(made.config_class(**SIZES | settings))
    for name, weight in model.named_parameters():
        if weight.ndim == 1:
            weight.data.normal_(mean=float("norm" in name), std=0.2)
    model.save_pretrained(folder)
    return str(folder)


def load_trained(
    folder: str, quantization: str = "none", dtype: str = "fp32", deviation: float = 0.2, **lora
):
    """The model in `folder` with an adapter that has been trained: neither half of it is zero."""
    base = load_base(BaseConfig(path=folder, quantization=quantization, dtype=dtype))
    model = add_adapter(base, LoraConfig(**{"r": 4, "alpha": 8, **lora}), seed=1)
    torch.manual_seed(2)
    for weight in list_adapters(model).values():
        weight.data.normal_(std=deviation)
    return model


def list_adapters(model) -> dict[str, torch.nn.Parameter]:
    """What trains, by name."""
    return {name: weight for name, weight in model.named_parameters() if weight.requires_grad}


def make_examples(n_questions: int = 5, seed: int = 0, n_classes: int = N_TOKENS) -> list[dict]:
    """Random rows; a question has one of them, or three that begin alike."""
    source = random.Random(seed)

    def draw(n: int, below: int = N_TOKENS) -> list[int]:
        return [source.randrange(below) for _ in range(n)]

    examples = []
    for number in range(n_questions):
        prefix = draw(source.randrange(10, 40))
        for _ in range((1, 3)[number % 2]):
            prompt = prefix + draw(source.randrange(3, 20))
            completion = draw(source.randrange(1, 4), n_classes)
            mask = [0] * len(prompt) + [1] * len(completion)
            row = {"input_ids": prompt + completion, "completion_mask": mask}
            examples.append({**row, "group": f"question {number}"})
    return examples


def differentiate_by_autograd(model, examples: list[dict], classes=None) -> tuple[float, dict]:
    """The mean loss over all completion tokens, and its gradient at every adapter, by name."""
    model.zero_grad()
    total, n_targets = 0.0, sum(sum(example["completion_mask"]) for example in examples)
    for example in examples:
        ids = torch.tensor(example["input_ids"])
        n_prompt = len(ids) - sum(example["completion_mask"])
        logits = model(input_ids=ids[None]).logits[0, n_prompt - 1 : -1].float()
        targets = ids[n_prompt:]
        if classes is not None:
            logits, targets = logits[:, classes], torch.tensor([classes.index(n) for n in targets.tolist()])
        loss = functional.cross_entropy(logits, targets, reduction="sum") / n_targets
        loss.backward()
        total += loss.item()
    return total, {name: weight.grad.clone() for name, weight in list_adapters(model).items()}


def differentiate_in_packs(
    network: Network, model, groups: list[Group], max_tokens: int = 10**6, seed: int = 0, classes=None
) -> tuple[float, dict]:
    """The same by the fast engine, in packs of up to `max_tokens`."""
    network.adapters.gradients.zero_()
    scale = 1 / sum(group.n_targets for group in groups)
    class_of = None if classes is None else {token: number for number, token in enumerate(classes)}
    total, longest = 0.0, find_longest(groups, 0)
    for part in divide_step(groups, max_tokens)[0]:
        pack, shape = pack_groups(part, scale, seed, class_of)
        total += network.differentiate(network.embedding.fill(pack), shape, longest).item()
    return total, collect_gradients(network, model)


def collect_gradients(network: Network, model) -> dict[str, torch.Tensor]:
    """Gradient of every adapter, by name; the weights are parts of the network's one vector."""
    gradients = {}
    for name, weight in list_adapters(model).items():
        start = weight.storage_offset()
        gradients[name] = (
            network.adapters.gradients[start : start + weight.numel()].view(weight.shape).clone()
        )
    return gradients


def plan_of(n_recomputed: int = 0, n_expanded: int = 0, on_host: bool = False) -> Plan:
    """A plan that a network follows."""
    return Plan(10**6, n_recomputed, n_expanded, embedding_on_host=on_host, peak_bytes=0)


def find_largest_error(found: dict[str, torch.Tensor], expected: dict[str, torch.Tensor]) -> float:
    """Length of the difference over the length of what is expected, of the worst adapter."""
    assert found.keys() == expected.keys()
    return max(
        float((found[name] - gradient).norm() / gradient.norm()) for name, gradient in expected.items()
    )
