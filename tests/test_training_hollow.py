"""Bases without weights: what their files must hold, and what is said when they do not."""

import json
import shutil
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file, save_file
from streamed_bases import N_LAYERS, N_TOKENS, quantize_base, save_base, train_adapter

from science_exam.errors import UserError
from science_exam.training.config import BaseConfig
from science_exam.training.hollow import load_hollow_base
from science_exam.training.model import load_base

SINGLE, INDEX = "model.safetensors", "model.safetensors.index.json"
UP = "model.layers.2.mlp.up_proj.weight"


@pytest.fixture(scope="module")
def kept(tmp_path_factory) -> dict[str, str]:
    """The same base in one file, in several, and in 4 bits."""
    single = save_base(tmp_path_factory.mktemp("single"))
    return {
        "single": single,
        "sharded": save_base(tmp_path_factory.mktemp("sharded"), shard="100KB"),
        "4 bits": quantize_base(tmp_path_factory.mktemp("quantised"), single),
    }


@pytest.fixture
def copy(kept, tmp_path):
    """A copy of one of them that a test may spoil."""

    def made(name: str) -> Path:
        return Path(shutil.copytree(kept[name], tmp_path / "base"))

    return made


def load(folder, quantization="none", adapter=None):
    return load_hollow_base(BaseConfig(path=str(folder), quantization=quantization), adapter)


def change(file: Path, function) -> None:
    """Write a file anew with what `function` makes of its tensors."""
    weights = load_file(file)
    function(weights)
    save_file(weights, file, metadata={"format": "pt"})


@pytest.mark.parametrize("name", ["single", "sharded", "4 bits"])
def test_a_layer_is_read_and_built_as_the_library_loads_it(kept, name):
    hollow, whole = load(kept[name]), load_base(BaseConfig(path=kept[name], quantization="none"))
    memory = torch.zeros(hollow.layer_bytes, dtype=torch.uint8)
    for number, layer in enumerate(whole.model.layers):
        n_bytes = hollow.read_layer(number, memory)
        assert 0 < n_bytes <= len(memory)
        built = hollow.build_layer(number, memory)
        expected = dict(layer.named_parameters())
        assert built.keys() == expected.keys()
        for key, weight in expected.items():
            assert torch.equal(built[key].data, weight.data)
            if hasattr(weight, "quant_state"):
                assert built[key].quant_state == weight.quant_state


def test_weights_are_views_of_the_layers_bytes_at_even_places(kept):
    hollow = load(kept["4 bits"])
    memory = torch.zeros(hollow.layer_bytes, dtype=torch.uint8)
    hollow.read_layer(1, memory)
    start, end = memory.data_ptr(), memory.data_ptr() + len(memory)
    for weight in hollow.build_layer(1, memory).values():
        assert start <= weight.data_ptr() < end
        assert (weight.data_ptr() - start) % 256 == 0


def test_what_a_4_bit_base_has_beside_comes_in_the_compute_type(tmp_path):
    stored = save_base(tmp_path / "stored", dtype=torch.bfloat16)
    folder = quantize_base(tmp_path / "quantised", stored, dtype="bf16")
    hollow = load(folder)  # fp32 on a CPU
    memory = torch.zeros(hollow.layer_bytes, dtype=torch.uint8)
    hollow.read_layer(0, memory)
    weights = hollow.read_shell(torch.device("cpu"), [1]) | hollow.build_layer(0, memory)
    assert {weight.dtype for weight in weights.values()} == {torch.float32, torch.uint8}
    assert hollow.embed(torch.tensor([[3, 4]])).dtype == torch.float32


def test_the_head_is_read_for_the_tokens_that_are_scored_alone(kept):
    hollow, whole = load(kept["single"]), load_base(BaseConfig(path=kept["single"], quantization="none"))
    weights = hollow.read_shell(torch.device("cpu"), [7, 3])
    assert torch.equal(weights["lm_head.weight"], whole.lm_head.weight[[7, 3]])
    assert torch.equal(weights["model.norm.weight"], whole.model.norm.weight)
    assert torch.equal(weights["model.rotary_emb.inv_freq"], whole.model.rotary_emb.inv_freq)
    assert "model.embed_tokens.weight" not in weights


@pytest.mark.parametrize("architecture", ["Llama", "Gemma2"])
def test_ids_are_embedded_as_by_the_library_padding_too(tmp_path, architecture):
    folder = save_base(tmp_path, architecture, dtype=torch.bfloat16)
    hollow, whole = load(folder), load_base(BaseConfig(path=folder, quantization="none"))
    for ids in (torch.tensor([[0, 5, 0, N_TOKENS - 1], [9, 9, 1, 2]]), torch.tensor([[N_TOKENS - 1]])):
        assert torch.equal(hollow.embed(ids), whole.get_input_embeddings()(ids))


def test_a_single_file_without_a_layer_is_named_with_the_layer(copy):
    folder = copy("single")
    change(folder / SINGLE, lambda weights: weights.pop(UP))
    with pytest.raises(UserError, match=f"{SINGLE}: layer 2: expected {UP}, found no such weight"):
        load(folder)


