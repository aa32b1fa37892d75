import json
import shutil
from pathlib import Path

import pytest
import torch
from conftest import LLAMA
from safetensors.torch import load_file, save_file
from transformers import AutoModelForCausalLM

from science_exam.errors import UserError
from science_exam.training.config import BaseConfig, LoraConfig
from science_exam.training.merge_check import check_merged, compute_logits
from science_exam.training.merging import (
    Merger,
    check_layers,
    check_precision,
    list_shards,
    load_merger,
    write_merged,
)
from science_exam.training.model import add_adapter, load_adapter, load_base, load_tokenizer, save_adapter

PROMPTS = [torch.arange(3, 40)[None], torch.arange(50, 60)[None]]
ADAPTERS = {
    "plain": LoraConfig(r=4, alpha=8),
    "rslora": LoraConfig(r=4, alpha=8, rslora=True),
    "dora": LoraConfig(r=4, alpha=8, dora=True),
    "some layers": LoraConfig(r=4, targets=("q_proj", "down_proj")),
}


@pytest.fixture
def base(bases, tmp_path) -> Path:
    """The Llama-like base in several shards."""
    folder = tmp_path / "base"
    shutil.copytree(bases[LLAMA].folder, folder)
    AutoModelForCausalLM.from_pretrained(folder).save_pretrained(folder, max_shard_size="100KB")
    (folder / "model.safetensors").unlink()
    assert len(list_shards(folder)) > 2
    return folder


@pytest.fixture
def train(base, tmp_path):
    """Save an adapter that matters, made on the base as it is then; returns its folder."""

    def trained(lora=ADAPTERS["plain"], folder=base):
        adapted = add_adapter(load_base(BaseConfig(path=str(folder), quantization="none")), lora, seed=0)
        torch.manual_seed(1)
        for name, parameter in adapted.named_parameters():
            if "lora_B" in name or "magnitude" in name:
                parameter.data += 0.1 * torch.randn_like(parameter)
        save_adapter(adapted, tmp_path / "adapter")
        return tmp_path / "adapter"

    return trained


def merge(adapter: Path, base: Path, folder: Path) -> Path:
    folder.mkdir()
    write_merged(load_merger(adapter), base, folder)
    return folder


def load(folder):
    return load_base(BaseConfig(path=str(folder), quantization="none"))


def test_a_weight_and_its_update_are_added_as_by_hand():
    weights = {
        "base_model.model.up.lora_A.weight": torch.tensor([[1.0, 2.0]]),
        "base_model.model.up.lora_B.weight": torch.tensor([[3.0], [0.0]]),
    }
    merger = Merger(weights, scaling=0.5)
    assert merger.layers == {"up"}
    weight = torch.tensor([[1.0, 1.0], [4.0, 3.0]])
    assert merger.merge("up", weight).tolist() == [[2.5, 4.0], [4.0, 3.0]]
    weights["base_model.model.up.lora_magnitude_vector"] = torch.tensor([1.0, 10.0])
    merged = Merger(weights, scaling=0.0).merge("up", weight)
    torch.testing.assert_close(merged, torch.tensor([[0.5**0.5, 0.5**0.5], [8.0, 6.0]]))


def test_sums_are_rounded_once():
    weights = {"base_model.model.up.lora_A.weight": torch.ones(1, 1)}
    weights["base_model.model.up.lora_B.weight"] = torch.full((1, 1), 3 / 512)
    merged = Merger(weights, scaling=1.0).merge("up", torch.ones(1, 1, dtype=torch.bfloat16))
    assert merged.dtype == torch.bfloat16
    assert merged.item() == 1 + 1 / 128  # 1 + 3/512 lies nearer to it than to 1


@pytest.mark.parametrize("kind", ADAPTERS)
def test_the_merged_model_says_what_base_and_adapter_say(base, train, tmp_path, kind):
    adapter = train(ADAPTERS[kind])
    merged = merge(adapter, base, tmp_path / "merged")
    expected = compute_logits(load_adapter(load(base), adapter), PROMPTS)
    torch.testing.assert_close(compute_logits(load(merged), PROMPTS), expected, rtol=1e-4, atol=1e-4)
    assert not torch.allclose(expected, compute_logits(load(base), PROMPTS), atol=0.1)
    assert check_merged(str(base), adapter, merged) < 1e-5


def test_files_types_and_other_weights_stay_the_bases(base, train, tmp_path):
    for name in ("README.md", "pytorch_model.bin", "consolidated.safetensors"):
        (base / name).write_text("not for the merged model")
    merged = merge(train(ADAPTERS["some layers"]), base, tmp_path / "merged")
    assert {file.name for file in base.iterdir()} - {file.name for file in merged.iterdir()} == {
        "README.md", "pytorch_model.bin", "consolidated.safetensors",
    }  # fmt: skip
    assert load_tokenizer(str(merged)).get_vocab() == load_tokenizer(str(base)).get_vocab()
    changed = set()
    for shard in list_shards(base):
        before, after = load_file(shard), load_file(merged / shard.name)
        assert {name: (w.dtype, w.shape) for name, w in before.items()} == {
            name: (w.dtype, w.shape) for name, w in after.items()
        }
        changed |= {name.split(".")[-2] for name in before if not torch.equal(before[name], after[name])}
    assert changed == {"q_proj", "down_proj"}


