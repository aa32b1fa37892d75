import dataclasses

import numpy as np
import pandas as pd
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from sound_tables import check_predictions
from tiny_encoders import save_tiny_deberta
from torch import nn

from science_exam.answering.config import PredictConfig
from science_exam.answering.encoder import find_window, plan_batches, score_choices
from science_exam.answering.predictions import Answerer, load_answerer
from science_exam.choices import encode_choices, pad_choices
from science_exam.errors import UserError
from science_exam.prompt import join_contexts
from science_exam.tables import PROBABILITY_COLUMNS
from science_exam.training.config import BaseConfig, EncoderConfig, TrainConfig
from science_exam.training.encoder.model import load_fresh_encoder, save_encoder
from science_exam.training.encoder.tokenizer import load_encoder_tokenizer

COLUMNS = list(PROBABILITY_COLUMNS)
ASKING = PredictConfig()


@pytest.fixture(scope="module")
def answerer(tmp_path_factory, question_set):
    folder = tmp_path_factory.mktemp("encoder")
    path = save_tiny_deberta(folder, question_set.questions, question_set.contexts)
    model = load_fresh_encoder(BaseConfig(path=path), EncoderConfig(), seed=0)
    model.classifier.weight.data *= 100  # a random head with preferences
    return Answerer(model, load_encoder_tokenizer(path), max_contexts=2, max_tokens=60, batch_size=8)


def test_predictions_are_a_sound_table_in_the_order_of_the_questions(answerer, question_set):
    check_predictions(answerer, question_set)


def test_probabilities_are_the_softmax_of_the_five_scores(answerer, question_set):
    questions = question_set.questions.head(3)
    predictions = answerer.predict(questions, question_set.contexts, "test", "r")
    for row, asked in enumerate(join_contexts(questions, question_set.contexts, 2)):
        pairs = encode_choices(asked, answerer.tokenizer, 60)["input_ids"]
        with torch.no_grad():  # one pair at a time, without any padding
            scores = [float(answerer.model(torch.tensor(ids)[None, None]).logits) for ids in pairs]
        expected = np.exp(scores) / np.exp(scores).sum()
        assert np.ptp(expected) > 0.01
        np.testing.assert_allclose(predictions[COLUMNS].iloc[row].to_numpy(float), expected, atol=1e-5)


@pytest.mark.parametrize("batch_size", [1, 3, 1000])
def test_the_table_is_the_same_whatever_the_batch(answerer, question_set, batch_size):
    expected = answerer.predict(question_set.questions, question_set.contexts, "test", "r")
    other = dataclasses.replace(answerer, batch_size=batch_size)
    found = other.predict(question_set.questions, question_set.contexts, "test", "r")
    pd.testing.assert_frame_equal(found, expected, atol=1e-5, rtol=0)


def test_options_in_another_order_have_the_same_probabilities(answerer, question_set):
    questions = question_set.questions.head(6)
    turned = questions.assign(**{f"option_{n}": questions[f"option_{n % 5 + 1}"] for n in range(1, 6)})
    expected, found = (
        answerer.predict(frame, question_set.contexts, "test", "r")[COLUMNS].to_numpy(float)
        for frame in (questions, turned)
    )
    np.testing.assert_allclose(found, np.roll(expected, -1, axis=1), atol=1e-5)


def test_long_contexts_are_shortened_and_closed_book_is_without(answerer, question_set):
    questions, contexts = question_set.questions.head(3), question_set.contexts
    long = contexts.assign(text=[" ".join([text] * 40) for text in contexts["text"]])
    answers = answerer.predict(questions, long, "test", "r")
    closed = dataclasses.replace(answerer, max_contexts=0).predict(questions, long, "test", "r")
    assert np.abs(answers[COLUMNS] - closed[COLUMNS]).to_numpy().max() > 1e-4
    pd.testing.assert_frame_equal(closed, answerer.predict(questions, contexts.iloc[:0], "test", "r"))


def test_no_question_gives_no_row(answerer, question_set):
    empty = answerer.predict(question_set.questions.head(0), question_set.contexts, "test", "r")
    assert len(empty) == 0
    assert set(COLUMNS) < set(empty.columns)


def test_every_forward_pass_keeps_within_the_token_budget(answerer, question_set, monkeypatch):
    asked = join_contexts(question_set.questions, question_set.contexts, 2)
    rows = [encode_choices(question, answerer.tokenizer, 60) for question in asked]
    seen = []

    def spy(batch, pad_id):
        inputs = pad_choices(batch, pad_id)
        seen.append(inputs["input_ids"].numel())
        return inputs

    monkeypatch.setattr("science_exam.answering.encoder.pad_choices", spy)
    score_choices(answerer.model, rows, token_budget=1000, pad_id=0)
    assert max(seen) <= 1000
    assert len(seen) < 20  # shorter rows come in larger batches: 20 would be rows of 60 tokens, three a batch


@given(sizes=st.lists(st.integers(1, 50), max_size=40), budget=st.integers(1, 200))
def test_batches_hold_every_row_once_and_no_more_than_the_budget(sizes, budget):
    batches = plan_batches(sizes, budget)
    assert sorted(row for batch in batches for row in batch) == list(range(len(sizes)))
    for batch in batches:
        assert len(batch) == 1 or len(batch) * max(sizes[row] for row in batch) <= budget
    largest = [sizes[batch[0]] for batch in batches]
    assert largest == sorted(largest, reverse=True)


def test_a_trained_encoder_is_loaded_with_its_head_and_answers_alike(answerer, question_set, tmp_path):
    save_encoder(answerer.model, answerer.tokenizer, tmp_path / "encoder")
    assert {path.name for path in (tmp_path / "encoder").iterdir()} == {
        "config.json", "model.safetensors", "tokenizer.json", "tokenizer_config.json",
    }  # fmt: skip
    base = BaseConfig(path=str(tmp_path / "encoder"))
    loaded = load_answerer(
        TrainConfig(base=base, max_contexts=2, max_tokens=60), tmp_path / "adapter", ASKING
    )
    expected, found = (
        one.predict(question_set.questions, question_set.contexts, "test", "r") for one in (answerer, loaded)
    )
    pd.testing.assert_frame_equal(found, expected)


def test_an_encoder_without_a_trained_head_does_not_answer(tmp_path, question_set):
    path = save_tiny_deberta(tmp_path, question_set.questions, question_set.contexts)
    with pytest.raises(UserError, match="expected an encoder with a trained head"):
        load_answerer(TrainConfig(base=BaseConfig(path=path)), tmp_path, ASKING)


def test_relative_positions_have_no_window_and_tables_of_positions_have(answerer):
    assert find_window(answerer.model) is None
    dataclasses.replace(answerer, max_tokens=5000)
    bert, roberta = nn.ModuleDict(), nn.ModuleDict()
    bert["position_embeddings"] = nn.Embedding(512, 4)
    roberta["position_embeddings"] = nn.Embedding(514, 4, padding_idx=1)
    assert find_window(bert) == find_window(roberta) == 512
