"""Loading a quantised base with its tokenizer, and putting an adapter on it."""

from pathlib import Path

import torch
from safetensors import SafetensorError
from torch import nn
from transformers import (
    AutoConfig,
    AutoModelForCausalLM,
    AutoTokenizer,
    BitsAndBytesConfig,
    PreTrainedModel,
    PreTrainedTokenizerBase,
    set_seed,
)

from science_exam.environment import is_ampere
from science_exam.errors import UserError
from science_exam.training.base import find_base
from science_exam.training.config import BaseConfig, LoraConfig
from science_exam.training.folders import whole_folder

DTYPES = {"bf16": torch.bfloat16, "fp16": torch.float16, "fp32": torch.float32}
INITS = {"default": True}  # the other names are the library's own


def choose_dtype(requested: str) -> torch.dtype:
    """The compute type for this machine.

    Raises:
        UserError: fp16 on a CPU, where training has neither kernels nor loss scaling, or bf16 on a
            GPU that has none.
    """
    cuda = torch.cuda.is_available()
    has_bf16 = not cuda or is_ampere()
    if requested == "auto":
        return (torch.bfloat16 if has_bf16 else torch.float16) if cuda else torch.float32
    if requested == "fp16" and not cuda:
        raise UserError("base.dtype=fp16: expected a GPU, found none; use base.dtype=auto")
    if requested == "bf16" and not has_bf16:
        raise UserError("base.dtype=bf16: this GPU only emulates it, slowly; use base.dtype=fp16 or auto")
    return DTYPES[requested]


def load_tokenizer(path: str) -> PreTrainedTokenizerBase:
    """The base's tokenizer with a padding token; padding is always masked, so any token will do."""
    try:
        tokenizer = AutoTokenizer.from_pretrained(find_base(path))
    except (OSError, ValueError) as error:
        raise UserError(f"base {path!r}: its tokenizer does not load: {_one_line(error)}") from None
    if tokenizer.eos_token_id is None:
        raise UserError(f"base {path!r}: expected a tokenizer with an end-of-text token")
    if tokenizer.pad_token_id is None:
        tokenizer.pad_token = tokenizer.eos_token
    return tokenizer


def load_base(base: BaseConfig) -> PreTrainedModel:
    """The base on the best device here, quantised as `base` says, frozen.

    Raises:
        UserError: absent, gated, or not a causal language model in safetensors.
    """
    path, dtype = find_base(base.path), choose_dtype(base.dtype)
    try:
        config = AutoConfig.from_pretrained(path)
        made_with = getattr(config, "quantization_config", None)
        if made_with is not None:  # pre-quantised: keep the weights, fit the compute type
            made_with["bnb_4bit_compute_dtype"] = str(dtype).removeprefix("torch.")
        model = AutoModelForCausalLM.from_pretrained(
            path,
            config=config,
            dtype=dtype,
            quantization_config=None if made_with else quantize_at_load(base, dtype),
            # the GPU of this process, where several train together
            device_map={"": torch.cuda.current_device() if torch.cuda.is_available() else "cpu"},
            # attn_implementation is left open: fused kernels, but not where they would change the
            # answers (Gemma-2 caps its scores before the softmax, and they do not)
            use_safetensors=True,
        )
    except (OSError, ValueError, SafetensorError) as error:
        raise UserError(f"base {base.path!r}: does not load: {_one_line(error)}") from None
    if made_with:
        _cast_unquantized(model, dtype)
    keep_exact_on_cpu(model)
    return model.requires_grad_(False)


def quantize_at_load(base: BaseConfig, dtype: torch.dtype) -> BitsAndBytesConfig | None:
    """The bitsandbytes settings; every one is named, since the library's defaults are others."""
    if base.quantization == "none":
        return None
    if base.quantization == "int8":
        return BitsAndBytesConfig(load_in_8bit=True)
    return BitsAndBytesConfig(
        load_in_4bit=True,
        bnb_4bit_quant_type=base.quantization,
        bnb_4bit_use_double_quant=base.double_quantization,
        bnb_4bit_compute_dtype=dtype,
    )


