"""Loading a language model to write with: weights in safetensors, no code of the model's own."""

from pathlib import Path

from science_exam.environment import is_ampere
from science_exam.errors import UserError
from science_exam.questions.generation.config import LocalConfig


def load_checkpoint(config: LocalConfig) -> tuple:
    """The model on the best device here, in eval mode, and its tokenizer, which pads on the left.

    Raises:
        UserError: absent, no causal language model in safetensors, or nf4 without a GPU.
    """
    from safetensors import SafetensorError
    from transformers import AutoModelForCausalLM, AutoTokenizer

    path = _check_path(config.path)
    try:
        tokenizer = AutoTokenizer.from_pretrained(path, trust_remote_code=False, padding_side="left")
        model = AutoModelForCausalLM.from_pretrained(path, **_choose_loading(config))
    except (OSError, ValueError, SafetensorError) as error:
        reason = " ".join(str(error).split())[:300]
        raise UserError(
            f"local.path {config.path!r}: does not load: {reason}; give a folder with config.json, "
            f"tokenizer.json and *.safetensors, or OWNER/MODEL from the hub"
        ) from None
    if tokenizer.eos_token_id is None:
        raise UserError(f"local.path {config.path!r}: expected a tokenizer with an end-of-text token")
    if tokenizer.pad_token_id is None:
        tokenizer.pad_token = tokenizer.eos_token
    return model.eval().requires_grad_(False), tokenizer


def _check_path(path: str) -> str:
    """A path that is meant as a folder must be one; the libraries would ask the hub for it."""
    folder = Path(path).expanduser()
    if (folder / "config.json").is_file():
        return str(folder)
    if folder.is_dir() or path.startswith((".", "/", "~")) or path.count("/") != 1:
        raise UserError(
            f"local.path {path!r}: expected a folder with config.json, or OWNER/MODEL from the hub"
        )
    return path


def _choose_loading(config: LocalConfig) -> dict:
    """How to load on this machine: 16 bits on a GPU, 32 on a CPU, which has no fast 16-bit products."""
    import torch
    from transformers import BitsAndBytesConfig

    cuda = torch.cuda.is_available()
    if config.quantization == "nf4" and not cuda:
        raise UserError("local.quantization=nf4: expected a GPU, found none; use local.quantization=none")
    dtype = torch.float32
    if cuda:
        dtype = torch.bfloat16 if is_ampere() else torch.float16
    nf4 = BitsAndBytesConfig(
        load_in_4bit=True,
        bnb_4bit_quant_type="nf4",
        bnb_4bit_use_double_quant=True,
        bnb_4bit_compute_dtype=dtype,
    )
    return {
        "dtype": dtype,
        "quantization_config": nf4 if config.quantization == "nf4" else None,
        "device_map": {"": 0 if cuda else "cpu"},
        "use_safetensors": True,
        "trust_remote_code": False,
    }
