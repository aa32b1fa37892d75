"""Temperatures: what they do to probabilities, which one is found, and on what."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from science_exam.answering.calibration import (
    HIGHEST,
    LOWEST,
    apply_temperature,
    calibrate_out_of_fold,
    calibrate_test,
    fit_temperature,
    measure_losses,
    normalize_logits,
)
from science_exam.errors import UserError
from science_exam.evaluation.metrics import log_losses, rank_options
from science_exam.tables import PROBABILITY_COLUMNS

COLUMNS = list(PROBABILITY_COLUMNS)
# Right in three of four cases, and as sure as that: p = 3/4 and 1/16 for each other option.
SURE, ANSWERS = np.tile([0.75, *[0.0625] * 4], (4, 1)), np.array([1, 1, 1, 2])


def make_run(probabilities, folds):
    frame = pd.DataFrame(probabilities, columns=COLUMNS)
    return frame.assign(question_id=[f"q{i}" for i in range(len(frame))], fold=folds, run="r")


def make_questions(answers):
    return pd.DataFrame({"question_id": [f"q{i}" for i in range(len(answers))], "answer": answers})


def test_a_temperature_of_2_takes_the_root_and_of_a_half_the_square():
    p = np.array([[0.64, 0.16, 0.16, 0.04, 0]])
    # Roots .8, .4, .4, .2, 0 over 1.8; squares .4096, .0256, .0256, .0016, 0 over .4624.
    assert apply_temperature(p, 2)[0].tolist() == pytest.approx(np.array([8, 4, 4, 2, 0]) / 18, abs=1e-6)
    assert apply_temperature(p, 0.5)[0].tolist() == pytest.approx(np.array([256, 16, 16, 1, 0]) / 289)
    assert apply_temperature(p, 1) == pytest.approx(p)


def test_the_temperature_that_made_answers_too_sure_is_found():
    for temperature in (0.25, 1, 2.5):
        too_sure = apply_temperature(SURE, 1 / temperature)
        assert fit_temperature(too_sure, ANSWERS) == pytest.approx(temperature, rel=1e-3)


def test_answers_that_are_all_right_or_all_wrong_meet_the_bounds():
    unsure = np.tile([0.3, 0.25, 0.15, 0.15, 0.15], (4, 1))  # surer than this at the bound is no better
    assert fit_temperature(unsure, np.ones(4, dtype=int)) == pytest.approx(LOWEST, rel=1e-3)
    assert fit_temperature(SURE, np.full(4, 3)) == pytest.approx(HIGHEST, rel=1e-3)


def test_losses_of_logits_are_those_of_their_softmax():
    logits = np.random.default_rng(0).normal(size=(6, 5))
    answers = np.array([1, 2, 3, 4, 5, 1])
    assert measure_losses(logits, answers) == pytest.approx(log_losses(normalize_logits(logits), answers))
    assert measure_losses(logits + 1_000, answers) == pytest.approx(measure_losses(logits, answers))


WEIGHTS = st.lists(st.integers(0, 50), min_size=5, max_size=5).filter(any)
ROWS = st.lists(st.tuples(WEIGHTS, st.integers(1, 5)), min_size=1, max_size=20)


@given(ROWS)
@settings(deadline=None)
def test_no_temperature_is_better_than_the_fitted_one(rows):
    p = np.array([weights for weights, _ in rows], dtype=float)
    p /= p.sum(axis=1, keepdims=True)
    answers = np.array([answer for _, answer in rows])
    logits = np.log(np.maximum(p, 1e-15))
    fitted = fit_temperature(p, answers)
    assert LOWEST <= fitted <= HIGHEST
    best = measure_losses(logits / fitted, answers).mean()
    for other in (LOWEST, 0.3, 1, 4, HIGHEST):
        assert best <= measure_losses(logits / other, answers).mean() + 1e-3


@given(WEIGHTS, st.floats(LOWEST, HIGHEST))
def test_a_temperature_keeps_the_sum_and_the_first_option(weights, temperature):
    p = np.array([weights]) / sum(weights)
    made = apply_temperature(p, temperature)
    assert made.sum() == pytest.approx(1)
    assert made[0, rank_options(p)[0, 0] - 1] == pytest.approx(made.max())


def test_a_fold_gets_the_temperature_of_the_others():
    # Fold 0 is too sure by 2, fold 1 by 4: each is given the other's temperature.
    p = np.concatenate([apply_temperature(SURE, 1 / 2), apply_temperature(SURE, 1 / 4)])
    folds, answers = ["0"] * 4 + ["1"] * 4, [*ANSWERS, *ANSWERS]
    made, temperatures = calibrate_out_of_fold(make_run(p, folds), make_questions(answers))
    assert temperatures == pytest.approx({"0": 4, "1": 2}, rel=1e-3)
    expected = np.concatenate([apply_temperature(p[:4], 4), apply_temperature(p[4:], 2)])
    assert made[COLUMNS].to_numpy() == pytest.approx(expected, rel=1e-2)


def test_the_answers_of_a_fold_do_not_decide_its_own_temperature():
    p = apply_temperature(np.tile(SURE, (3, 1)), 0.5)
    folds = ["0"] * 4 + ["1"] * 4 + ["2"] * 4
    one = calibrate_out_of_fold(make_run(p, folds), make_questions([*ANSWERS] * 3))
    other = calibrate_out_of_fold(make_run(p, folds), make_questions([5, 4, 3, 2, *ANSWERS, *ANSWERS]))
    assert one[1]["0"] == other[1]["0"]
    assert one[1]["1"] != other[1]["1"]


def test_a_calibrated_table_keeps_its_order_and_its_other_columns():
    run = make_run(np.tile(SURE, (2, 1)), ["0", "1"] * 4).iloc[::-1].reset_index(drop=True)
    made, _ = calibrate_out_of_fold(run, make_questions([*ANSWERS] * 2))
    others = ["question_id", "fold", "run"]
    pd.testing.assert_frame_equal(made[others], run[others])


def test_questions_without_an_answer_are_calibrated_but_not_fitted_on():
    p, folds = np.tile(apply_temperature(SURE, 0.5), (2, 1)), ["0"] * 4 + ["1"] * 4
    extra = make_run(np.concatenate([p, [[0, 0, 0, 0, 1.0]]]), [*folds, "1"])
    _, expected = calibrate_out_of_fold(make_run(p, folds), make_questions([*ANSWERS] * 2))
    made, temperatures = calibrate_out_of_fold(extra, make_questions(pd.array([*ANSWERS, *ANSWERS, None])))
    assert temperatures == expected
    assert len(made) == 9


def test_test_rows_get_the_temperature_of_all_folds():
    p = np.concatenate([apply_temperature(SURE, 1 / 2), apply_temperature(SURE, 1 / 2)])
    out_of_fold = make_run(p, ["0"] * 4 + ["1"] * 4)
    asked = make_run([[0.64, 0.16, 0.16, 0.04, 0]], ["test"])
    made, temperature = calibrate_test(asked, out_of_fold, make_questions([*ANSWERS] * 2))
    assert temperature == pytest.approx(2, rel=1e-3)
    assert made[COLUMNS].to_numpy()[0] == pytest.approx(np.array([8, 4, 4, 2, 0]) / 18, abs=1e-3)


def test_nothing_is_fitted_on_test_rows():
    out_of_fold, questions = make_run(SURE, ["0", "0", "1", "1"]), make_questions(ANSWERS)
    asked = make_run(SURE, ["test"] * 4)
    with pytest.raises(UserError, match="4 of 4 rows are of a test set; nothing is fitted on those"):
        calibrate_out_of_fold(asked, questions)
    with pytest.raises(UserError, match="4 of 4 rows are of a test set"):
        calibrate_test(asked, asked, questions)
    with pytest.raises(UserError, match="fold '0': expected answers to a test set"):
        calibrate_test(out_of_fold, out_of_fold, questions)


def test_one_fold_alone_leaves_nothing_to_fit_on():
    with pytest.raises(UserError, match=r"outside fold 0.*at least two folds \(make cv\)"):
        calibrate_out_of_fold(make_run(SURE, ["0"] * 4), make_questions(ANSWERS))