def test_a_quantised_base_is_refused_with_the_reason_and_the_way(bases, tmp_path):
    load_base(BaseConfig(path=bases[LLAMA].folder, quantization="nf4")).save_pretrained(tmp_path)
    with pytest.raises(UserError, match=r"expected weights in 16 bits.*round it away.*base=OWNER/MODEL"):
        check_precision(str(tmp_path))
    check_precision(bases[LLAMA].folder)


def test_a_base_with_a_shard_missing_or_damaged_is_refused(base, train, tmp_path):
    merger, shard = load_merger(train()), list_shards(base)[1]
    shard.write_bytes(shard.read_bytes()[:99])
    with pytest.raises(UserError, match=f"{shard.name}: expected a safetensors file"):
        check_layers(merger, list_shards(base))
    shard.unlink()
    with pytest.raises(UserError, match=f"expected its weights in {shard.name}, found no such file"):
        list_shards(base)


def test_another_base_is_refused_by_its_layers(base, train):
    merger = load_merger(train())
    check_layers(merger, list_shards(base))
    shard = next(s for s in list_shards(base) if "model.layers.1.mlp.up_proj.weight" in load_file(s))
    weights = load_file(shard)
    weight = weights.pop("model.layers.1.mlp.up_proj.weight")
    save_file(weights, shard)
    with pytest.raises(UserError, match=r"layer model\.layers\.1\.mlp\.up_proj of \[128, 64\], found none"):
        check_layers(merger, list_shards(base))
    save_file({**weights, "model.layers.1.mlp.up_proj.weight": weight[:100]}, shard)
    with pytest.raises(UserError, match=r"up_proj of \[128, 64\], found \[100, 64\]"):
        check_layers(merger, list_shards(base))


def test_a_merged_model_that_says_something_else_is_seen(base, train, tmp_path):
    adapter = train()
    with pytest.raises(UserError, match="its logits differ"):
        check_merged(str(base), adapter, base)
    for shard in list_shards(base):
        save_file({n: w.bfloat16() for n, w in load_file(shard).items()}, shard, metadata={"format": "pt"})
    config = json.loads((base / "config.json").read_text())
    (base / "config.json").write_text(json.dumps(config | {"dtype": "bfloat16"}))
    merged = merge(adapter, base, tmp_path / "merged")
    assert 0 < check_merged(str(base), adapter, merged) < 0.02  # in bf16
    with pytest.raises(UserError, match="its logits differ"):
        check_merged(str(base), adapter, base)


@pytest.fixture
def run(train, bases, work) -> Path:
    """A finished run on the base in one file."""
    import yaml

    folder = Path("data/runs/tiny/fold0")
    folder.mkdir(parents=True)
    shutil.copytree(train(folder=bases[LLAMA].folder), folder / "adapter")
    settings = {"base": {"path": bases[LLAMA].folder}, "run": "tiny"}
    (folder / "config.yaml").write_text(yaml.safe_dump(settings))
    (folder / "inputs.json").write_text("{}")
    (folder / "manifest.json").write_text("{}")
    return folder


def test_a_run_is_merged_whole_and_replaced_only_when_asked(run, run_script, capsys):
    merged = Path("data/merged/tiny-fold0")
    assert run_script("merge", f"run={run}") == 0
    assert "in 1 file(s), 14 layers adapted" in capsys.readouterr().out
    assert [path.name for path in merged.parent.iterdir()] == ["tiny-fold0"]
    assert load(merged)
    assert run_script("merge", f"run={run}") == 2
    assert "there already; add overwrite=true" in capsys.readouterr().err
    assert run_script("merge", f"run={run}", "overwrite=true") == 0


def test_what_is_no_model_is_not_deleted_and_what_fails_is_not_kept(run, run_script, capsys, monkeypatch):
    Path("mine").mkdir()
    Path("mine/notes.txt").write_text("keep")
    assert run_script("merge", f"run={run}", "out=mine", "overwrite=true") == 2
    assert "mine: holds no model" in capsys.readouterr().err
    assert Path("mine/notes.txt").is_file()
    monkeypatch.setattr("science_exam.training.merge_check.TOLERANCES", {"fp32": -1.0})
    assert run_script("merge", f"run={run}") == 2
    assert "its logits differ" in capsys.readouterr().err
    assert list(Path("data/merged").iterdir()) == []
    (run / "manifest.json").unlink()
    assert run_script("merge", f"run={run}") == 2
    assert "not finished" in capsys.readouterr().err


def test_too_little_disk_is_said_before_anything_is_written(run, run_script, capsys, monkeypatch):
    usage = shutil.disk_usage(".")._replace(free=10)
    monkeypatch.setattr(shutil, "disk_usage", lambda _: usage)
    assert run_script("merge", f"run={run}") == 2
    assert "GB of free disk, found 0.0" in capsys.readouterr().err
    assert list(Path("data/merged").iterdir()) == []
