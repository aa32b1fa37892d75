"""Blends: what is fitted where, the folder they leave, test sets, and blends of blends."""

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from science_exam.answering.blending import (
    Blend,
    Recipe,
    blend_test,
    estimate_blend,
    estimate_recipes,
    fit_blend,
)
from science_exam.answering.calibration import apply_temperature
from science_exam.answering.config import BlendConfig
from science_exam.answering.held_out import HeldOut
from science_exam.config import describe
from science_exam.errors import UserError
from science_exam.evaluation.metrics import log_losses, rank_options
from science_exam.kaggle.submission import read_submission
from science_exam.questions.store import list_files, write_question_set
from science_exam.runs import Run, read_manifest
from science_exam.tables import PREDICTIONS, PROBABILITY_COLUMNS, read_table, write_table

COLUMNS = list(PROBABILITY_COLUMNS)
LOG_LOSS = Recipe("logits", "log_loss", calibrate=True, seed=0)
MEAN = Recipe("probabilities", "equal", calibrate=False, seed=0)


def make_held_out(skills=(1.5, 1, 0.5), n_rows=100, n_folds=5, seed=0):
    generator = np.random.default_rng(seed)
    answers = generator.integers(1, 6, n_rows)
    logits = generator.normal(size=(len(skills), n_rows, 5))
    logits[:, np.arange(n_rows), answers - 1] += np.array(skills)[:, None]
    p = np.exp(logits)
    folds = np.array([str(i % n_folds) for i in range(n_rows)], dtype=object)
    return HeldOut(np.arange(n_rows).astype(str), folds, answers, p / p.sum(axis=2, keepdims=True))


def test_one_run_alone_is_that_run_or_that_run_calibrated():
    held_out = make_held_out([1])
    for recipe in estimate_recipes(held_out, MEAN):
        made = estimate_blend(held_out, recipe).honest
        assert rank_options(made).tolist() == rank_options(held_out.probabilities[0]).tolist()
        if recipe.pool != "ranks":
            assert made == pytest.approx(held_out.probabilities[0], abs=1e-9)
    calibrated = estimate_blend(held_out, LOG_LOSS).blend
    assert calibrated.weights.tolist() == [1]
    assert calibrated.temperature == pytest.approx(1, abs=1e-3)  # the run's own has done it all


def test_a_blend_of_a_run_and_its_copy_is_that_run():
    held_out = make_held_out([1])
    doubled = HeldOut(held_out.question_ids, held_out.folds, held_out.answers, held_out.probabilities[[0, 0]])
    for recipe, twice in estimate_recipes(doubled, LOG_LOSS).items():
        once = estimate_blend(held_out, recipe)
        assert twice.honest == pytest.approx(once.honest, abs=1e-6)
        assert twice.blend.weights.tolist() == [0.5, 0.5]


def test_the_order_of_the_runs_decides_nothing():
    held_out = make_held_out()
    for recipe, made in estimate_recipes(held_out, LOG_LOSS).items():
        other = estimate_blend(held_out.pick([2, 0, 1]), recipe)
        assert other.honest == pytest.approx(made.honest, abs=1e-6), recipe
        assert other.blend.weights == pytest.approx(made.blend.weights[[2, 0, 1]], abs=1e-6)


def test_the_answers_of_a_fold_do_not_decide_how_it_is_answered():
    held_out = make_held_out()
    inside = held_out.folds == "0"
    wrong = np.where(inside, held_out.answers % 5 + 1, held_out.answers)
    spoilt = HeldOut(held_out.question_ids, held_out.folds, wrong, held_out.probabilities)
    for recipe, made in estimate_recipes(held_out, LOG_LOSS).items():
        other = estimate_blend(spoilt, recipe)
        assert other.honest[inside].tolist() == made.honest[inside].tolist()
        assert other.optimistic[inside].tolist() != made.optimistic[inside].tolist()


def test_optimistic_is_no_worse_than_honest_where_log_loss_is_fitted():
    held_out = make_held_out(n_rows=60)
    made = estimate_blend(held_out, LOG_LOSS)
    honest, optimistic = (log_losses(p, held_out.answers).mean() for p in (made.honest, made.optimistic))
    assert optimistic < honest


def test_nothing_fitted_leaves_honest_and_optimistic_the_same():
    held_out = make_held_out()
    made = estimate_blend(held_out, MEAN)
    assert made.honest == pytest.approx(held_out.probabilities.mean(axis=0))
    assert made.honest.tolist() == made.optimistic.tolist()


def test_runs_are_calibrated_before_they_are_averaged():
    held_out = make_held_out([1, 1], n_rows=400)
    too_sure = held_out.probabilities.copy()
    too_sure[1] = apply_temperature(too_sure[1], 1 / 4)
    blend = fit_blend(too_sure, held_out.answers, Recipe("probabilities", "equal", True, 0))
    plain = fit_blend(held_out.probabilities, held_out.answers, Recipe("probabilities", "equal", True, 0))
    assert blend.run_temperatures[1] == pytest.approx(4 * plain.run_temperatures[1], rel=1e-3)
    assert blend.answer(too_sure) == pytest.approx(plain.answer(held_out.probabilities), abs=1e-4)


