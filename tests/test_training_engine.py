import json
import math
import signal
import time
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import torch
from conftest import GPT2, LLAMA, ROOT
from process_server import run_file, start
from safetensors.torch import load_file

from science_exam.answering.predictions import Answerer
from science_exam.evaluation.report import score_all, summarize
from science_exam.prompt import join_contexts
from science_exam.questions.store import write_question_set
from science_exam.tables import PROBABILITY_COLUMNS
from science_exam.training.callbacks import COMPLETE
from science_exam.training.config import BaseConfig, LoraConfig, TrainConfig
from science_exam.training.engine import remove_checkpoints, train_adapter
from science_exam.training.examples import build_examples
from science_exam.training.model import add_adapter, load_adapter, load_base
from science_exam.training.trainer_loop import find_checkpoint


class KilledError(Exception):
    """Stands for a kill at a chosen moment."""


class Bench:
    """A tiny training in a folder of its own, that can be started again."""

    def __init__(self, base, question_set, folder: Path, n_rows: int, **settings) -> None:
        defaults = {
            "base": BaseConfig(
                path=base.folder,
                quantization=settings.pop("quantization", "none"),
                dtype=settings.pop("dtype", "auto"),
            ),
            "lora": settings.pop("lora", LoraConfig(r=8)),
            "batch_size": 2,
            "accumulation_steps": 1,
            "warmup_steps": 0,
            "learning_rate": 1e-2,
            "gradient_checkpointing": False,
            "checkpoint_steps": 100,
            "report_to": "none",
        }
        self.config = TrainConfig(**{**defaults, **settings})
        self.tokenizer, self.folder = base.tokenizer, folder
        self.questions = question_set.questions.head(n_rows)
        asked = join_contexts(self.questions, question_set.contexts, 1)
        self.rows = build_examples(asked, base.tokenizer, 600)
        self.records: list[dict] = []
        self.new_model()

    def new_model(self) -> None:
        self.model = add_adapter(load_base(self.config.base), self.config.lora, self.config.seed)

    def train(self, validate=None, on_log=None):
        return train_adapter(
            self.model,
            self.tokenizer,
            self.rows,
            self.config,
            self.folder,
            on_log or self.keep_log,
            validate,
        )

    def keep_log(self, records: list[dict]) -> None:
        self.records = list(records)

    def logged(self, name: str) -> list[float]:
        return [record[name] for record in self.records if name in record]

    def adapter(self) -> torch.Tensor:
        weights = [p.detach().flatten().clone() for n, p in self.model.named_parameters() if "lora_" in n]
        return torch.cat(weights)


@pytest.fixture(params=["trl", "fast"])
def bench(request, bases, question_set, tmp_path):
    """Makes tiny trainings, of one engine and then of the other."""

    def make(n_rows=4, kind=LLAMA, folder="run", **settings):
        settings.setdefault("engine", request.param)
        return Bench(bases[kind], question_set, tmp_path / folder, n_rows, **settings)

    return make


class Scripted:
    """A validation that returns given MAP@3 scores in turn and keeps the adapter of each moment."""

    def __init__(self, bench: Bench, scores: list[float]) -> None:
        self.bench, self.scores, self.seen = bench, scores, []

    def __call__(self) -> dict[str, float]:
        self.bench.model.eval()  # as answering does
        self.seen.append(self.bench.adapter())
        return {"map3": self.scores[len(self.seen) - 1], "accuracy": 0.0}


def test_a_tiny_model_learns_eight_questions_by_heart(bench, question_set):
    made = bench(n_rows=8, quantization="nf4", batch_size=8, max_steps=36)
    answerer = Answerer(made.model, made.tokenizer, max_contexts=1, max_tokens=600, batch_size=8)

    def accuracy() -> float:
        predictions = answerer.predict(made.questions, question_set.contexts, "0", "r")
        return summarize(score_all(made.questions, {"model": predictions}))["model"]["accuracy"]

    assert accuracy() < 1
    trained = made.train()
    assert accuracy() == 1
    assert made.logged("loss")[-1] < 0.1
    assert (trained.n_rows, trained.steps, trained.peak_bytes) == (8, 36, 0)
    assert trained.rows_per_second > 0
    trainable = {p.dtype for p in made.model.parameters() if p.requires_grad}
    assert trainable == {torch.float32}


