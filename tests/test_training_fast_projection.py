"""Projections that read, with the GPU's kernel played on the CPU."""

import sys
from types import ModuleType

import bitsandbytes
import pytest
import torch
from bitsandbytes.functional import dequantize_4bit
from fast_networks import save_base

from science_exam.training import fast
from science_exam.training.config import BaseConfig, LoraConfig
from science_exam.training.fast import weights
from science_exam.training.fast.adapters import LowRank, stack_adapters
from science_exam.training.fast.llama import Llama, list_all_groups
from science_exam.training.fast.network import Network
from science_exam.training.fast.projection import Projection, ReadingProjection
from science_exam.training.model import add_adapter, load_base

N_INPUTS, N_OUTPUTS, N_RANKS = 128, (128, 64, 64), 12
SEED = torch.zeros((), dtype=torch.int64)


@pytest.fixture
def kernel(monkeypatch):
    """`four_bits` as it would be on a GPU of Ampere's."""

    def expand_adapted(packed, state, out, up, down):
        out.copy_(dequantize_4bit(packed, state) + up @ down)

    def expand_weight(packed, state, out):
        out.copy_(dequantize_4bit(packed, state))

    played = ModuleType("four_bits")
    played.expand_weight, played.expand_adapted = expand_weight, expand_adapted
    monkeypatch.setitem(sys.modules, "science_exam.training.fast.four_bits", played)
    monkeypatch.setattr(fast, "four_bits", played, raising=False)
    monkeypatch.setattr(weights, "_has_kernel", lambda layer: True)
    monkeypatch.setattr(torch.cuda, "get_device_capability", lambda: (8, 0))


def make_layers(bias: bool) -> list:
    """Three 4-bit layers that read the same input."""
    torch.manual_seed(0)
    layers = [bitsandbytes.nn.Linear4bit(N_INPUTS, n_outputs, bias=bias) for n_outputs in N_OUTPUTS]
    for layer in layers:
        weight = torch.randn(layer.out_features, N_INPUTS) / 10
        packed = bitsandbytes.nn.Params4bit(weight, requires_grad=False, quant_type="nf4")
        layer.weight = packed.to("cpu")
    return layers


@pytest.mark.parametrize("bias", [False, True])
def test_an_adapter_within_the_weights_says_what_one_beside_them_says(kernel, bias):
    layers, inputs = make_layers(bias), torch.randn(7, N_INPUTS)
    adapter = LowRank(torch.randn(N_RANKS, N_INPUTS) / 10, torch.randn(sum(N_OUTPUTS), N_RANKS) / 10, 0.0)
    adapter.up[N_OUTPUTS[0] : -N_OUTPUTS[2]] = 0  # the second layer is not adapted
    plain = Projection(layers, adapter, torch.float32, number=0)
    expected, _ = plain.forward(inputs, SEED)
    reading = ReadingProjection(layers, adapter, torch.float32, number=0)
    found, low = reading.forward(inputs, SEED)
    torch.testing.assert_close(found, expected)
    assert low is None
    reading.adapter = plain.adapter = None  # the base alone
    torch.testing.assert_close(reading.forward(inputs, SEED)[0], plain.forward(inputs, SEED)[0])


def test_weights_that_stay_expanded_and_older_gpus_have_their_adapters_beside_them(kernel, monkeypatch):
    [first, *_] = make_layers(bias=False)
    weight = weights.FrozenWeight([first], torch.float32)
    assert weight.takes_adapters
    monkeypatch.setattr(torch.cuda, "get_device_capability", lambda: (7, 5))
    assert not weight.takes_adapters
    monkeypatch.setattr(torch.cuda, "get_device_capability", lambda: (9, 0))
    weight.keep()
    assert not weight.takes_adapters


def test_what_learns_keeps_its_adapters_apart_and_what_answers_does_not(tmp_path):
    model = load_base(BaseConfig(path=save_base(tmp_path, "llama"), quantization="none"))
    model = add_adapter(model, LoraConfig(r=4), seed=0)
    reading = Llama(model, stack_adapters(list_all_groups(model), torch.float32), torch.float32)
    learning = Network(model, torch.float32)
    for llama, kind in ((reading, ReadingProjection), (learning, Projection)):
        assert {type(projection) for block in llama.blocks for projection in block.projections} == {kind}
