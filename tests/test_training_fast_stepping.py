import pytest
import torch
from fast_networks import load_trained, make_examples, save_base

from science_exam.training.config import LoraConfig, TrainConfig
from science_exam.training.fast.network import Network
from science_exam.training.fast.packing import find_longest, pack_groups
from science_exam.training.fast.rows import group_rows
from science_exam.training.fast.stepping import Stepper, build_optimizer

FIRST_SCALE = 2.0**16  # of the loss, in fp16


@pytest.fixture(scope="module")
def base(tmp_path_factory):
    return save_base(tmp_path_factory.mktemp("llama"), "llama", num_hidden_layers=1)


@pytest.fixture
def make_stepper(base):
    """A stepper of a model that is always the same, and the pack of its steps."""

    def made(dtype: torch.dtype, **settings):
        config = TrainConfig(**{"optimizer": "adamw", "learning_rate": 1e-2, **settings})
        network = Network(load_trained(base, deviation=0.05), dtype)
        groups = group_rows(make_examples())
        packs = [pack_groups(groups, 1 / sum(group.n_targets for group in groups), seed=0)]
        stepper = Stepper(network, build_optimizer(network, config), max_grad_norm=1.0)
        stepper.prepare(find_longest(groups, 1024), packs)
        return stepper, packs

    return made


@pytest.mark.parametrize("optimizer", ["adamw", "adamw_8bit"])
@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16])
def test_in_16_bits_the_losses_are_those_of_fp32(make_stepper, dtype, optimizer):
    curves = []
    for kind in (torch.float32, dtype):
        stepper, packs = make_stepper(kind, optimizer=optimizer)
        curves.append([stepper.step(packs).item() for _ in range(8)])
    assert curves[1] == pytest.approx(curves[0], rel=5e-3)
    assert curves[1][-1] < 0.7 * curves[1][0]


def test_only_fp16_scales_its_loss(make_stepper):
    kinds = (torch.float32, torch.bfloat16, torch.float16)
    assert [make_stepper(kind)[0].scaler.is_enabled() for kind in kinds] == [False, False, True]


@pytest.mark.parametrize("optimizer", ["adamw", "adamw_8bit"])
def test_a_step_whose_gradient_overflows_is_left_out_and_the_scale_halved(
    make_stepper, monkeypatch, optimizer
):
    stepper, packs = make_stepper(torch.float16, optimizer=optimizer)
    stepper.step(packs)
    weights, whole = stepper.network.adapters.weights.clone(), Network.differentiate

    def overflow(self, *arguments):
        loss = whole(self, *arguments)
        self.adapters.gradients[3] = float("inf")
        return loss

    with monkeypatch.context() as patch:
        patch.setattr(Network, "differentiate", overflow)
        loss = stepper.step(packs)
    assert torch.equal(stepper.network.adapters.weights, weights)
    assert stepper.scaler.get_scale() == FIRST_SCALE / 2
    assert stepper.step(packs).item() == pytest.approx(loss.item(), rel=1e-3)  # the scale is not in it
    assert torch.isfinite(stepper.network.adapters.weights).all()


def test_the_two_halves_of_the_adapters_have_their_own_learning_rates(make_stepper):
    stepper, _ = make_stepper(torch.float32, lora=LoraConfig(plus_ratio=16.0), weight_decay=0.1)
    adapters = stepper.network.adapters
    sizes = [half.numel() for half in adapters.halves(adapters.weights)]
    groups = stepper.optimizer.param_groups
    assert [group["params"][0].numel() for group in groups] == sizes
    assert [group["lr"] for group in groups] == pytest.approx([0.01, 0.16])
    assert {group["weight_decay"] for group in groups} == {0.1}


def test_a_step_without_packs_moves_nothing(make_stepper):
    # A process that has no rows of a step.
    stepper, _ = make_stepper(torch.float32, weight_decay=0.0)
    before = stepper.network.adapters.weights.clone()
    assert stepper.step([]).item() == 0
    assert torch.equal(stepper.network.adapters.weights, before)


def test_a_norm_of_zero_clips_nothing(make_stepper):
    stepper, _ = make_stepper(torch.float32)
    gradients = torch.full((4,), 3.0)
    stepper._clip(gradients)
    assert gradients.norm().item() == pytest.approx(1.0, abs=1e-5)
    stepper._max_grad_norm = 0.0
    gradients = torch.full((4,), 3.0)
    stepper._clip(gradients)
    assert gradients.tolist() == [3.0] * 4
