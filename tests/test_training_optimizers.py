import pytest
import torch
from conftest import LLAMA
from transformers import TrainingArguments

from science_exam.training.config import BaseConfig, LoraConfig
from science_exam.training.model import add_adapter, load_base
from science_exam.training.optimizers import create_optimizer

NAMES = ["adamw_torch", "adamw_8bit", "paged_adamw_8bit", "paged_adamw_32bit"]


@pytest.fixture
def make(bases, tmp_path):
    """(adapted NF4 model, its optimizer) for settings of the adapter and the name of an optimizer."""

    def made(name, **lora):
        model = add_adapter(load_base(BaseConfig(path=bases[LLAMA].folder)), LoraConfig(r=64, **lora), seed=0)
        arguments = TrainingArguments(str(tmp_path), optim=name, learning_rate=1e-3, weight_decay=0.1)
        return model, create_optimizer(model, arguments, lora.get("plus_ratio", 1.0))

    return made


def read_rates(model, optimizer) -> dict[str, tuple[float, float]]:
    """Name of each trained weight -> (learning rate, weight decay) of its group."""
    groups = {id(p): (g["lr"], g["weight_decay"]) for g in optimizer.param_groups for p in g["params"]}
    trained = {name: p for name, p in model.named_parameters() if p.requires_grad}
    assert groups.keys() == {id(p) for p in trained.values()}
    return {name: groups[id(p)] for name, p in trained.items()}


@pytest.mark.parametrize("name", NAMES)
def test_plus_gives_b_a_larger_learning_rate_than_a_with_every_optimizer(make, name):
    model, optimizer = make(name, plus_ratio=16.0)
    for weight, settings in read_rates(model, optimizer).items():
        assert settings == pytest.approx((1.6e-2 if "lora_B" in weight else 1e-3, 0.1))
    assert optimizer.param_groups[0]["lr"] == 1e-3  # what the log shows


def test_without_plus_all_weights_learn_alike(make):
    assert set(read_rates(*make("adamw_8bit")).values()) == {(1e-3, 0.1)}


def test_the_magnitudes_of_dora_learn_as_fast_as_b(make):
    rates = read_rates(*make("adamw_torch", dora=True, plus_ratio=2.0))
    assert {rate for name, (rate, _) in rates.items() if "magnitude" in name} == {2e-3}
    assert sum("magnitude" in name for name in rates) == 14


@pytest.mark.parametrize("name", NAMES)
def test_a_first_step_moves_each_weight_by_its_own_rate(make, name):
    model, optimizer = make(name, plus_ratio=4.0)
    for group in optimizer.param_groups:
        group["weight_decay"] = 0.0
    trained = {key: p for key, p in model.named_parameters() if p.requires_grad}
    before = {key: p.detach().clone() for key, p in trained.items()}
    for p in trained.values():
        p.grad = torch.ones_like(p)  # Adam's first step is the learning rate, whatever the gradient
    optimizer.step()
    for key, p in trained.items():
        rate = 4e-3 if "lora_B" in key else 1e-3
        torch.testing.assert_close(before[key] - p.detach(), torch.full_like(p, rate), rtol=1e-2, atol=1e-6)
