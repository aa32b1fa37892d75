"""Write a Llama-3.1-8B of the real shape with random weights, to measure speed and memory without a download.

    python benchmarks/make_random_base.py OUT TOKENIZER [layers]

OUT gets 16-bit safetensors (16 GB with the real 32 layers) and the tokenizer's files, so that every
path of `base.path` can be measured on it. Needs a GPU for the real size: 8 billion normal numbers take
minutes on a CPU.
"""

import shutil
import sys
from pathlib import Path

import torch
from transformers import LlamaConfig, LlamaForCausalLM

REAL_LAYERS = 32


def make_config(layers: int) -> LlamaConfig:
    """The published configuration of Llama-3.1-8B."""
    return LlamaConfig(
        vocab_size=128_256,
        hidden_size=4_096,
        intermediate_size=14_336,
        num_hidden_layers=layers,
        num_attention_heads=32,
        num_key_value_heads=8,
        max_position_embeddings=131_072,
        rms_norm_eps=1e-5,
        rope_parameters={
            "rope_type": "llama3",
            "rope_theta": 500_000.0,
            "factor": 8.0,
            "low_freq_factor": 1.0,
            "high_freq_factor": 4.0,
            "original_max_position_embeddings": 8_192,
        },
        bos_token_id=128_000,
        eos_token_id=128_001,
        tie_word_embeddings=False,
        dtype="bfloat16",
    )


def main() -> None:
    out, tokenizer = Path(sys.argv[1]), Path(sys.argv[2])
    layers = int(sys.argv[3]) if len(sys.argv) > 3 else REAL_LAYERS
    torch.manual_seed(0)
    torch.set_default_dtype(torch.bfloat16)
    with torch.device("cuda" if torch.cuda.is_available() else "cpu"):
        model = LlamaForCausalLM(make_config(layers))
    model.save_pretrained(out)
    for file in tokenizer.iterdir():
        shutil.copy(file, out)
    print(f"{out}: {sum(p.numel() for p in model.parameters()) / 1e9:.2f} billion random parameters")


if __name__ == "__main__":
    main()