def test_test_sets_are_answered_in_the_order_of_the_first_run():
    p = pd.DataFrame([[0.6, 0.1, 0.1, 0.1, 0.1], [0.1, 0.6, 0.1, 0.1, 0.1]], columns=COLUMNS)
    a = p.assign(question_id=["x", "y"], fold="test", run="a")
    b = p.assign(question_id=["y", "x"], fold="test", run="b")
    blend = Blend("probabilities", np.array([0.75, 0.25]), np.ones(2), 1.0)
    made = blend_test({"a": a, "b": b}, blend, "both")
    assert made["question_id"].tolist() == ["x", "y"]
    assert made["p_1"].tolist() == pytest.approx([0.475, 0.225])
    assert set(made["fold"]) == {"test"}
    with pytest.raises(UserError, match="b and a answer different test questions: 1 are"):
        blend_test({"a": a, "b": b.iloc[:1]}, blend, "both")


# ------------------------------------------------------------------------------------ the script


@pytest.fixture
def runs(work, question_set, monkeypatch):
    """data/runs/{weak,strong} of five folds each, and their answers to data/questions/exam."""
    monkeypatch.setattr("science_exam.runs.describe_environment", dict)  # which asks git, ten times
    write_question_set(question_set, Path("data/questions/elements"))
    write_question_set(question_set, Path("data/questions/exam"))
    for seed, (name, skill) in enumerate({"weak": 0.5, "strong": 2.0}.items()):
        write_run(question_set, name, skill, seed)
    return work


def write_run(made, name, skill, seed, source="elements", folds=range(5)):
    generator = np.random.default_rng(seed)
    answers = made.questions["answer"].to_numpy(dtype=int)
    logits = generator.normal(size=(len(answers), 5))
    logits[np.arange(len(answers)), answers - 1] += skill
    p = np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True)
    frame = pd.DataFrame(p, columns=COLUMNS).assign(question_id=made.questions["question_id"], run=name)
    source = Path("data/questions") / source
    for fold in folds:
        folder = Path(f"data/runs/{name}/fold{fold}")
        settings = {"questions": str(source), "fold": fold, "skill": skill}
        run = Run(folder, settings, list_files(source))
        run.begin()
        held_out = frame[(made.folds["fold"] == fold).to_numpy()].assign(fold=str(fold))
        write_table(held_out, PREDICTIONS, folder / "predictions_before.parquet")
        write_table(held_out, PREDICTIONS, folder / "predictions.parquet")
        run.finish({})
        if fold < 2:
            write_answers(frame.assign(fold="test"), f"{name}-fold{fold}-exam")


def write_answers(frame, name, **settings):
    inputs = list_files(Path("data/questions/exam"))
    run = Run(Path("data/predictions") / name, {"name": name, **settings}, inputs)
    run.begin()
    write_table(frame, PREDICTIONS, run.folder / "predictions.parquet")
    run.finish({})


def test_a_blend_can_be_evaluated_answers_test_sets_and_is_blended_again(runs, run_script, capsys):
    words = ["runs=[weak,strong]", "name=both", "test=data/questions/exam"]
    assert run_script("blend", *words) == 0
    shown = capsys.readouterr().out
    assert "| logits weighted for log-loss | " in shown
    assert "honest - strong, paired" in shown
    weights = json.loads(Path("data/runs/both/weights.json").read_text())
    assert list(weights["weights"]) == list(weights["temperatures"]) == ["weak", "strong"]
    assert sum(weights["weights"].values()) == pytest.approx(1)
    assert sorted(weights["of_each_fold"]) == ["0", "1", "2", "3", "4"]

    assert run_script("evaluate", "run=data/runs/both") == 0
    report = capsys.readouterr().out
    assert report.startswith("40 questions")
    [row] = [line for line in report.splitlines() if line.startswith("| blend |")]
    [honest] = [line for line in shown.splitlines() if line.startswith("| logits weighted for log-loss")][:1]
    assert honest.split("|")[2] == row.split("|")[3]  # MAP@3

    answers = read_table(PREDICTIONS, Path("data/predictions/both-exam/predictions.parquet"))
    assert set(answers["fold"]) == {"test"}
    submission = read_submission(Path("data/predictions/both-exam/submission.csv"))
    assert list(submission) == answers["question_id"].tolist()
    assert read_manifest(Path("data/predictions/both-exam"))["results"] == {"folds": {"weak": 2, "strong": 2}}

    assert run_script("blend", "runs=[both,weak]", "test=data/questions/exam") == 0
    assert Path("data/predictions/blend-both-weak-exam/submission.csv").is_file()


