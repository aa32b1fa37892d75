import gc
from dataclasses import replace

import pytest
import torch
from fast_networks import load_trained, make_examples, save_base

from science_exam.errors import UserError
from science_exam.training.config import TrainConfig
from science_exam.training.fast.loop import plan_steps, train_groups
from science_exam.training.fast.losses import LOG_STEPS
from science_exam.training.fast.network import Network
from science_exam.training.fast.rows import Group, Row, group_rows


class KilledError(Exception):
    """Stands for a kill at a chosen moment."""


CONFIG = TrainConfig(
    batch_size=4,
    accumulation_steps=1,
    learning_rate=1e-2,
    warmup_steps=0,
    optimizer="adamw",
    max_steps=4,
    report_to="none",
)


@pytest.fixture(scope="module", autouse=True)
def frozen_libraries():
    """Every runner collects garbage first: what the libraries hold need not be looked through each time."""
    gc.freeze()
    yield
    gc.unfreeze()


@pytest.fixture(scope="module")
def base(tmp_path_factory):
    return save_base(tmp_path_factory.mktemp("llama"), "llama", num_hidden_layers=1)


@pytest.fixture
def train(base, tmp_path):
    """Train a model that is always the same; returns the log, the weights and what the loop returned."""

    def trained(folder="run", validate=None, on_log=None, **settings):
        config = replace(CONFIG, **settings)
        network = Network(load_trained(base, deviation=0.05), torch.float32)
        log: list[dict] = []

        def keep(records: list[dict]) -> None:
            log[:] = records

        made = train_groups(
            network, group_rows(make_examples(8)), config, tmp_path / folder, on_log or keep, validate
        )
        return log, network.adapters.weights, made

    return trained


def make_rows(*n_rows: int) -> list[Group]:
    """Groups of so many rows."""
    return [Group(tuple(Row([1, 2, 3], 2) for _ in range(n)), 0) for n in n_rows]


@pytest.mark.parametrize(
    ("settings", "n_steps"),
    [
        ({"epochs": 1.0}, 3),  # 10 rows, 4 a step
        ({"epochs": 2.0}, 6),
        ({"epochs": 0.5}, 2),  # rounded up
        ({"epochs": 1.5}, 5),
        ({"max_steps": 7, "epochs": 1.0}, 7),
        ({"max_steps": 1}, 1),
        ({"batch_size": 2, "accumulation_steps": 5}, 1),
    ],
)
def test_steps_follow_from_the_epochs_unless_their_number_is_given(settings, n_steps):
    config = replace(CONFIG, **{"max_steps": 0, **settings})
    steps, epoch_steps = plan_steps(make_rows(*[1] * 10), config)
    assert len(steps) == n_steps
    assert epoch_steps == -(-10 // (config.batch_size * config.accumulation_steps))


def test_every_epoch_takes_each_group_once_in_an_order_of_its_own():
    groups = [Group((Row([1, 2, number], 2),), 0) for number in range(10)]
    steps, _ = plan_steps(groups, replace(CONFIG, max_steps=0, epochs=2.0))
    orders = [[group.rows[0].ids[2] for step in part for group in step] for part in (steps[:3], steps[3:])]
    assert sorted(orders[0]) == sorted(orders[1]) == list(range(10))
    assert orders[0] != orders[1]


def test_the_log_has_a_record_a_step_and_the_loss_falls(train):
    log, _, made = train(max_steps=LOG_STEPS + 2, schedule="linear", warmup_steps=2)
    n_steps = LOG_STEPS + 2
    assert [record["step"] for record in log] == list(range(1, n_steps + 1))
    rates = [0, 0.5, *(1 - step / LOG_STEPS for step in range(LOG_STEPS))]
    assert [record["learning_rate"] for record in log] == pytest.approx([1e-2 * rate for rate in rates])
    assert log[0]["loss"] == pytest.approx(log[1]["loss"], rel=0.3)
    assert log[-1]["loss"] < log[0]["loss"] - 0.5
    assert (made.n_rows, made.steps, made.peak_bytes) == (16, n_steps, 0)
    assert made.rows_per_second > 0


def test_the_log_grows_while_the_training_runs(train):
    lengths = []
    train(on_log=lambda log: lengths.append(len(log)), max_steps=25, checkpoint_steps=100)
    # Losses are read a step late; the last writing has them all.
    assert lengths == [9, 19, 25]


def test_a_loss_that_is_no_number_ends_the_training_with_a_word(train, monkeypatch):
    whole, calls = Network.differentiate, []

    def broken(self, *arguments):
        calls.append(1)
        return whole(self, *arguments) * (float("nan") if len(calls) == 3 else 1)

    monkeypatch.setattr(Network, "differentiate", broken)
    with pytest.raises(UserError, match="step 3: the loss is nan; lower learning_rate"):
        train(checkpoint_steps=3)


def test_no_checkpoint_holds_a_broken_step(train, tmp_path, monkeypatch):
    whole, calls = Network.differentiate, []

    def broken(self, *arguments):
        calls.append(1)
        return whole(self, *arguments) * (float("inf") if len(calls) == 2 else 1)

    monkeypatch.setattr(Network, "differentiate", broken)
    with pytest.raises(UserError, match="step 2: the loss is inf"):
        train(checkpoint_steps=1)
    assert [path.name for path in (tmp_path / "run").iterdir()] == ["checkpoint-1"]


@pytest.mark.parametrize("optimizer", ["adamw", "paged_adamw_8bit"])
@pytest.mark.parametrize("dropout", [0.0, 0.2])
def test_a_training_cut_short_goes_on_with_the_same_numbers(base, tmp_path, optimizer, dropout):
    def train(folder: str, stop: int | None):
        network = Network(load_trained(base, deviation=0.05, dropout=dropout), torch.float32)
        log: list[dict] = []

        def keep(records: list[dict]) -> None:
            if stop and records and records[-1]["step"] == stop:
                raise KilledError
            log[:] = records

        config = replace(CONFIG, optimizer=optimizer, checkpoint_steps=1, schedule="cosine")
        train_groups(network, group_rows(make_examples(8)), config, tmp_path / folder, keep)
        return log, network.adapters.weights

    expected_log, expected = train("whole", None)
    with pytest.raises(KilledError):
        train("killed", 3)
    log, weights = train("killed", None)
    assert log == expected_log
    assert torch.equal(weights, expected)
