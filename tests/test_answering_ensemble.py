"""All folds of a run as one answerer, with one set of contexts or several."""

import json
import shutil
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from conftest import GPT2, LLAMA
from tiny_encoders import save_tiny_deberta
from tiny_runs import OWN, RUN, TEST, read_answers, write_contexts, write_fold, write_run

from science_exam.answering.fold_answers import find_test_answers
from science_exam.answering.padded import use_adapter
from science_exam.questions.store import read_question_set
from science_exam.tables import PROBABILITY_COLUMNS
from science_exam.training.config import BaseConfig, EncoderConfig
from science_exam.training.encoder.model import load_fresh_encoder, save_encoder
from science_exam.training.encoder.tokenizer import load_encoder_tokenizer
from science_exam.training.model import load_base

COLUMNS = list(PROBABILITY_COLUMNS)
TO_EXAM = f"questions={TEST}"


@pytest.fixture(scope="module")
def made(tmp_path_factory, bases, question_set):
    """A working folder with a run of two folds, which each test copies."""
    folder = tmp_path_factory.mktemp("made")
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        two_folds = question_set.folds.assign(fold=question_set.folds["fold"] % 2)
        write_run(
            bases[LLAMA].folder,
            type(question_set)(question_set.questions, question_set.contexts, two_folds),
            2,
        )
    return folder


@pytest.fixture
def run_of_two(made, work):
    shutil.copytree(made / "data", work / "data")
    return work


@pytest.fixture
def predict(run_script, capsys):
    """Run the script; the predictions table, or the error."""

    def run(name: str, *words: str):
        code = run_script("predict", *words)
        captured = capsys.readouterr()
        return captured.err if code else read_answers(name)

    return run


def probabilities(frame: pd.DataFrame) -> np.ndarray:
    return frame[COLUMNS].to_numpy()


def test_a_run_answers_a_test_set_with_the_mean_of_all_its_folds(run_of_two, predict):
    folds = [predict(f"tiny-fold{n}-exam", f"run={RUN}/fold{n}", TO_EXAM) for n in (0, 1)]
    together = predict("tiny-exam", f"run={RUN}", TO_EXAM)
    mean = (probabilities(folds[0]) + probabilities(folds[1])) / 2
    assert np.abs(probabilities(folds[0]) - mean).max() > 0.01
    np.testing.assert_allclose(probabilities(together), mean, atol=1e-6)
    assert set(together["run"]) == {"tiny"}
    assert set(together["fold"]) == {"test"}


def test_of_its_own_set_each_fold_answers_what_it_held_out(run_of_two, predict, question_set):
    folds = [predict(f"tiny-fold{n}-own", f"run={RUN}/fold{n}", f"questions={OWN}") for n in (0, 1)]
    together = predict("tiny-own", f"run={RUN}", f"questions={OWN}").set_index("question_id")
    assert together.index.tolist() == question_set.questions["question_id"].tolist()
    assert {len(fold) for fold in folds} == {16, 24}
    for n, fold in enumerate(folds):
        own = together.loc[fold["question_id"]]
        assert set(own["fold"]) == {str(n)}
        np.testing.assert_allclose(own[COLUMNS], fold[COLUMNS], atol=1e-6)


def test_views_of_all_folds_are_averaged(run_of_two, predict):
    folds = [predict(f"tiny-fold{n}-exam", f"run={RUN}/fold{n}", TO_EXAM, "views=3") for n in (0, 1)]
    together = predict("tiny-exam", f"run={RUN}", TO_EXAM, "views=3", "budget_seconds=600")
    mean = (probabilities(folds[0]) + probabilities(folds[1])) / 2
    np.testing.assert_allclose(probabilities(together), mean, atol=1e-6)


def test_every_question_is_asked_with_each_set_of_contexts(run_of_two, predict, question_set):
    wiki = write_contexts(question_set.contexts.assign(text="Nothing is known about it."))
    given = predict("given", f"run={RUN}", TO_EXAM, "out=data/predictions/given", "contexts=given")
    alone = predict("wiki", f"run={RUN}", TO_EXAM, "out=data/predictions/wiki", f"contexts={wiki}")
    fused = predict("tiny-exam", f"run={RUN}", TO_EXAM, f"contexts=[given,{wiki}]")
    assert np.abs(probabilities(given) - probabilities(alone)).max() > 0.01
    mean = (probabilities(given) + probabilities(alone)) / 2
    np.testing.assert_allclose(probabilities(fused), mean, atol=1e-6)


