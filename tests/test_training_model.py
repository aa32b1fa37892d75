import json
import shutil
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from conftest import GPT2, KINDS, LLAMA, SENTENCEPIECE
from safetensors.torch import load_file
from transformers import AutoModelForCausalLM

from science_exam.errors import UserError
from science_exam.training.config import BaseConfig, LoraConfig
from science_exam.training.model import (
    add_adapter,
    choose_dtype,
    find_linear_layers,
    load_adapter,
    load_base,
    load_tokenizer,
    save_adapter,
)

QUANTIZATIONS = ("nf4", "fp4", "int8", "none")
LAYERS = ["down_proj", "gate_proj", "k_proj", "o_proj", "q_proj", "up_proj", "v_proj"]
IDS = torch.arange(3, 43).view(2, 20)  # (rows, tokens)


@pytest.fixture
def base_at(bases):
    """quantization -> settings of the Llama-like base."""

    def at(quantization="nf4", folder=None, **settings):
        return BaseConfig(path=str(folder or bases[LLAMA].folder), quantization=quantization, **settings)

    return at


@pytest.fixture
def copy_of_base(bases, tmp_path):
    return Path(shutil.copytree(bases[LLAMA].folder, tmp_path / "base"))


def logits_of(model) -> torch.Tensor:
    with torch.no_grad():
        return model(IDS).logits


def make_adapter_matter(model) -> None:
    torch.manual_seed(1)
    for name, parameter in model.named_parameters():
        if "lora_B" in name:
            parameter.data.normal_(std=0.1)


@pytest.mark.parametrize("quantization", QUANTIZATIONS)
def test_every_quantisation_loads_frozen_and_answers_finitely(base_at, quantization):
    model = load_base(base_at(quantization))
    assert torch.isfinite(logits_of(model)).all()
    assert not any(parameter.requires_grad for parameter in model.parameters())
    packed = [p for name, p in model.named_parameters() if "_proj" in name and not p.is_floating_point()]
    assert len(packed) == (0 if quantization == "none" else 14)  # 7 layers in each of 2 blocks
    assert model.get_output_embeddings().weight.is_floating_point()


def test_quantised_logits_are_near_the_exact_ones_and_nf4_is_not_fp4(base_at):
    exact, nf4, fp4, single = (
        logits_of(load_base(base))
        for base in (
            base_at("none"),
            base_at("nf4"),
            base_at("fp4"),
            base_at("nf4", double_quantization=False),
        )
    )
    for rough in (nf4, fp4, single):
        assert 0 < (rough - exact).abs().mean() < 0.5 * exact.std()
    assert not torch.equal(nf4, fp4)
    assert not torch.equal(nf4, single)


@pytest.mark.parametrize("quantization", QUANTIZATIONS)
def test_linear_layers_are_found_by_name_without_the_head(base_at, quantization):
    assert find_linear_layers(load_base(base_at(quantization))) == LAYERS


@pytest.mark.parametrize("quantization", QUANTIZATIONS)
def test_an_adapter_is_fp32_on_every_linear_layer_and_starts_as_the_identity(base_at, quantization):
    model = load_base(base_at(quantization))
    before = logits_of(model)
    adapted = add_adapter(model, LoraConfig(r=4), seed=0)
    trained = {name: p for name, p in adapted.named_parameters() if p.requires_grad}
    assert len(trained) == 2 * 7 * 2  # A and B, layers, blocks
    assert all("lora_" in name and p.dtype == torch.float32 for name, p in trained.items())
    assert torch.equal(logits_of(adapted), before)


def test_an_adapter_is_fp32_on_a_bf16_base_too(base_at):
    model = load_base(base_at("none", dtype="bf16"))
    assert model.dtype == torch.bfloat16
    adapted = add_adapter(model, LoraConfig(), seed=0)
    assert {p.dtype for p in adapted.parameters() if p.requires_grad} == {torch.float32}


def test_the_seed_decides_the_fresh_adapter(base_at):
    def fresh(seed):
        adapted = add_adapter(load_base(base_at("none")), LoraConfig(), seed)
        return torch.cat([p.flatten() for name, p in adapted.named_parameters() if "lora_A" in name])

    assert torch.equal(fresh(3), fresh(3))
    assert not torch.equal(fresh(3), fresh(4))


def test_targets_choose_the_layers(base_at):
    adapted = add_adapter(load_base(base_at()), LoraConfig(targets=("q_proj", "v_proj")), seed=0)
    adapted_layers = {
        name.split(".lora_")[0].rpartition(".")[2]
        for name, p in adapted.named_parameters()
        if "lora_" in name
    }
    assert adapted_layers == {"q_proj", "v_proj"}


@pytest.mark.parametrize(
    ("settings", "scaling"),
    [({}, 32 / 16), ({"rslora": True}, 32 / 4), ({"rslora": True, "dora": True}, 32 / 4)],
)
def test_the_update_is_scaled_by_the_rank_or_its_root(base_at, settings, scaling):
    adapted = add_adapter(load_base(base_at()), LoraConfig(r=16, alpha=32, **settings), seed=0)
    layers = [module for module in adapted.modules() if hasattr(module, "lora_A")]
    assert len(layers) == 14
    assert {layer.scaling["default"] for layer in layers} == {scaling}


