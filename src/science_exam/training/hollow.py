"""A base without its weights: the library's own modules, and where the files hold what each layer needs.

Nothing of a layer is in memory but what is asked for; weights are passed to the empty modules for a call
(`torch.func.functional_call`), so that what computes is the library's code, with its numbers.
"""

from pathlib import Path

import torch
from torch import nn
from transformers import AutoConfig, AutoModelForCausalLM, PreTrainedModel

from science_exam.errors import UserError
from science_exam.training.base import fetch_base
from science_exam.training.config import BaseConfig
from science_exam.training.merging import ADAPTER_FILE
from science_exam.training.model import choose_dtype, keep_exact_on_cpu, quantize_at_load
from science_exam.training.stored_layers import Weights, find_layer
from science_exam.training.weight_files import WeightFiles, check_shape

Call = tuple[tuple, dict]  # arguments of a layer, beside the states
OUTSIDE = "outside the layers"


class StandIn(nn.Module):
    """Stands where a decoder layer stood: notes what it is called with, and hands its input on."""

    def __init__(self, layer: nn.Module) -> None:
        super().__init__()
        self.__dict__["layer"] = layer  # no part of the shell
        self.states: torch.Tensor | None = None
        self.called_with: Call = ((), {})
        self.replacement: torch.Tensor | None = None  # handed on instead of the input

    def __getattr__(self, name: str):
        """Some models ask a layer of what kind it is."""
        try:
            return super().__getattr__(name)
        except AttributeError:
            return getattr(self.__dict__["layer"], name)

    def forward(self, states: torch.Tensor, *args, **kwargs) -> torch.Tensor:
        if states.ndim != 3:
            raise UserError(
                f"{type(self.layer).__name__}: layers that return several things are not streamed"
            )
        self.states, self.called_with = states, (args, kwargs)
        return states if self.replacement is None else self.replacement


class HollowBase:
    """A causal language model, with or without an adapter, whose weights are in files.

    Attributes:
        shell: the model without weights, with `stand_ins` in place of its layers.
        layers: the layers, without weights.
        layer_bytes: of the largest layer, as it is stored.
    """

    def __init__(self, model: PreTrainedModel, files: WeightFiles, dtype: torch.dtype) -> None:
        """
        Args:
            model: without weights.
            files: that have them.
            dtype: the compute type.

        Raises:
            UserError: a weight of a layer is not in the files, or has another shape.
        """
        name, layers = _find_layers(model)
        self.shell, self.layers, self._files, self._dtype = model, list(layers), files, dtype
        self._stored = [
            find_layer(layer, f"{name}.{number}", f"layer {number}", files)
            for number, layer in enumerate(self.layers)
        ]
        self.layer_bytes = max(stored.n_bytes for stored in self._stored)
        self.stand_ins = [StandIn(layer) for layer in self.layers]
        parent, _, attribute = name.rpartition(".")
        setattr(model.get_submodule(parent), attribute, nn.ModuleList(self.stand_ins))
        # `embed` passes it few rows of its weight, among which there may be no such number.
        model.get_input_embeddings().padding_idx = None
        self._stored_names = {
            own_name: model.all_tied_weights_keys.get(own_name, own_name)
            for own_name, _ in model.named_parameters(remove_duplicate=False)
        }
        for own_name, stored_name in self._stored_names.items():
            check_shape(files.find(stored_name, OUTSIDE), model.get_parameter(own_name), stored_name, OUTSIDE)

    def read_layer(self, number: int, out: torch.Tensor) -> int:
        """Read a layer's bytes from the files into `out` (uint8, on the CPU); returns how many."""
        self._stored[number].read(out)
        return self._stored[number].n_bytes

    def build_layer(self, number: int, layer_bytes: torch.Tensor) -> Weights:
        """A layer's weights, by their names in it, from its bytes on the device."""
        return self._stored[number].build(layer_bytes, self._dtype)

    def read_shell(self, device: torch.device, rows: list[int]) -> Weights:
        """The shell's weights and buffers on a device, but the input embedding.

        Args:
            device: where they go.
            rows: of the output head: the tokens that are scored.
        """
        head, embedding = self.shell.get_output_embeddings(), self.shell.get_input_embeddings()
        weights = {name: buffer.to(device) for name, buffer in self.shell.named_buffers()}
        for name, stored_name in self._stored_names.items():
            module = self.shell.get_submodule(name.rpartition(".")[0])
            if module is head:
                weights[name] = self._read(stored_name)[rows].to(device, module.weight.dtype)
            elif module is not embedding:
                weights[name] = self._read(stored_name).to(device, self.shell.get_parameter(name).dtype)
        return weights

    def embed(self, ids: torch.Tensor) -> torch.Tensor:
        """(rows, tokens) ids -> (rows, tokens, width), both on the CPU, without the whole embedding."""
        layer = self.shell.get_input_embeddings()
        [name] = [name for name, module in self.shell.named_modules() if module is layer]
        asked, ids = ids.unique(return_inverse=True)
        weight = self._read(f"{name}.weight")[asked].to(layer.weight.dtype)
        return torch.func.functional_call(layer, {"weight": weight}, ids)

    def run_shell(
        self, weights: Weights, inputs: Weights, output: torch.Tensor | None = None
    ) -> torch.Tensor:
        """Run the model without its layers; `stand_ins` note what the layers would have been called with.

        Args:
            weights: of `read_shell`.
            inputs: of the model, `inputs_embeds` among them.
            output: handed on behind the last layer.

        Returns:
            (rows, tokens, scored tokens) logits.
        """
        self.stand_ins[-1].replacement = output
        return torch.func.functional_call(self.shell, weights, kwargs={**inputs, "use_cache": False}).logits

    def run_layer(self, number: int, weights: Weights, states: torch.Tensor, call: Call) -> torch.Tensor:
        """A layer's output, (rows, tokens, width).

        Args:
            number: of the layer.
            weights: of `build_layer`.
            states: as the layer before gave them.
            call: what its stand-in noted.
        """
        args, kwargs = call
        return torch.func.functional_call(self.layers[number], weights, (states, *args), kwargs)

    def _read(self, stored_name: str) -> torch.Tensor:
        return self._files.read(stored_name, OUTSIDE)