def test_a_question_that_one_of_several_sets_of_contexts_lacks_is_named(run_of_two, predict, question_set):
    wiki = write_contexts(question_set.contexts[question_set.contexts["question_id"] != "helium-2"])
    message = predict("", f"run={RUN}", TO_EXAM, f"contexts=[given,{wiki}]")
    assert f"{wiki}/contexts.parquet: no context for 1 of 40 questions, the first is 'helium-2'" in message
    assert len(predict("tiny-exam", f"run={RUN}", TO_EXAM, f"contexts={wiki}")) == 40  # alone it may


def test_a_fold_that_is_not_finished_is_named_with_what_to_do(run_of_two, predict):
    (RUN / "fold1/manifest.json").unlink()
    message = predict("", f"run={RUN}", TO_EXAM)
    assert "data/runs/tiny: fold1 of 2 folds is not finished; train the rest" in message
    assert "make predict RUN=tiny/fold0" in message
    assert len(predict("tiny-fold0-exam", f"run={RUN}/fold0", TO_EXAM)) == 40


def test_without_the_question_set_all_folds_that_are_there_answer(run_of_two, predict):
    expected = predict("tiny-exam", f"run={RUN}", TO_EXAM)
    shutil.rmtree(OWN)
    pd.testing.assert_frame_equal(predict("tiny-exam", f"run={RUN}", TO_EXAM, "overwrite=true"), expected)


def test_folds_with_other_settings_are_no_one_model(run_of_two, predict, bases):
    shutil.rmtree(RUN / "fold1")
    write_fold(bases[LLAMA].folder, 1, max_tokens=500)
    message = predict("", f"run={RUN}", TO_EXAM)
    assert "fold1: trained with other settings than data/runs/tiny/fold0 (max_tokens)" in message
    shutil.rmtree(RUN / "fold1")
    write_fold(bases[GPT2].folder, 1)
    assert "data/runs/tiny/fold0 (base)" in predict("", f"run={RUN}", TO_EXAM)


def test_folds_that_are_encoders_answer_one_after_the_other(run_of_two, predict, question_set, bases):
    path = save_tiny_deberta(run_of_two / "deberta", question_set.questions, question_set.contexts)
    for fold in (0, 1):
        folder = RUN / f"fold{fold}"
        shutil.rmtree(folder)
        write_fold(bases[LLAMA].folder, fold, max_tokens=60)
        model = load_fresh_encoder(BaseConfig(path=path), EncoderConfig(), seed=fold)
        model.classifier.weight.data *= 100
        save_encoder(model, load_encoder_tokenizer(path), folder / "encoder")
    folds = [predict(f"tiny-fold{n}-exam", f"run={RUN}/fold{n}", TO_EXAM) for n in (0, 1)]
    together = predict("tiny-exam", f"run={RUN}", TO_EXAM)
    mean = (probabilities(folds[0]) + probabilities(folds[1])) / 2
    np.testing.assert_allclose(probabilities(together), mean, atol=1e-9)
    own = predict("tiny-own", f"run={RUN}", f"questions={OWN}")
    assert own["fold"].tolist() == [str(n) for n in read_question_set(OWN).folds["fold"]]


def test_a_blend_takes_the_answers_of_all_folds_where_there_are_some(run_of_two, predict):

    predictions = Path("data/predictions")
    for name in (f"{RUN}/fold0", f"{RUN}"):
        predict("tiny-fold0-exam", f"run={name}", TO_EXAM)
    found = find_test_answers(predictions, ["tiny", "tiny/fold0"], TEST)
    assert found["tiny"] == [predictions / "tiny-exam/predictions.parquet"]
    assert found["tiny/fold0"] == [predictions / "tiny-fold0-exam/predictions.parquet"]


def test_ways_to_ask_are_weighted_by_a_blend_of_their_out_of_fold_answers(run_of_two, predict, run_script):
    """Late fusion with fitted weights: each way to ask is a run to `make blend`, nested over the folds."""
    ways = {"plain": "views=1", "turned": "views=3"}
    for name, word in ways.items():
        run_script("predict", f"run={RUN}", f"questions={OWN}", word, f"out=data/runs/{name}")
        run_script("predict", f"run={RUN}", TO_EXAM, word, f"out=data/predictions/{name}-exam")
    assert run_script("evaluate", "run=data/runs/turned") == 0
    assert run_script("blend", "runs=[plain,turned]", f"test={TEST}") == 0
    weights = json.loads(Path("data/runs/blend-plain-turned/weights.json").read_text())
    assert set(weights["of_each_fold"]) == {"0", "1"}
    assert sum(weights["weights"].values()) == pytest.approx(1)
    assert len(read_answers("blend-plain-turned-exam")) == 40


def test_a_base_without_adapters_is_left_as_it_is(bases):
    use_adapter(load_base(BaseConfig(path=bases[LLAMA].folder, quantization="none")), "default")