@pytest.mark.parametrize("gradient_checkpointing", [False, True])
@pytest.mark.parametrize("kind", [LLAMA, GPT2])  # with a token for padding, and padding by the end token
def test_the_loss_of_the_first_step_is_that_of_the_answer_tokens_alone(bench, kind, gradient_checkpointing):
    made = bench(
        kind=kind,
        quantization="nf4",
        accumulation_steps=2,
        max_steps=1,
        gradient_checkpointing=gradient_checkpointing,
    )
    assert len({len(row["input_ids"]) for row in made.rows}) > 1  # so that batches are padded
    total, n_tokens = 0.0, 0
    for row in made.rows:
        ids, mask = row["input_ids"], row["completion_mask"]
        with torch.no_grad():
            log_probabilities = torch.log_softmax(made.model(torch.tensor([ids])).logits[0].double(), dim=-1)
        for place in range(1, len(ids)):
            if mask[place]:
                total -= float(log_probabilities[place - 1, ids[place]])
                n_tokens += 1
    assert n_tokens == 4 * 4  # rows, and option, _, digit, end
    made.train()
    assert made.logged("loss")[0] == pytest.approx(total / n_tokens, abs=1e-4)


# Six steps, two of warm-up: the rate rises 0, 1/2, 1 and falls over the four steps from there.
SCHEDULES = {
    "linear": [0, 1 / 2, 1, 3 / 4, 1 / 2, 1 / 4],
    "cosine": [0, 1 / 2, *((1 + math.cos(math.pi * step / 4)) / 2 for step in range(4))],
    "constant": [0, 1 / 2, 1, 1, 1, 1],
}


@pytest.mark.parametrize(
    ("optimizer", "schedule"),
    [
        ("adamw", "linear"),
        ("adamw_8bit", "cosine"),
        ("paged_adamw_8bit", "constant"),
        ("paged_adamw_32bit", "linear"),
    ],
)
def test_every_optimizer_and_schedule_runs_on_the_cpu(bench, optimizer, schedule):
    made = bench(
        quantization="nf4",
        optimizer=optimizer,
        schedule=schedule,
        max_steps=6,
        warmup_steps=2,
        # 64 x 64 = 4,096 weights: the smallest matrices whose moments 8-bit optimizers quantise
        lora=LoraConfig(r=64),
    )
    before = made.adapter()
    made.train()
    np.testing.assert_allclose(made.logged("learning_rate"), 1e-2 * np.array(SCHEDULES[schedule]), atol=1e-9)
    assert torch.isfinite(made.adapter()).all()
    assert not torch.equal(made.adapter(), before)
    assert made.logged("loss")[-1] < made.logged("loss")[0]


@pytest.mark.parametrize("optimizer", ["adamw", "paged_adamw_8bit"])
def test_a_training_with_dora_and_a_faster_b_goes_on_after_a_kill_as_if_nothing_had_happened(
    bench, optimizer
):
    settings = {
        "quantization": "nf4",
        "lora": LoraConfig(r=64, dora=True, rslora=True, init="gaussian", plus_ratio=8.0, dropout=0.1),
        "optimizer": optimizer,
        "max_steps": 4,
        "checkpoint_steps": 1,
    }
    whole = bench(folder="whole", **settings)
    whole.train()
    killed = bench(folder="killed", **settings)
    with pytest.raises(KilledError):
        killed.train(on_log=_kill_at(step=3))
    killed.new_model()
    killed.train()
    assert killed.logged("loss") == whole.logged("loss")
    assert killed.logged("learning_rate") == whole.logged("learning_rate")
    assert torch.equal(killed.adapter(), whole.adapter())


def test_the_trainer_does_not_round_the_fresh_adapter(bench):
    made = bench(quantization="nf4", max_steps=1, learning_rate=0.0)
    fresh = made.adapter()
    made.train()
    assert torch.equal(made.adapter(), fresh)


def test_the_best_checkpoint_is_what_is_left_in_the_model(bench):
    made = bench(max_steps=4, checkpoint_steps=1)
    validate = Scripted(made, [0.2, 0.9, 0.1, 0.9])  # the first of equals stays
    trained = made.train(validate)
    assert trained.steps == 4
    assert len(validate.seen) == 4
    assert torch.equal(made.adapter(), validate.seen[1])
    assert not torch.equal(made.adapter(), validate.seen[3])
    assert made.logged("eval_map3") == [0.2, 0.9, 0.1, 0.9]