@pytest.mark.parametrize("quantization", QUANTIZATIONS)
def test_a_gaussian_start_is_one_over_the_rank_wide_and_still_the_identity(base_at, quantization):
    model = load_base(base_at(quantization))
    before = logits_of(model)
    adapted = add_adapter(model, LoraConfig(r=16, init="gaussian"), seed=0)
    weights = torch.cat([p.flatten() for name, p in adapted.named_parameters() if "lora_A" in name])
    assert weights.std().item() == pytest.approx(1 / 16, rel=0.05)
    assert torch.equal(logits_of(adapted), before)


@pytest.mark.parametrize("quantization", ["nf4", "fp4", "none"])
def test_dora_starts_as_the_identity_learns_and_is_the_same_after_loading(base_at, tmp_path, quantization):
    before = logits_of(load_base(base_at(quantization)))
    adapted = add_adapter(load_base(base_at(quantization)), LoraConfig(r=4, dora=True), seed=0)
    torch.testing.assert_close(logits_of(adapted), before, rtol=1e-4, atol=1e-5)
    make_adapter_matter(adapted)
    adapted.train()(IDS, labels=IDS).loss.backward()
    gradients = {name: p.grad for name, p in adapted.named_parameters() if p.requires_grad}
    assert len(gradients) == 2 * 7 * 3  # A, B and the magnitudes, layers, blocks
    assert all(gradient.abs().sum() > 0 for gradient in gradients.values())
    save_adapter(adapted, tmp_path / "adapter")
    loaded = load_adapter(load_base(base_at(quantization)), tmp_path / "adapter")
    assert torch.equal(logits_of(loaded), logits_of(adapted.eval()))


def test_dora_on_a_base_that_came_in_8_bits_is_refused(base_at):
    with pytest.raises(UserError, match=r"lora\.dora: expected a base in 4 or 16 bits"):
        add_adapter(load_base(base_at("int8")), LoraConfig(dora=True), seed=0)


@pytest.mark.parametrize("target", ["query", "lm_head"])
def test_an_unknown_target_is_named_with_those_there_are(base_at, target):
    with pytest.raises(UserError, match=rf"lora.targets: \['{target}'\] .* down_proj, gate_proj, k_proj"):
        add_adapter(load_base(base_at()), LoraConfig(targets=("q_proj", target)), seed=0)


@pytest.mark.parametrize(
    ("capability", "expected"),
    [((7, 5), torch.float16), ((8, 0), torch.bfloat16), ((8, 9), torch.bfloat16), ((10, 0), torch.bfloat16)],
)
def test_auto_is_fp16_on_a_t4_though_it_claims_bf16(monkeypatch, capability, expected):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr(torch.cuda, "is_bf16_supported", lambda *_, **__: True)
    monkeypatch.setattr(torch.cuda, "get_device_capability", lambda *_: capability)
    assert choose_dtype("auto") == expected
    assert choose_dtype("fp16") == torch.float16
    if expected == torch.bfloat16:
        assert choose_dtype("bf16") == torch.bfloat16
    else:
        with pytest.raises(UserError, match=r"base\.dtype=bf16"):
            choose_dtype("bf16")


def test_a_cpu_computes_in_fp32_and_refuses_fp16(monkeypatch):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    assert choose_dtype("auto") == torch.float32
    assert choose_dtype("bf16") == torch.bfloat16
    with pytest.raises(UserError, match=r"base\.dtype=fp16"):
        choose_dtype("fp16")


def test_each_of_several_processes_has_the_base_on_its_own_gpu(monkeypatch, base_at):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr(torch.cuda, "get_device_capability", lambda *_: (8, 0))
    monkeypatch.setattr(torch.cuda, "current_device", lambda: 1)

    def refuse(*_, device_map, **__):
        raise OSError(f"device_map is {device_map}")

    monkeypatch.setattr(AutoModelForCausalLM, "from_pretrained", refuse)
    with pytest.raises(UserError, match=r"device_map is .*: 1"):
        load_base(base_at("none"))


@pytest.mark.parametrize("asked", ["none", "nf4"])
def test_a_prequantised_checkpoint_stays_as_it_was_made(base_at, tmp_path, asked):
    made = load_base(base_at("nf4"))
    made.save_pretrained(tmp_path)
    loaded = load_base(base_at(asked, tmp_path))
    assert torch.equal(logits_of(loaded), logits_of(made))
    assert sum(p.dtype == torch.uint8 for p in loaded.parameters()) == 14


def test_a_prequantised_checkpoint_has_everything_else_in_the_type_of_this_machine(base_at, tmp_path):
    load_base(replace(base_at("nf4"), dtype="bf16")).save_pretrained(tmp_path)
    stored = load_file(tmp_path / "model.safetensors")
    assert stored["model.norm.weight"].dtype == torch.bfloat16
    model = load_base(BaseConfig(path=str(tmp_path)))
    kinds = {weight.dtype for weight in model.parameters() if weight.is_floating_point()}
    assert kinds == {torch.float32}


