"""The training loop: the step, its optimizers, and stopping and going on."""

from dataclasses import replace

import pytest
import torch
from conftest import LLAMA, ROOT
from process_server import run_file, run_together
from transformers import AutoTokenizer

from science_exam.errors import UserError
from science_exam.pretraining.checkpoints import CHECKPOINTS, load_checkpoint
from science_exam.pretraining.config import ModelConfig, PretrainConfig
from science_exam.pretraining.examples import Answer, Example
from science_exam.pretraining.loop import _share_packs, open_accelerator, train_base
from science_exam.pretraining.optimizers import Muon, orthogonalize, rate_at
from science_exam.pretraining.packing import Packs
from science_exam.pretraining.reader import Reader, build_llama
from science_exam.pretraining.stepping import Stepper
from science_exam.pretraining.tokenizer import find_decision

CONFIG = PretrainConfig(
    model=ModelConfig(hidden_size=32, intermediate_size=64, layers=3),
    tokens_per_pack=256, max_tokens=128, steps=6, warmup_steps=2, log_steps=2, checkpoint_steps=2,
)  # fmt: skip


def make_example(rng, step, left):
    """A document of noise, with a question where there is room for it; the token after an option tells."""
    ids = [rng.randrange(3, 200) for _ in range(min(left, 100))]
    if len(ids) <= 90:
        return Example(ids)
    answer = Answer(90, (20, 40, 60, 70, 80), rng.randrange(5))
    for number, place in enumerate(answer.options):
        ids[place] = 301 if number == answer.right else 300
    return Example(ids, [answer])


@pytest.fixture(scope="module")
def tokenizer(bases):
    return bases[LLAMA].tokenizer


def make_reader(tokenizer):
    llama = build_llama(tokenizer, CONFIG.model, seed=1)
    return Reader(llama, find_decision(tokenizer).deciding_ids, CONFIG.max_tokens)


# --- optimizers


def test_the_rate_rises_stays_and_falls_to_nothing():
    config = replace(CONFIG, learning_rate=1.0, warmup_steps=10, steps=100, decay_fraction=0.2)
    rates = [rate_at(step, config) for step in range(100)]
    assert rates[0] == 0.1 and rates[9:81] == [1.0] * 72
    assert rates[90] == pytest.approx(0.5) and rates[99] == pytest.approx(0.05)


@pytest.mark.parametrize("shape", [(3, 24, 60), (2, 60, 24), (1, 32, 32)])
def test_orthogonal_matrices_have_singular_values_near_one(shape):
    torch.manual_seed(0)
    values = torch.linalg.svdvals(orthogonalize(torch.randn(shape)))
    assert values.min() > 0.5 and values.max() < 1.3


def test_muon_in_batches_is_the_library_s_muon(tokenizer):
    torch.manual_seed(0)
    ours = [torch.nn.Parameter(torch.randn(shape)) for shape in ((8, 6), (4, 9), (8, 6))]
    theirs = [torch.nn.Parameter(weight.detach().clone()) for weight in ours]
    mine = Muon(ours, torch.tensor(0.02), weight_decay=0.1)
    reference = torch.optim.Muon(theirs, 0.02, weight_decay=0.1, adjust_lr_fn="match_rms_adamw")
    for _ in range(3):
        for one, other in zip(ours, theirs, strict=True):
            one.grad = torch.randn_like(one)
            other.grad = one.grad.clone()
        mine.step(), reference.step()
    for one, other in zip(ours, theirs, strict=True):
        torch.testing.assert_close(one, other, atol=2e-4, rtol=1e-3)


# --- steps


def test_setting_up_leaves_no_trace(tokenizer):
    reader = make_reader(tokenizer)
    before = [weight.detach().clone() for weight in reader.parameters()]
    pack = Packs(make_example, 256, seed=1, packs_per_step=1)[0]
    stepper = Stepper(reader, pack, CONFIG, open_accelerator())
    assert all(map(torch.equal, before, reader.parameters()))
    assert not stepper.sums.any()
    for optimizer in stepper.optimizers:
        assert not any(value.any() for state in optimizer.state.values() for value in state.values())


def test_training_lowers_the_losses_and_finds_the_options(tokenizer, tmp_path):
    config = replace(CONFIG, steps=80, log_steps=40, checkpoint_steps=40, learning_rate=1e-2)
    first, last = train(tokenizer, config, tmp_path)[1]
    assert last["text_loss"] < first["text_loss"]
    assert last["option_loss"] < 0.1  # 1.61 at chance


