import gc

import pytest
import torch
from fast_networks import (
    differentiate_by_autograd,
    find_largest_error,
    list_adapters,
    load_trained,
    make_examples,
    save_base,
)

from science_exam.errors import UserError
from science_exam.training.config import LoraConfig, TrainConfig
from science_exam.training.fast.network import Network
from science_exam.training.fast.rows import Group, group_rows
from science_exam.training.fast.runner import SECOND_SHARE, Runner
from science_exam.training.fast.stepping import Stepper

# A step of 12 questions has about 600 tokens. Beside 200 MB for work space, one pack of them takes 7.8 MB,
# packs of 256 take 2.2 MB with every block recomputed.
SMALL_GB = 0.2025
WIDE_GB = 0.24  # and 0.204 in the second plan


@pytest.fixture(scope="module", autouse=True)
def frozen_libraries():
    """Every runner collects garbage first: what the libraries hold need not be looked through each time."""
    gc.freeze()
    yield
    gc.unfreeze()


@pytest.fixture(scope="module")
def base(tmp_path_factory):
    return save_base(tmp_path_factory.mktemp("llama"), "llama", num_hidden_layers=2)


@pytest.fixture
def make_runner(base):
    """A runner of a model that is always the same, over given steps."""

    def made(steps: list[list[Group]], dropout: float = 0.0, **settings) -> Runner:
        model = load_trained(base, deviation=0.05, dropout=dropout)
        defaults = {"optimizer": "adamw", "learning_rate": 1e-2, "max_grad_norm": 1e9}
        runner = Runner(Network(model, torch.float32), steps, TrainConfig(**{**defaults, **settings}))
        runner.model = model
        return runner

    return made


def make_steps(n_steps: int = 3) -> list[list[Group]]:
    return [group_rows(make_examples(12, seed=number)) for number in range(n_steps)]


def run(runner: Runner, n_steps: int = 3) -> tuple[list[float], torch.Tensor]:
    """The losses of the first steps, and the weights they lead to."""
    losses = [runner.step(number, 1.0).item() for number in range(n_steps)]
    return losses, runner._network.adapters.weights.clone()


def count_packs(runner: Runner, monkeypatch) -> list[int]:
    """Packs of every step from now on."""
    counts, step = [], Stepper.step

    def counted(self, packs):
        counts.append(len(packs))
        return step(self, packs)

    monkeypatch.setattr(Stepper, "step", counted)
    return counts


def run_out(monkeypatch, *calls: int) -> None:
    """Let memory run out at the end of these calls of the network, so that its gradients are there."""
    n_calls, whole = 0, Network.differentiate

    def short(self, *arguments):
        nonlocal n_calls
        n_calls += 1
        loss = whole(self, *arguments)
        if n_calls in calls:
            raise torch.OutOfMemoryError("no memory")
        return loss

    monkeypatch.setattr(Network, "differentiate", short)


def test_a_small_budget_makes_several_packs_of_a_step_and_the_same_training(make_runner, monkeypatch):
    steps = make_steps()
    small, wide = (make_runner(steps, memory_budget_gb=budget) for budget in (SMALL_GB, WIDE_GB))
    assert small.plan.max_tokens < min(sum(group.n_tokens for group in step) for step in steps)
    counts = count_packs(small, monkeypatch)
    losses, weights = run(small)
    assert min(counts) > 1
    expected_losses, expected = run(wide)
    assert counts[3:] == [1, 1, 1]
    assert losses == pytest.approx(expected_losses, rel=1e-5)
    # AdamW divides by the gradient's size, which makes more of its rounding.
    torch.testing.assert_close(weights, expected, rtol=1e-3, atol=1e-4)


