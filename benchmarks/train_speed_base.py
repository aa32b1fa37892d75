"""Write a Llama-3.1-8B of the real shape with random weights in NF4, in seconds instead of minutes.

    python benchmarks/train_speed_base.py OUT TOKENIZER [layers]

Each matrix is drawn and quantised on the GPU, so the 16 GB of 16-bit weights (`make_random_base.py`) are
never written. OUT (6 GB) is what `save_pretrained` of a quantised model leaves: embedding, head and norms in
bf16, the linear layers in NF4 with double quantisation.
"""

import shutil
import sys
from collections.abc import Iterator
from pathlib import Path

import torch
from bitsandbytes.functional import quantize_4bit
from make_random_base import REAL_LAYERS, make_config
from safetensors.torch import save_file
from transformers import BitsAndBytesConfig, LlamaConfig, LlamaForCausalLM

from science_exam.training.model import find_linear_layers

NF4 = BitsAndBytesConfig(
    load_in_4bit=True,
    bnb_4bit_quant_type="nf4",
    bnb_4bit_use_double_quant=True,
    bnb_4bit_compute_dtype=torch.bfloat16,
)


def write_nf4_base(config: LlamaConfig, out: Path) -> None:
    """Write `config.json` and `model.safetensors` of a Llama with random weights in NF4."""
    with torch.device("meta"):
        model = LlamaForCausalLM(config)
    linear = tuple(f".{name}.weight" for name in find_linear_layers(model))
    tensors: dict[str, torch.Tensor] = {}
    for name, parameter in model.named_parameters():
        weight = draw_weight(parameter.shape, config.initializer_range)
        tensors.update(quantize_weight(name, weight) if name.endswith(linear) else {name: weight})
    out.mkdir(parents=True, exist_ok=True)
    save_file(tensors, out / "model.safetensors", metadata={"format": "pt"})
    config.architectures = [type(model).__name__]
    config.quantization_config = NF4.to_dict()
    config.save_pretrained(out)


def draw_weight(shape: torch.Size, standard_deviation: float) -> torch.Tensor:
    """bf16: normal numbers for a matrix, ones for the weights of a norm."""
    device = "cuda" if torch.cuda.is_available() else "cpu"
    weight = torch.ones(shape, dtype=torch.bfloat16, device=device)
    return weight if len(shape) == 1 else weight.normal_(0, standard_deviation)


def quantize_weight(name: str, weight: torch.Tensor) -> Iterator[tuple[str, torch.Tensor]]:
    """The packed weight and what its scales need, under the names that transformers reads."""
    packed, state = quantize_4bit(weight, blocksize=64, compress_statistics=True, quant_type="nf4")
    yield name, packed
    for key, tensor in state.as_dict(packed=True).items():
        yield f"{name}.{key}", tensor


def main() -> None:
    out, tokenizer = Path(sys.argv[1]), Path(sys.argv[2])
    layers = int(sys.argv[3]) if len(sys.argv) > 3 else REAL_LAYERS
    torch.manual_seed(0)
    write_nf4_base(make_config(layers), out)
    for file in tokenizer.iterdir():
        shutil.copy(file, out)
    print(f"{out}: {(out / 'model.safetensors').stat().st_size / 1e9:.2f} GB")


if __name__ == "__main__":
    main()