def test_a_prequantised_checkpoint_computes_in_the_type_of_this_machine(base_at, tmp_path):
    load_base(base_at("nf4")).save_pretrained(tmp_path)
    config = json.loads((tmp_path / "config.json").read_text())
    config["quantization_config"]["bnb_4bit_compute_dtype"] = "bfloat16"  # as published ones have it
    (tmp_path / "config.json").write_text(json.dumps(config))
    model = load_base(base_at("nf4", tmp_path))
    assert model.model.layers[0].mlp.up_proj.compute_dtype == torch.float32
    assert torch.equal(logits_of(model), logits_of(load_base(base_at("nf4"))))


def test_a_saved_adapter_gives_the_same_logits_again(base_at, tmp_path):
    adapted = add_adapter(load_base(base_at()), LoraConfig(r=4, alpha=8), seed=0)
    make_adapter_matter(adapted)
    plain = logits_of(load_base(base_at()))
    expected = logits_of(adapted.eval())
    assert not torch.equal(expected, plain)
    save_adapter(adapted, tmp_path / "adapter")
    assert {t.dtype for t in load_file(tmp_path / "adapter/adapter_model.safetensors").values()} == {
        torch.float32
    }
    loaded = load_adapter(load_base(base_at()), tmp_path / "adapter")
    assert not loaded.training
    assert torch.equal(logits_of(loaded), expected)


def test_saving_replaces_the_old_adapter_and_what_a_kill_left(base_at, tmp_path):
    folder = tmp_path / "adapter"
    for leftover in (folder, tmp_path / "adapter.partial"):
        leftover.mkdir()
        (leftover / "rubbish").touch()
    save_adapter(add_adapter(load_base(base_at("none")), LoraConfig(r=2), seed=0), folder)
    assert not (folder / "rubbish").exists()
    assert (folder / "adapter_model.safetensors").is_file()
    assert [path.name for path in tmp_path.iterdir()] == ["adapter"]


def test_a_folder_without_an_adapter_is_refused(base_at, tmp_path):
    with pytest.raises(UserError, match=r"expected adapter_model\.safetensors"):
        load_adapter(load_base(base_at("none")), tmp_path)


@pytest.mark.parametrize("quantization", ["nf4", "fp4"])
def test_answering_does_not_change_the_training_that_follows(base_at, quantization):
    model = add_adapter(load_base(base_at(quantization)), LoraConfig(r=4), seed=0)
    before = model.train()(IDS).logits
    with torch.inference_mode():
        answered = model.eval()(IDS).logits
    after = model.train()(IDS).logits
    assert torch.equal(before, after)
    assert torch.equal(answered, before)
    after.sum().backward()
    assert any(p.grad is not None and p.grad.abs().sum() > 0 for p in model.parameters())


@pytest.mark.parametrize("kind", KINDS)
def test_tokenizers_come_with_padding_and_an_end(bases, kind):
    tokenizer = load_tokenizer(bases[kind].folder)
    assert tokenizer.pad_token_id is not None
    assert tokenizer.eos_token_id is not None
    if kind in (GPT2, SENTENCEPIECE):  # neither has a token for padding alone
        assert tokenizer.pad_token_id == tokenizer.eos_token_id


def test_a_base_without_a_tokenizer_is_one_clear_line(copy_of_base):
    for file in copy_of_base.glob("tokenizer*"):
        file.unlink()
    with pytest.raises(UserError, match=r"its tokenizer does not load|expected a tokenizer"):
        load_tokenizer(str(copy_of_base))


def test_a_tokenizer_without_an_end_is_refused(copy_of_base):
    path = copy_of_base / "tokenizer_config.json"
    config = json.loads(path.read_text())
    config.pop("eos_token")
    path.write_text(json.dumps(config))
    with pytest.raises(UserError, match="end-of-text token"):
        load_tokenizer(str(copy_of_base))


def test_pickled_weights_are_refused(copy_of_base):
    model = AutoModelForCausalLM.from_pretrained(copy_of_base)
    torch.save(model.state_dict(), copy_of_base / "pytorch_model.bin")
    (copy_of_base / "model.safetensors").unlink()
    with pytest.raises(UserError, match="does not load"):
        load_base(BaseConfig(path=str(copy_of_base)))


def test_a_half_downloaded_checkpoint_is_one_clear_line(copy_of_base):
    weights = copy_of_base / "model.safetensors"
    weights.write_bytes(weights.read_bytes()[:10_000])
    with pytest.raises(UserError, match="does not load"):
        load_base(BaseConfig(path=str(copy_of_base)))


@pytest.mark.parametrize("config", ['{"model_type": "t5"}', '{"model_type": "no-such"}', "{}", "not json"])
def test_what_is_no_causal_language_model_is_one_clear_line(copy_of_base, config):
    (copy_of_base / "config.json").write_text(config)
    with pytest.raises(UserError, match="does not load"):
        load_base(BaseConfig(path=str(copy_of_base)))
