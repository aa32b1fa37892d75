import pytest
import torch
from conftest import KINDS, LLAMA, ONE_TOKEN_KINDS, SCATTERED
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

from science_exam.answering.predictions import Answerer
from science_exam.errors import UserError
from science_exam.evaluation.report import score_all, summarize
from science_exam.judgements import build_judgements
from science_exam.prompt import encode_completions, join_contexts
from science_exam.training.config import BaseConfig, LoraConfig, TrainConfig
from science_exam.training.engine import train_adapter
from science_exam.training.examples import build_examples
from science_exam.training.fast.engine import cut_behind_decision, find_decision
from science_exam.training.model import add_adapter, load_base


@pytest.fixture
def train(bases, question_set, tmp_path):
    """Train a tiny base on a few questions by the fast engine; returns model, rows and log."""

    def trained(kind=LLAMA, n_rows=4, **settings):
        defaults = {
            "base": BaseConfig(path=bases[kind].folder, quantization="nf4"),
            "lora": LoraConfig(r=8),
            "engine": "fast",
            "batch_size": n_rows,
            "accumulation_steps": 1,
            "warmup_steps": 0,
            "learning_rate": 1e-2,
            "report_to": "none",
        }
        config = TrainConfig(**{**defaults, **settings})
        model = add_adapter(load_base(config.base), config.lora, config.seed)
        asked = join_contexts(question_set.questions.head(n_rows), question_set.contexts, 1)
        build = build_judgements if config.objective == "binary" else build_examples
        rows, log = build(asked, bases[kind].tokenizer, 600), []

        def keep(records: list[dict]) -> None:
            log[:] = records

        train_adapter(model, bases[kind].tokenizer, rows, config, tmp_path / "run", keep)
        return model, rows, log

    return trained


@pytest.mark.parametrize("kind", ONE_TOKEN_KINDS)
def test_five_tokens_decide_after_what_all_answers_begin_with(bases, kind):
    tokenizer = bases[kind].tokenizer
    n_forced, classes = find_decision(encode_completions(tokenizer), "options")
    assert len(set(classes)) == 5
    for number, token in enumerate(classes, start=1):
        ids = tokenizer(f"option_{number}", add_special_tokens=False)["input_ids"]
        assert ids[n_forced] == token
        assert ids[:n_forced] == tokenizer("option_1", add_special_tokens=False)["input_ids"][:n_forced]


def test_answers_that_part_at_several_tokens_are_refused(bases):
    with pytest.raises(UserError, match="part at one token; use objective=completion"):
        find_decision(encode_completions(bases[SCATTERED].tokenizer), "options")
    assert SCATTERED in KINDS


def test_a_row_ends_with_the_token_that_decides():
    example = {"input_ids": [5, 6, 7, 1, 2, 3], "completion_mask": [0, 0, 0, 1, 1, 1], "group": "q"}
    # The answer 1 2 3 begins with one token that all answers have: 2 decides.
    assert cut_behind_decision(example, 1) == {
        "input_ids": [5, 6, 7, 1, 2],
        "completion_mask": [0, 0, 0, 0, 1],
        "group": "q",
    }
    assert cut_behind_decision(example, 0)["input_ids"] == [5, 6, 7, 1]


@pytest.mark.parametrize("kind", ONE_TOKEN_KINDS)
def test_the_loss_over_options_is_that_of_the_softmax_over_five_tokens(train, bases, kind):
    model, rows, log = train(kind, objective="options", max_steps=1, learning_rate=0.0)
    n_forced, classes = find_decision(encode_completions(bases[kind].tokenizer), "options")
    total = 0.0
    for row in rows:
        place = row["completion_mask"].index(1) + n_forced
        with torch.no_grad():
            logits = model(torch.tensor([row["input_ids"][:place]])).logits[0, -1, classes]
        total -= float(logits.double().log_softmax(-1)[classes.index(row["input_ids"][place])])
    assert log[0]["loss"] == pytest.approx(total / len(rows), abs=1e-5)


def test_training_on_options_learns_questions_by_heart(train, bases, question_set):
    model, _, log = train(n_rows=8, objective="options", max_steps=30)
    answerer = Answerer(model, bases[LLAMA].tokenizer, max_contexts=1, max_tokens=600, batch_size=8)
    questions = question_set.questions.head(8)
    predictions = answerer.predict(questions, question_set.contexts, "0", "r")
    assert summarize(score_all(questions, {"model": predictions}))["model"]["accuracy"] == 1
    assert log[-1]["loss"] < 0.1 < log[0]["loss"]


def test_options_need_a_tokenizer_whose_answers_part_at_one_token(train):
    with pytest.raises(UserError, match="part at one token"):
        train(SCATTERED, objective="options")


def test_curves_hold_what_the_log_does(train, tmp_path):
    _, _, log = train(max_steps=3, report_to="tensorboard")
    events = EventAccumulator(str(tmp_path / "run/tensorboard")).Reload()
    for name in ("loss", "learning_rate"):
        drawn = [(event.step, event.value) for event in events.Scalars(name)]
        expected = [(record["step"], pytest.approx(record[name], rel=1e-5)) for record in log]
        assert drawn == expected


def test_the_adapter_is_saved_as_peft_reads_it(train, tmp_path):
    from peft import PeftModel

    model, _, _ = train(max_steps=2)
    base = load_base(BaseConfig(path=model.peft_config["default"].base_model_name_or_path))
    loaded, ids = PeftModel.from_pretrained(base, str(tmp_path / "run/adapter")), torch.tensor([[5, 6, 7]])
    with torch.no_grad():
        assert torch.equal(model.eval()(ids).logits, loaded.eval()(ids).logits)


def test_options_that_are_judged_one_by_one_are_learned_by_heart(train, bases, question_set):
    model, rows, log = train(n_rows=4, objective="binary", batch_size=20, max_steps=90)
    assert len(rows) == 20
    assert log[-1]["loss"] < 0.1 < log[0]["loss"]
    questions = question_set.questions.head(4)
    answerer = Answerer(model, bases[LLAMA].tokenizer, 1, 600, 8, objective="binary")
    predictions = answerer.predict(questions, question_set.contexts, "0", "r")
    assert summarize(score_all(questions, {"model": predictions}))["model"]["accuracy"] == 1