def test_an_index_or_a_shard_without_a_layer_is_named_with_the_layer(copy):
    folder = copy("sharded")
    index = json.loads((folder / INDEX).read_text())
    shard = index["weight_map"][UP]
    change(folder / shard, lambda weights: weights.pop(UP))
    with pytest.raises(UserError, match=f"{shard}: layer 2: expected {UP}, found no such weight"):
        load(folder)
    del index["weight_map"][UP]
    (folder / INDEX).write_text(json.dumps(index))
    with pytest.raises(UserError, match=f"{INDEX}: layer 2: expected {UP}, found no such weight"):
        load(folder)


def test_a_missing_or_damaged_shard_is_named_with_a_layer_that_needs_it(copy):
    folder = copy("sharded")
    shard = folder / json.loads((folder / INDEX).read_text())["weight_map"][UP]
    whole = shard.read_bytes()
    for damaged in (whole[:-1], whole[:99], b"", b"\xff" * 200):
        shard.write_bytes(damaged)
        with pytest.raises(UserError, match=rf"{shard.name}: layer \d: expected a whole safetensors file"):
            load(folder)
    shard.unlink()
    with pytest.raises(UserError, match=rf"{shard.name}: layer \d: expected a whole safetensors file"):
        load(folder)


def test_a_file_that_shrinks_after_the_start_is_named_with_the_layer(copy):
    folder = copy("single")
    hollow = load(folder)
    memory, file = torch.zeros(hollow.layer_bytes, dtype=torch.uint8), folder / SINGLE
    file.write_bytes(file.read_bytes()[: file.stat().st_size // 2])
    with pytest.raises(UserError, match=rf"{SINGLE}: layer \d: expected \d+ bytes more"):
        for number in range(N_LAYERS):
            hollow.read_layer(number, memory)


def test_weights_of_another_shape_or_type_are_named(copy):
    folder = copy("single")
    change(folder / SINGLE, lambda weights: weights.update({UP: weights[UP][:100].clone()}))
    with pytest.raises(
        UserError, match=r"layer 2: expected mlp\.up_proj\.weight of \[192, 64\], found \[100, 64\]"
    ):
        load(folder)
    change(folder / SINGLE, lambda weights: weights.update({UP: torch.zeros(192, 64, dtype=torch.int64)}))
    with pytest.raises(UserError, match=f"{UP}: expected one of F32, F16, BF16, U8, found I64"):
        load(folder)


def test_4_bit_weights_that_lack_a_part_are_named(copy):
    folder = copy("4 bits")
    change(folder / SINGLE, lambda weights: weights.update({UP: weights[UP][:100].clone()}))
    with pytest.raises(
        UserError, match=r"layer 2: expected 12288 weights of mlp\.up_proj\.weight, two a byte"
    ):
        load(folder)


def test_what_is_outside_the_layers_is_looked_for_too(copy):
    folder = copy("single")
    change(folder / SINGLE, lambda weights: weights.pop("model.norm.weight"))
    with pytest.raises(UserError, match=r"outside the layers: expected model\.norm\.weight, found no such"):
        load(folder)


def test_a_folder_without_weights_is_refused(copy):
    folder = copy("single")
    (folder / SINGLE).unlink()
    with pytest.raises(UserError, match=f"expected its weights in {SINGLE} or {INDEX}, found neither"):
        load(folder)


def test_what_cannot_be_streamed_is_refused(kept, tmp_path):
    with pytest.raises(UserError, match=r"base\.quantization=int8"):
        load(kept["single"], "int8")
    with pytest.raises(UserError, match=r"adapter_model\.safetensors; train the run first"):
        load(kept["single"], adapter=tmp_path)
    int8 = quantize_base(tmp_path / "int8", kept["single"], quantization="int8")
    with pytest.raises(UserError, match="expected 16 bits or bitsandbytes' 4"):
        load(int8)


def test_an_adapter_of_a_larger_base_is_refused_with_the_layer(kept, tmp_path):
    larger = save_base(tmp_path / "larger", intermediate_size=256)
    adapter = train_adapter(tmp_path / "adapter", BaseConfig(path=larger, quantization="none"))
    with pytest.raises(UserError, match=r"adapter_model\.safetensors: layer 0: expected mlp\."):
        load(kept["single"], adapter=adapter)


def test_layers_that_return_several_things_are_refused(tmp_path):
    from transformers import BloomConfig, BloomForCausalLM

    config = BloomConfig(vocab_size=N_TOKENS, hidden_size=32, n_layer=3, n_head=2)
    BloomForCausalLM(config).save_pretrained(tmp_path)
    hollow = load(tmp_path)
    shell = hollow.read_shell(torch.device("cpu"), [1])
    with pytest.raises(UserError, match="layers that return several things"):
        hollow.run_shell(shell, {"inputs_embeds": torch.zeros(2, 3, 32)})