def load_hollow_base(base: BaseConfig, adapter: Path | None = None) -> HollowBase:
    """The hollow form of what `load_base` and `load_adapter` load.

    Of a base that is stored in 4 bits, the library leaves the other weights in the type that they are
    stored in; here they are in the compute type, so that an older GPU computes in fp16 alone.

    Args:
        base: of the stage's settings.
        adapter: the folder of a trained adapter.

    Raises:
        UserError: absent, incomplete or of a form that cannot be taken apart into layers.
    """
    folder, dtype = fetch_base(base.path), choose_dtype(base.dtype)
    model = _make_empty(folder, base, dtype)
    if adapter is not None:
        _adapt(model, adapter)
    keep_exact_on_cpu(model)
    return HollowBase(model.eval().requires_grad_(False), WeightFiles(folder, adapter), dtype)


def _make_empty(folder: Path, base: BaseConfig, dtype: torch.dtype) -> PreTrainedModel:
    """The model with its buffers, without memory for its weights; with 4-bit layers where they will be."""
    from accelerate import init_empty_weights
    from transformers.quantizers import AutoHfQuantizer

    try:
        config = AutoConfig.from_pretrained(folder)
        with init_empty_weights(include_buffers=False):
            model = AutoModelForCausalLM.from_config(config, dtype=dtype)
    except (OSError, ValueError) as error:
        raise UserError(f"base {base.path!r}: does not load: {error}") from None
    made_with = getattr(config, "quantization_config", None)
    if made_with is not None and not made_with.get("load_in_4bit"):
        raise UserError(
            f"base {base.path!r}: expected 16 bits or bitsandbytes' 4 to stream, found {made_with}"
        )
    if made_with is None and base.quantization == "int8":
        raise UserError("base.quantization=int8: layers are streamed in 16 or 4 bits; train on nf4 or none")
    settings = made_with or quantize_at_load(base, dtype)
    if settings is not None:
        if made_with:
            made_with["bnb_4bit_compute_dtype"] = str(dtype).removeprefix("torch.")
        quantizer = AutoHfQuantizer.from_config(settings, pre_quantized=made_with is not None)
        quantizer.preprocess_model(model=model, dtype=dtype, device_map=None)
        quantizer.postprocess_model(model)
    return model


def _adapt(model: PreTrainedModel, folder: Path) -> None:
    """Put PEFT's modules, without weights, around those that the adapter in `folder` adapts."""
    import peft

    if not (folder / ADAPTER_FILE).is_file():
        raise UserError(f"{folder}: expected {ADAPTER_FILE}; train the run first")
    settings = peft.LoraConfig.from_pretrained(str(folder))
    if settings.use_dora and getattr(model, "is_loaded_in_4bit", False):
        raise UserError(
            f"{folder}: trained with lora.dora=true, which needs a base in 16 bits to be streamed"
        )
    settings.inference_mode = True
    settings.base_model_name_or_path = None  # the base may be elsewhere than where it was trained
    peft.get_peft_model(model, settings, low_cpu_mem_usage=True)


def _find_layers(model: PreTrainedModel) -> tuple[str, nn.ModuleList]:
    """The decoder layers and their name."""
    n_layers = model.config.get_text_config().num_hidden_layers
    for name, module in model.named_modules():
        if isinstance(module, nn.ModuleList) and len(module) == n_layers:
            return name, module
    raise UserError(
        f"the base, a {model.config.model_type}, has no list of {n_layers} decoder layers to stream"
    )
