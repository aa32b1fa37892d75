import dataclasses

import numpy as np
import pandas as pd
import pytest
from conftest import GPT2, LLAMA
from sound_tables import check_predictions

from science_exam.answering.decoding import score_options
from science_exam.answering.predictions import Answerer
from science_exam.errors import UserError
from science_exam.prompt import encode_completions, encode_prompt, join_contexts
from science_exam.tables import PROBABILITY_COLUMNS
from science_exam.training.config import BaseConfig, LoraConfig
from science_exam.training.model import add_adapter, load_base

COLUMNS = list(PROBABILITY_COLUMNS)


@pytest.fixture(scope="module")
def answerer(bases):
    base = bases[LLAMA]
    model = load_base(BaseConfig(path=base.folder, quantization="none"))
    return Answerer(model, base.tokenizer, max_contexts=2, max_tokens=600, batch_size=8)


def test_predictions_are_a_sound_table_in_the_order_of_the_questions(answerer, question_set):
    check_predictions(answerer, question_set)


def test_probabilities_are_those_of_the_encoded_prompts(answerer, question_set):
    questions = question_set.questions.head(5)
    asked = join_contexts(questions, question_set.contexts, 2)
    prompts = [encode_prompt(question, answerer.tokenizer, 600) for question in asked]
    expected = score_options(answerer.model, prompts, encode_completions(answerer.tokenizer))
    predictions = answerer.predict(questions, question_set.contexts, "test", "r")
    np.testing.assert_allclose(predictions[COLUMNS], expected, atol=1e-6)


def test_answers_do_not_depend_on_company_or_on_the_right_answer(answerer, question_set):
    together = answerer.predict(question_set.questions, question_set.contexts, "test", "r")
    alone = answerer.predict(
        question_set.questions.iloc[[7]].assign(answer=pd.array([None], dtype="Int64")),
        question_set.contexts,
        "test",
        "r",
    )
    np.testing.assert_allclose(alone[COLUMNS].iloc[0], together[COLUMNS].iloc[7], atol=1e-5)


def test_max_contexts_and_max_tokens_decide_what_is_read(answerer, question_set):
    questions, contexts = question_set.questions.head(3), question_set.contexts
    closed = dataclasses.replace(answerer, max_contexts=0).predict(questions, contexts, "test", "r")
    none = answerer.predict(questions, contexts.iloc[:0], "test", "r")
    pd.testing.assert_frame_equal(closed, none)
    longest = max(len(ids) for ids in encode_completions(answerer.tokenizer))
    bare = [encode_prompt(q, answerer.tokenizer, 600) for q in join_contexts(questions, None, 0)]
    tight = dataclasses.replace(answerer, max_tokens=max(map(len, bare)) + longest)
    pd.testing.assert_frame_equal(tight.predict(questions, contexts, "test", "r"), closed)
    open_book = answerer.predict(questions, contexts, "test", "r")
    assert np.abs(open_book[COLUMNS] - closed[COLUMNS]).to_numpy().max() > 1e-4


def test_each_set_of_contexts_that_is_cut_is_said(answerer, question_set):
    long = question_set.contexts.assign(text=question_set.contexts["text"] + " It is so." * 300)
    tables = [question_set.contexts, long]
    [line] = answerer.describe_cuts(question_set.questions, tables)
    assert line.startswith("contexts 2 of 2: 100% of the prompts are longer than max_tokens=")
    assert answerer.describe_cuts(question_set.questions.head(0), tables) == []
    judging = dataclasses.replace(answerer, objective="binary")
    assert judging.describe_cuts(question_set.questions, tables) == []


def test_a_question_beyond_the_budget_is_named(answerer, question_set):
    small = dataclasses.replace(answerer, max_tokens=50)
    with pytest.raises(UserError, match="hydrogen-1"):
        small.predict(question_set.questions, question_set.contexts, "test", "r")


def test_dropout_is_off_whatever_mode_the_model_was_left_in(bases, question_set):
    base = bases[GPT2]
    model = load_base(BaseConfig(path=base.folder, quantization="none"))
    model = add_adapter(model, LoraConfig(dropout=0.5), seed=0)
    for name, parameter in model.named_parameters():
        if "lora_B" in name:
            parameter.data.normal_(std=0.1)
    answerer = Answerer(model.train(), base.tokenizer, 1, 600, 8)
    questions = question_set.questions.head(4)
    first = answerer.predict(questions, question_set.contexts, "test", "r")
    model.train()
    second = answerer.predict(questions, question_set.contexts, "test", "r")
    pd.testing.assert_frame_equal(first, second)


def test_a_budget_beyond_the_window_of_the_base_is_refused(answerer):
    window = answerer.model.config.max_position_embeddings
    with pytest.raises(UserError, match=f"at most {window} tokens"):
        dataclasses.replace(answerer, max_tokens=window + 1)
