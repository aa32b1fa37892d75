"""Tiny bases of several architectures for the tests of streaming, and prompts without a tokenizer."""

import random
from pathlib import Path

import torch
import transformers

from science_exam.training.config import BaseConfig, LoraConfig
from science_exam.training.model import add_adapter, load_base, save_adapter

N_TOKENS = 300  # of the vocabulary
N_LAYERS = 3
OPTIONS = [[7, 8, token, 0] for token in range(20, 25)]  # two tokens are forced, the third decides
SIZES = {
    "vocab_size": N_TOKENS,
    "hidden_size": 64,
    "intermediate_size": 192,
    "num_hidden_layers": N_LAYERS,
    "num_attention_heads": 4,
    "num_key_value_heads": 2,
    "max_position_embeddings": 256,
    "initializer_range": 0.2,
    "pad_token_id": 0,
    "bos_token_id": 1,
    "eos_token_id": 2,
}
# What sets each apart from the others.
ARCHITECTURES = {
    "Llama": {},
    "Mistral": {"sliding_window": 24},  # much shorter than the prompts
    # a window in every other layer, scores capped before the softmax, tied and scaled embeddings
    "Gemma2": {
        "sliding_window": 24,
        "attn_logit_softcapping": 2.0,
        "head_dim": 16,
        "query_pre_attn_scalar": 16,
    },
    "Phi3": {},  # query, key and value in one matrix
    "Qwen2": {"tie_word_embeddings": True},  # biases
}


def save_base(folder: Path, architecture: str = "Llama", dtype=torch.float32, shard="1GB", **settings) -> str:
    """A random model in which no bias is zero and no norm's weight is one; returns its folder."""
    made = getattr(transformers, f"{architecture}ForCausalLM")
    torch.manual_seed(0)
    model = made(made.config_class(**SIZES | ARCHITECTURES.get(architecture, {}) | settings))
    for name, weight in model.named_parameters():
        if weight.ndim == 1:
            weight.data.normal_(mean=float("norm" in name), std=0.2)
    model.to(dtype).save_pretrained(folder, max_shard_size=shard)
    return str(folder)


def quantize_base(folder: Path, base: str, shard="1GB", **settings) -> str:
    """The same model pre-quantised, as it is published."""
    load_base(BaseConfig(path=base, **settings)).save_pretrained(folder, max_shard_size=shard)
    return str(folder)


def train_adapter(folder: Path, base: BaseConfig, **lora) -> Path:
    """An adapter that changes the answers; returns its folder."""
    model = add_adapter(load_base(base), LoraConfig(**{"r": 4, "alpha": 8, **lora}), seed=0)
    torch.manual_seed(1)
    for name, weight in model.named_parameters():
        if "lora_B" in name or "magnitude" in name:
            weight.data += 0.1 * torch.randn_like(weight)
    save_adapter(model, folder)
    return folder


def draw_prompts(n_prompts: int = 13, longest: int = 60) -> list[list[int]]:
    """Random prompts of unlike lengths."""
    source = random.Random(0)
    return [
        [source.randrange(3, N_TOKENS) for _ in range(source.randrange(5, longest))] for _ in range(n_prompts)
    ]