def find_linear_layers(model: PreTrainedModel) -> list[str]:
    """Last name parts of the linear layers inside the model's blocks, without the output head.

    4-bit and 8-bit layers are subclasses of `nn.Linear`, so this sees them too.
    """
    head = model.get_output_embeddings()
    names = {
        name.rpartition(".")[2]
        for name, module in model.named_modules()
        if isinstance(module, nn.Linear) and module is not head
    }
    return sorted(names)


def add_adapter(model: PreTrainedModel, lora: LoraConfig, seed: int):
    """`model` with a fresh LoRA adapter; the adapter is fp32 and starts as the identity.

    bf16 adapters lose small updates (its spacing near 0.01 is 6e-5) and fp16 ones break loss
    scaling, so the trained weights are fp32 whatever the base computes in.

    Raises:
        UserError: a target that names no linear layer of this model, or DoRA on 8-bit weights.
    """
    import peft

    set_seed(seed)
    layers = find_linear_layers(model)
    if not layers:
        raise UserError("the base has no linear layers inside its blocks, so LoRA has nothing to adapt")
    if unknown := sorted(set(lora.targets) - set(layers)):
        raise UserError(f"lora.targets: {unknown} are no linear layers; there are {', '.join(layers)}")
    if lora.dora and getattr(model, "is_loaded_in_8bit", False):  # its kernels drop the weights' scales
        raise UserError("lora.dora: expected a base in 4 or 16 bits, found one in 8; use lora.dora=false")
    return peft.get_peft_model(
        model,
        peft.LoraConfig(
            r=lora.r,
            lora_alpha=lora.alpha,
            lora_dropout=lora.dropout,
            use_rslora=lora.rslora,
            use_dora=lora.dora,
            init_lora_weights=INITS.get(lora.init, lora.init),
            target_modules=list(lora.targets) or layers,
            task_type="CAUSAL_LM",
        ),
        autocast_adapter_dtype=True,
    )


def load_adapter(model: PreTrainedModel, folder: Path):
    """`model` with the trained adapter in `folder`, for answering."""
    from peft import PeftModel

    _check_adapter(folder)
    return PeftModel.from_pretrained(model, str(folder)).eval()


def load_further_adapter(model, folder: Path, name: str) -> None:
    """Put the trained adapter in `folder` beside those of `load_adapter`'s model, which share its base."""
    _check_adapter(folder)
    model.load_adapter(str(folder), name)
    model.eval()


def _check_adapter(folder: Path) -> None:
    if not (folder / "adapter_model.safetensors").is_file():
        raise UserError(f"{folder}: expected adapter_model.safetensors; train the run first")


def _cast_unquantized(model: PreTrainedModel, dtype: torch.dtype) -> None:
    """Embedding, norms and head in the compute type: the library leaves those of a pre-quantised base in
    the type they were stored in, which is mostly bf16, also where the GPU has none.
    """
    for weight in model.parameters():
        if weight.is_floating_point() and not hasattr(weight, "quant_state"):
            weight.data = weight.data.to(dtype)


def keep_exact_on_cpu(model: PreTrainedModel) -> None:
    """Keep bitsandbytes from repacking 4-bit weights at the first forward pass in eval mode.

    On CPUs with AVX-512 bf16 it would: products are then rounded to bf16 (also in the training
    that follows), answers differ from CPU to CPU, and widths that 32 does not divide fail.
    """
    for module in model.modules():
        if hasattr(module, "support_avx512bf16_for_cpu"):
            module.support_avx512bf16_for_cpu = False


def save_adapter(model, folder: Path) -> None:
    """Write the adapter as safetensors; the folder appears whole or not at all."""
    with whole_folder(folder) as partial:
        model.save_pretrained(str(partial))


def _one_line(error: Exception) -> str:
    return " ".join(str(error).split())[:300]