def test_a_step_is_the_optimizers_own_on_the_mean_gradient_of_its_targets(make_runner, base):
    examples = make_examples(12)
    runner = make_runner([group_rows(examples)], weight_decay=0.1, lora=LoraConfig(plus_ratio=4.0))
    reference = load_trained(base, deviation=0.05)
    _, gradients = differentiate_by_autograd(reference, examples)
    halves = [[p for name, p in list_adapters(reference).items() if half in name] for half in ("_A", "_B")]
    groups = [{"params": half, "lr": 1e-2 * ratio} for half, ratio in zip(halves, (1, 4), strict=True)]
    for name, parameter in list_adapters(reference).items():
        parameter.grad = gradients[name]
    torch.optim.AdamW(groups, weight_decay=0.1).step()
    before = load_trained(base, deviation=0.05)
    runner.step(0, 1.0)
    start = list_adapters(before)
    moves = [
        {name: weight.detach() - start[name].detach() for name, weight in list_adapters(model).items()}
        for model in (runner.model, reference)
    ]
    # The first step of AdamW is the gradient's sign alone, so the near-zero ones may differ.
    assert find_largest_error(*moves) < 1e-2


def test_the_factor_scales_both_learning_rates(make_runner):
    runner = make_runner(make_steps(1), lora=LoraConfig(plus_ratio=4.0))
    before = runner._network.adapters.weights.clone()
    runner.step(0, 0.0)
    assert torch.equal(runner._network.adapters.weights, before)
    runner.step(0, 0.5)
    assert [group["lr"] for group in runner.optimizer.param_groups] == pytest.approx([0.005, 0.02])


def test_gradients_are_clipped_to_the_norm(make_runner, monkeypatch):
    seen = []
    runner = make_runner(make_steps(2), max_grad_norm=0.25)
    gradients = runner._network.adapters.gradients
    monkeypatch.setattr(runner.optimizer, "step", lambda: seen.append(gradients.norm().item()))
    run(runner, 2)
    assert seen == pytest.approx([0.25, 0.25], rel=1e-4)
    assert not gradients.any()  # and are zero before the next step


def test_when_memory_runs_out_once_the_training_goes_on_as_if_it_had_not(make_runner, monkeypatch):
    steps = make_steps()
    expected_losses, expected = run(make_runner(steps, memory_budget_gb=WIDE_GB))
    runner = make_runner(steps, memory_budget_gb=WIDE_GB)
    first_plan = runner.plan
    counts = count_packs(runner, monkeypatch)
    run_out(monkeypatch, 2)
    losses, weights = run(runner)
    assert counts[:2] == [1, 1]  # a step that was taken, and one that was not
    assert min(counts[2:]) > 1
    assert runner.plan.peak_bytes <= SECOND_SHARE * WIDE_GB * 1e9 < first_plan.peak_bytes
    assert losses == pytest.approx(expected_losses, rel=1e-5)
    torch.testing.assert_close(weights, expected, rtol=1e-3, atol=1e-4)


def test_when_memory_runs_out_again_it_is_an_error(make_runner, monkeypatch):
    for calls in ((1, 2), (1, 8)):  # in the same step, and in a later one
        runner = make_runner(make_steps(), memory_budget_gb=WIDE_GB)
        with monkeypatch.context() as patch, pytest.raises(torch.OutOfMemoryError):
            run_out(patch, *calls)
            run(runner)


def test_memory_that_runs_out_in_the_preparation_counts_too(make_runner, monkeypatch):
    prepare, n_calls = Stepper.prepare, 0

    def short(self, longest, packs):
        nonlocal n_calls
        n_calls += 1
        if n_calls == 1:
            raise torch.OutOfMemoryError("no memory")
        prepare(self, longest, packs)

    monkeypatch.setattr(Stepper, "prepare", short)
    runner = make_runner(make_steps(), memory_budget_gb=WIDE_GB)
    assert runner.plan.peak_bytes <= SECOND_SHARE * WIDE_GB * 1e9
    run_out(monkeypatch, 1)
    with pytest.raises(torch.OutOfMemoryError):
        runner.step(0, 1.0)


def test_a_budget_that_is_too_small_is_refused(make_runner):
    with pytest.raises(UserError, match="memory: the smallest plan takes"):
        make_runner(make_steps(1), memory_budget_gb=0.2)


def test_the_mask_of_the_dropout_changes_with_step_and_seed(make_runner):
    step = make_steps(1)[0]

    def list_losses(seed: int) -> list[float]:
        runner = make_runner([step, step], dropout=0.5, seed=seed)
        return [runner.step(number, 0.0).item() for number in range(2)]

    assert list_losses(1) == list_losses(1)
    assert len({*list_losses(1), *list_losses(2)}) == 4