def test_a_step_of_several_packs_is_one_with_their_mean_gradient(tokenizer):
    config = replace(CONFIG, packs_per_step=2)
    packs = Packs(make_example, 256, seed=1, packs_per_step=2)
    together = Stepper(make_reader(tokenizer), packs[0], config, open_accelerator())
    together.step([packs[0], packs[1]], 0)
    by_hand = make_reader(tokenizer)
    step_by_hand(by_hand, packs, steps=1)
    for one, other in zip(together.reader.parameters(), by_hand.parameters(), strict=True):
        torch.testing.assert_close(one, other, atol=1e-6, rtol=1e-5)


def test_a_stopped_training_goes_on_as_if_it_had_not_stopped(tokenizer, tmp_path):
    whole, _ = train(tokenizer, CONFIG, tmp_path / "whole")
    short = replace(CONFIG, budget_seconds=1e-9)  # a step a call
    steps = [train(tokenizer, short, tmp_path / "parts")[1][-1]["step"] for _ in range(6)]
    parts = make_reader(tokenizer)
    stepper = Stepper(parts, Packs(make_example, 256, 1, 1)[0], CONFIG, open_accelerator())
    assert load_checkpoint(tmp_path / "parts" / CHECKPOINTS, parts, stepper.optimizers)[0] == 6
    assert steps == [1, 2, 3, 4, 5, 6]
    assert all(map(torch.equal, whole.parameters(), parts.parameters()))


def test_held_out_packs_are_scored_at_checkpoints_and_change_nothing(tokenizer, tmp_path):
    held_out = [Packs(make_example, 256, seed=7, packs_per_step=1)[0]]
    plain, _ = train(tokenizer, CONFIG, tmp_path / "plain")
    watched, log = train(tokenizer, CONFIG, tmp_path / "watched", held_out)
    assert all(map(torch.equal, plain.parameters(), watched.parameters()))
    assert [entry["step"] for entry in log if "held_out_answer_loss" in entry] == [2, 4, 6]


def train(tokenizer, config, folder, held_out=()):
    reader = make_reader(tokenizer)
    log = train_base(reader, make_example, held_out, config, folder, len, open_accelerator())
    return reader, log


# --- several processes


def train_share(base, folder):
    """Do a process's share of two steps of two packs."""
    config = replace(CONFIG, steps=2, packs_per_step=2)
    accelerator = open_accelerator()
    reader = make_reader(AutoTokenizer.from_pretrained(base))
    train_base(reader, make_example, (), config, folder, len, accelerator)
    torch.save(reader.state_dict(), folder / f"{accelerator.process_index}.pt")


@pytest.mark.slow
def test_two_processes_take_the_steps_of_one(bases, tmp_path):
    run_together(2, train_share, bases[LLAMA].folder, tmp_path, folder=tmp_path)
    first, second = (torch.load(tmp_path / f"{rank}.pt") for rank in range(2))
    assert all(torch.equal(first[name], second[name]) for name in first)
    config = replace(CONFIG, steps=2, packs_per_step=2)
    alone, _ = train(bases[LLAMA].tokenizer, config, tmp_path / "alone")
    for name, weight in alone.state_dict().items():
        torch.testing.assert_close(first[name], weight, atol=1e-6, rtol=1e-5)


@pytest.mark.slow
def test_the_script_runs_in_two_processes(work, run_script):
    articles = ROOT / "data" / "sample" / "articles.jsonl"
    assert run_script("corpus", f"sources=[{articles}]", "name=sample") == 0
    (work / "configs" / "pretrain").mkdir()
    sizes = {"vocab_size": 600, "hidden_size": 32, "intermediate_size": 64, "layers": 2}
    words = ["steps=2", "tokens_per_pack=1024", "packs_per_step=2"]
    words += [f"model.{name}={size}" for name, size in sizes.items()]
    run_together(2, run_file, ROOT / "scripts" / "pretrain_base.py", *words, folder=work)
    assert (work / "models" / "defaults" / "model.safetensors").is_file()


def test_packs_that_cannot_be_shared_are_refused(tokenizer, tmp_path):
    class Three:
        num_processes, process_index = 3, 0

    with pytest.raises(UserError, match="a multiple of the 3 processes"):
        _share_packs(0, CONFIG, Three)


def step_by_hand(reader, packs, steps):
    """Steps of two packs each, with their mean gradient."""
    stepper = Stepper(reader, packs[0], CONFIG, open_accelerator())
    for number in range(steps):
        gradients = []
        for pack in (packs[2 * number], packs[2 * number + 1]):
            reader.zero_grad(set_to_none=False)
            scores = reader(pack)
            (scores.text_loss + scores.answer_loss + scores.option_loss).backward()
            gradients.append([weight.grad.clone() for weight in reader.parameters()])
        for weight, *both in zip(reader.parameters(), *gradients, strict=True):
            weight.grad.copy_((both[0] + both[1]) / 2)
        stepper._rate.fill_(rate_at(number, CONFIG))
        stepper._update()