def test_the_same_blend_is_skipped_and_another_is_not_written_over(runs, run_script, capsys):
    assert run_script("blend", "runs=[weak,strong]") == 0
    written = Path("data/runs/blend-weak-strong/manifest.json").stat().st_mtime_ns
    assert run_script("blend", "runs=[weak,strong]") == 0
    assert Path("data/runs/blend-weak-strong/manifest.json").stat().st_mtime_ns == written
    assert run_script("blend", "runs=[weak,strong]", "pool=ranks") == 2
    assert "pool 'logits' -> 'ranks'" in capsys.readouterr().err
    assert run_script("blend", "runs=[weak,strong]", "pool=ranks", "overwrite=true") == 0


def test_a_run_alone_is_calibrated_under_another_name(runs, run_script, capsys):
    assert run_script("blend", "runs=strong") == 0
    assert "mean of" not in capsys.readouterr().out
    made = read_table(PREDICTIONS, Path("data/runs/blend-strong/predictions.parquet"))
    assert len(made) == 40
    assert sorted(path.name for path in Path("data/runs/strong").iterdir()) == [f"fold{i}" for i in range(5)]


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["runs=[]"], "runs: expected names of runs"),
        (["runs=[weak,weak]"], "expected each run once, found 'weak' twice"),
        (["runs=[weak,stong]"], "data/runs/stong: no run there; there are: short, strong, weak"),
        (["runs=[weak,strong]", "name=weak"], "data/runs/weak: a run has this name"),
        (["runs=[weak]", "name=short"], "data/runs/short: a run has this name"),
        (["runs=[weak,short]"], "short: 16 of 40 questions that weak answers are missing, of fold 3, 4"),
        (["runs=[weak/fold1,strong/fold1]"], "no question with an answer outside fold 1"),
        (["runs=[weak]", "pool=median"], "expected one of probabilities, logits, ranks"),
    ],
)  # fmt: skip
def test_what_cannot_be_blended_is_said_and_nothing_is_written(
    runs, question_set, run_script, capsys, words, message
):
    write_run(question_set, "short", 1, 2, folds=range(3))
    before = sorted(map(str, Path("data").rglob("*")))
    assert run_script("blend", *words) == 2
    assert message in capsys.readouterr().err
    assert sorted(map(str, Path("data").rglob("*"))) == before


def test_runs_of_other_questions_are_refused(runs, question_set, run_script, capsys):
    changed = question_set.questions.copy()
    changed.loc[:2, "prompt"] = "Which?"
    write_question_set(
        type(question_set)(changed, question_set.contexts, question_set.folds), Path("data/questions/other")
    )
    write_run(question_set, "stranger", 1, 3, source="other")
    assert run_script("blend", "runs=[weak,stranger]") == 2
    assert "another question set than weak: 3 of 40 questions of one id differ" in capsys.readouterr().err


def test_test_sets_that_cannot_be_answered_are_refused(runs, question_set, run_script, capsys):
    def refused(folder):
        assert run_script("blend", "runs=[weak,strong]", f"test=data/questions/{folder}") == 2
        return capsys.readouterr().err

    write_question_set(question_set, Path("data/questions/unknown"))
    assert "no answers of weak to unknown; make them with: make predict RUN=weak/fold0" in refused("unknown")
    held_out = read_table(PREDICTIONS, Path("data/runs/strong/fold0/predictions.parquet"))
    write_answers(held_out, "weak-fold7-exam")
    assert "expected answers to a test set, found fold 0" in refused("exam")
    fewer = type(question_set)(question_set.questions[:9], question_set.contexts[:0], question_set.folds[:9])
    write_question_set(fewer, Path("data/questions/exam"))
    assert "not the questions that data/predictions/weak-fold0-exam answers" in refused("exam")


def test_test_answers_of_other_views_than_the_weights_are_said(runs, run_script, capsys):
    words = ["runs=[weak]", "calibrate=false", "test=data/questions/exam"]
    assert run_script("blend", *words) == 0
    assert "views=" not in capsys.readouterr().out
    frame = read_table(PREDICTIONS, Path("data/predictions/weak-fold0-exam/predictions.parquet"))
    write_answers(frame, "weak-fold2-exam", views=5)
    assert run_script("blend", *words, "overwrite=true") == 0
    said = capsys.readouterr().out
    assert "weak: its held-out questions were answered with views=1, the test set with views=1, 5" in said


def test_folds_of_a_run_answer_a_test_set_together(runs, question_set, run_script):
    frame = read_table(PREDICTIONS, Path("data/predictions/weak-fold0-exam/predictions.parquet"))
    flat = frame.assign(**dict.fromkeys(COLUMNS, 0.2))
    write_answers(flat, "weak-fold2-exam")
    assert run_script("blend", "runs=[weak]", "calibrate=false", "test=data/questions/exam") == 0
    made = read_table(PREDICTIONS, Path("data/predictions/blend-weak-exam/predictions.parquet"))
    # The mean of logits with two equal folds and a flat one: a temperature of 3 / 2.
    assert made[COLUMNS].to_numpy() == pytest.approx(apply_temperature(frame[COLUMNS].to_numpy(), 1.5))


def test_every_setting_is_explained_in_its_help():
    lines = [line.strip() for line in describe(BlendConfig).splitlines()]
    assert all(lines)