def test_without_validation_the_last_step_stays(bench):
    made = bench(max_steps=3, checkpoint_steps=1)
    made.train()
    file = {"trl": "adapter_model", "fast": "weights"}[made.config.engine]
    last = load_file(made.folder / f"checkpoints/checkpoint-3/{file}.safetensors")
    saved = torch.cat([last[name].flatten() for name in last])
    assert saved.sum() == pytest.approx(float(made.adapter().sum()), abs=1e-4)
    assert made.logged("eval_map3") == []


def test_a_validation_record_holds_the_scores_alone(bench):
    made = bench(max_steps=2, checkpoint_steps=1)
    made.train(Scripted(made, [0.5, 0.6]))
    records = [record for record in made.records if "eval_map3" in record]
    assert [set(record) for record in records] == [{"eval_map3", "eval_accuracy", "epoch", "step"}] * 2


def test_early_stopping_stops_after_patience_validations_without_a_better_score(bench):
    made = bench(max_steps=8, checkpoint_steps=1, validation_fraction=0.1, patience=2)
    validate = Scripted(made, [0.3, 0.5, 0.5, 0.4, 0.9])
    assert made.train(validate).steps == 4
    assert torch.equal(made.adapter(), validate.seen[1])


def test_patience_spent_before_a_kill_counts_after_it(bench):
    scores = [0.9, 0.5, 0.5, 0.5, 0.5, 0.5]
    settings = {"max_steps": 6, "checkpoint_steps": 1, "validation_fraction": 0.1, "patience": 3}
    whole = bench(folder="whole", **settings)
    assert whole.train(Scripted(whole, scores)).steps == 4
    killed = bench(folder="killed", **settings)
    with pytest.raises(KilledError):
        killed.train(Scripted(killed, scores), on_log=_kill_at(step=3))
    killed.new_model()
    assert killed.train(Scripted(killed, scores[2:])).steps == 4
    assert torch.equal(killed.adapter(), whole.adapter())


def test_the_best_checkpoint_before_a_kill_is_still_the_best_after_it(bench):
    scores = [0.2, 0.9, 0.1, 0.1]
    killed = bench(max_steps=4, checkpoint_steps=1)
    validate = Scripted(killed, scores)
    with pytest.raises(KilledError):
        killed.train(validate, on_log=_kill_at(step=4))
    killed.new_model()
    assert killed.train(Scripted(killed, scores[3:])).steps == 4
    assert torch.equal(killed.adapter(), validate.seen[1])
    assert killed.logged("eval_map3") == scores


@pytest.mark.parametrize(
    ("scores", "settings"),
    [
        (None, {"max_steps": 3}),  # stops inside the first pass of 4 steps
        (None, {"epochs": 1.5}),
        (None, {"epochs": 1.0}),
        ([0.9, 0.1, 0.1], {"max_steps": 8, "validation_fraction": 0.1, "patience": 1}),
    ],
)
def test_a_training_that_is_done_is_not_trained_further(bench, scores, settings):
    # A kill between the last step and the manifest: the script trains again, over the checkpoints.
    made = bench(n_rows=8, checkpoint_steps=1, **settings)
    trained = made.train(scores and Scripted(made, scores))
    weights, losses = made.adapter(), made.logged("loss")
    made.new_model()
    again = made.train(scores and Scripted(made, scores))
    assert again.steps == trained.steps
    assert torch.equal(made.adapter(), weights)
    assert made.logged("loss") == losses


def test_a_kill_while_an_old_checkpoint_is_being_deleted_leaves_a_way_on(bench, monkeypatch):
    scores = [0.9, 0.1, 0.1, 0.1]
    whole = bench(folder="whole", max_steps=4, checkpoint_steps=1)
    whole.train(Scripted(whole, scores))
    killed = bench(folder="killed", max_steps=4, checkpoint_steps=1)

    def die_half_way(path, *_, **__):
        for file in sorted(Path(path).glob("optimizer*")):
            file.unlink()
        raise KilledError

    with monkeypatch.context() as patch:
        patch.setattr("transformers.trainer_utils.shutil.rmtree", die_half_way)
        with pytest.raises(KilledError):
            killed.train(Scripted(killed, scores))
    assert not list((killed.folder / "checkpoints/checkpoint-2").glob("optimizer*"))
    killed.new_model()
    assert killed.train(Scripted(killed, scores[1:])).steps == 4
    assert killed.logged("loss") == whole.logged("loss")


