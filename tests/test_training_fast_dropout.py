import pytest
import torch
from fast_networks import (
    differentiate_in_packs,
    list_adapters,
    load_trained,
    make_examples,
    save_base,
)
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn

from science_exam.training.fast.adapters import Adapters
from science_exam.training.fast.network import Network
from science_exam.training.fast.pointwise import drop
from science_exam.training.fast.projection import Projection
from science_exam.training.fast.rows import group_rows

RATE = 0.3


@pytest.fixture(scope="module")
def base(tmp_path_factory):
    return save_base(tmp_path_factory.mktemp("llama"), "llama", num_hidden_layers=2)


def find_mask(seed: int, rate: float = RATE, shape=(400, 250)) -> torch.Tensor:
    """True where a value stays."""
    return drop(torch.ones(shape), torch.tensor(seed), rate) > 0


@settings(max_examples=25, deadline=None)
@given(st.integers(0, 2**62), st.floats(0.01, 0.95))
def test_the_share_of_dropped_values_is_the_rate_with_every_seed(seed, rate):
    # 100,000 values: six standard deviations are less than 0.01.
    assert find_mask(seed, rate).float().mean() == pytest.approx(1 - rate, abs=0.01)


def test_kept_values_grow_so_that_the_mean_stays():
    torch.manual_seed(0)
    states = 1 + torch.rand(400, 250)
    dropped = drop(states, torch.tensor(3), RATE)
    kept = dropped != 0
    torch.testing.assert_close(dropped[kept], states[kept] / (1 - RATE))
    assert dropped.mean() == pytest.approx(float(states.mean()), rel=0.01)


def test_rows_and_columns_lose_alike():
    mask = find_mask(11).float()
    assert mask.mean(0).sub(1 - RATE).abs().max() < 0.12  # 400 values a column: five deviations
    assert mask.mean(1).sub(1 - RATE).abs().max() < 0.15  # 250 a row
    for other in (mask.roll(1, 0), mask.roll(1, 1), mask.roll(17, 1)):  # neighbours are independent
        assert (mask * other).mean() == pytest.approx((1 - RATE) ** 2, abs=0.01)


@settings(max_examples=25, deadline=None)
@given(st.integers(0, 2**40), st.integers(1, 300))
def test_a_seed_gives_one_mask_and_another_seed_one_of_its_own(seed, difference):
    first, other = find_mask(seed).float(), find_mask(seed + difference).float()
    assert torch.equal(first, find_mask(seed).float())
    assert (first * other).mean() == pytest.approx((1 - RATE) ** 2, abs=0.01)


def test_a_mask_depends_on_no_type():
    states = torch.ones(50, 40)
    masks = [drop(states.to(dtype), torch.tensor(1), 0.5) for dtype in (torch.float32, torch.bfloat16)]
    assert torch.equal(masks[0], masks[1].float())


def test_a_projection_drops_what_its_adapters_read_and_its_gradient_does_too(base):
    model = load_trained(base, dropout=RATE)
    feed_forward = model.get_base_model().model.layers[0].mlp
    layers = [feed_forward.gate_proj, feed_forward.up_proj]
    adapters = Adapters([layers], torch.float32)
    projection = Projection(layers, adapters.stacks[0], torch.float32, number=7)
    seed, inputs = torch.tensor(100), torch.randn(9, 64, requires_grad=True)
    kept = drop(torch.ones(9, 64), seed + 7, RATE)  # 0 or 1 / (1 - rate)
    expected = torch.cat(
        [
            nn.functional.linear(inputs, layer.base_layer.weight)
            + layer.scaling["default"] * layer.lora_B["default"](layer.lora_A["default"](inputs * kept))
            for layer in layers
        ],
        dim=1,
    )
    incoming = torch.randn_like(expected)
    expected.backward(incoming)
    with torch.no_grad():
        plain = inputs.detach()
        outputs, low = projection.forward(plain, seed)
        torch.testing.assert_close(outputs, expected, rtol=1e-4, atol=1e-5)
        of_inputs, of_low = projection.backward(incoming, seed)
        projection.accumulate(plain, low, incoming, of_low, seed)
    torch.testing.assert_close(of_inputs, inputs.grad, rtol=1e-4, atol=1e-5)
    for layer in layers:
        for half in (layer.lora_A["default"].weight, layer.lora_B["default"].weight):
            start = half.storage_offset()
            found = adapters.gradients[start : start + half.numel()].view(half.shape)
            torch.testing.assert_close(found, half.grad, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("quantization", ["none", "nf4"])
def test_the_gradient_is_the_slope_of_the_loss_with_the_same_mask(base, quantization):
    model = load_trained(base, quantization, deviation=0.05, dropout=RATE)
    network, groups = Network(model, torch.float32), group_rows(make_examples())
    adapters, step = network.adapters, 0.003
    differentiate_in_packs(network, model, groups, seed=5)
    weights, gradient = adapters.weights.clone(), adapters.gradients.clone()
    for half in (0, 1):  # along the gradient of A alone, then of B
        direction = torch.zeros_like(gradient)
        adapters.halves(direction)[half].copy_(adapters.halves(gradient)[half])
        direction /= direction.norm()
        losses = []
        for sign in (1, -1):
            adapters.weights.copy_(weights + sign * step * direction)
            adapters.refresh()
            losses.append(differentiate_in_packs(network, model, groups, seed=5)[0])
        slope = (losses[0] - losses[1]) / (2 * step)
        assert slope == pytest.approx(float(gradient @ direction), rel=1e-3)


def test_another_seed_gives_another_loss_and_the_same_seed_the_same(base):
    model = load_trained(base, dropout=RATE)
    network, groups = Network(model, torch.float32), group_rows(make_examples())
    losses = [differentiate_in_packs(network, model, groups, seed=seed)[0] for seed in (1, 1, 2)]
    assert losses[0] == losses[1] != losses[2]


def test_without_dropout_the_seed_changes_nothing(base):
    model = load_trained(base)
    network, groups = Network(model, torch.float32), group_rows(make_examples())
    losses = [differentiate_in_packs(network, model, groups, seed=seed)[0] for seed in (1, 2)]
    assert losses[0] == losses[1]


def test_two_projections_drop_different_values(base):
    model = load_trained(base, dropout=RATE)
    layers = [[block.mlp.down_proj] for block in model.get_base_model().model.layers]
    adapters = Adapters(layers, torch.float32)
    inputs, seed, kept = torch.ones(40, 192), torch.tensor(0), []
    for adapter in list_adapters(model).values():
        adapter.data.fill_(1.0)
    adapters.weights.fill_(1.0)
    adapters.refresh()
    for number, layer in enumerate(layers):
        projection = Projection(layer, adapters.stacks[number], torch.float32, number)
        projection.weight.get().zero_()
        # All weights are 1, so a token's output counts what was kept of it.
        with torch.no_grad():
            kept.append(projection.forward(inputs, seed)[0][:, 0])
    assert (kept[0] != kept[1]).float().mean() > 0.8