def test_only_the_newest_whole_checkpoint_counts_and_the_others_are_cleared(tmp_path):
    assert find_checkpoint(tmp_path / "none") is None
    for step, whole in ((9, True), (10, True), (100, False)):
        folder = tmp_path / f"checkpoint-{step}"
        folder.mkdir()
        (folder / "adapter_model.safetensors").touch()
        if whole:
            (folder / COMPLETE).touch()
    assert find_checkpoint(tmp_path) == str(tmp_path / "checkpoint-10")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["checkpoint-10", "checkpoint-9"]


def test_checkpoints_are_removed_and_the_run_stays(tmp_path):
    (tmp_path / "checkpoints/checkpoint-1").mkdir(parents=True)
    (tmp_path / "adapter").mkdir()
    remove_checkpoints(tmp_path)
    remove_checkpoints(tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == ["adapter"]


@pytest.mark.slow
def test_a_killed_run_ends_as_if_nothing_had_happened(bases, question_set, work, run_script):
    write_question_set(question_set, Path("data/questions/elements"))
    words = (
        f"base.path={bases[LLAMA].folder} questions=data/questions/elements report_to=none max_tokens=600 "
        "batch_size=2 accumulation_steps=2 max_steps=16 checkpoint_steps=2 learning_rate=1e-3 warmup_steps=2 "
        "lora.dropout=0.1 validation_fraction=0.2"
    ).split()
    checkpoints = Path("data/runs/killed/fold0/checkpoints")
    process = start(run_file, ROOT / "scripts/train.py", "run=killed", *words, log=work / "log.txt")
    _wait_for(checkpoints / "checkpoint-4", process)
    process.kill()
    process.join()
    assert process.exitcode == -signal.SIGKILL
    assert not Path("data/runs/killed/fold0/manifest.json").exists()
    half = checkpoints / "partial"  # of a checkpoint that was cut short
    half.mkdir(exist_ok=True)
    (half / "weights.safetensors").write_bytes(b"half")

    for run in ("killed", "whole"):
        assert run_script("train", f"run={run}", *words) == 0

    killed, straight = (Path("data/runs") / run / "fold0" for run in ("killed", "whole"))
    for name in ("loss", "learning_rate", "eval_map3"):
        expected = _read_metric(straight, name)
        assert len(expected) >= 8
        assert _read_metric(killed, name) == pytest.approx(expected, rel=1e-5)
    for file in ("predictions.parquet", "predictions_before.parquet"):
        tables = [pd.read_parquet(run / file).drop(columns="run") for run in (killed, straight)]
        pd.testing.assert_frame_equal(*tables, rtol=1e-5)
    adapters = [load_file(run / "adapter/adapter_model.safetensors") for run in (killed, straight)]
    for name, weights in adapters[0].items():
        torch.testing.assert_close(weights, adapters[1][name], rtol=1e-4, atol=1e-6)
    changed = [pd.read_parquet(straight / f"predictions{state}.parquet") for state in ("", "_before")]
    columns = list(PROBABILITY_COLUMNS)
    assert np.abs(changed[0][columns] - changed[1][columns]).to_numpy().max() > 0.01
    assert not checkpoints.exists()


def _kill_at(step: int):
    """An on_log that kills at the step's own record, before its checkpoint."""

    def on_log(records: list[dict]) -> None:
        if records[-1].get("step") == step:
            raise KilledError

    return on_log


def _wait_for(path: Path, process, seconds: float = 120) -> None:
    end = time.monotonic() + seconds
    while not path.exists():
        assert process.is_alive(), Path("log.txt").read_text()
        assert time.monotonic() < end, f"{path} did not appear"
        time.sleep(0.002)


def _read_metric(run: Path, name: str) -> dict[int, float]:
    records = [json.loads(line) for line in (run / "metrics.jsonl").read_text().splitlines()]
    return {record["step"]: record[name] for record in records if name in record}


def test_a_model_trained_in_bf16_answers_as_its_saved_adapter_does(bench):
    made = bench(quantization="nf4", dtype="bf16", max_steps=2)
    made.train()
    ids = torch.tensor([made.rows[0]["input_ids"]])
    loaded = load_adapter(load_base(made.config.base), made.folder / "adapter")
    with torch.no_grad():
        assert torch.equal(made.model.eval()(ids).logits, loaded(ids).logits)
