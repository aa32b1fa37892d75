"""Runs side by side on the same questions, and what is refused."""

import numpy as np
import pandas as pd
import pytest

from science_exam.answering.held_out import HeldOut, align_runs, check_same_questions
from science_exam.errors import UserError
from science_exam.tables import OPTION_COLUMNS, PROBABILITY_COLUMNS

IDS = [f"q{i}" for i in range(6)]
FOLDS = ["0", "0", "1", "1", "2", "2"]
QUESTIONS = pd.DataFrame(
    {
        "question_id": IDS,
        "prompt": [f"Which is number {i}?" for i in range(6)],
        **{column: f"choice {column[-1]}" for column in OPTION_COLUMNS},
        "answer": pd.array([1, 2, 3, None, 5, 1], dtype="Int64"),
    }
)


def make_run(first, ids=IDS, folds=FOLDS):
    """All questions have one distribution but for the first option's probability, which tells runs apart."""
    rows = [[first, *[(1 - first) / 4] * 4] for _ in ids]
    return pd.DataFrame(rows, columns=list(PROBABILITY_COLUMNS)).assign(question_id=ids, fold=folds, run="r")


def test_rows_are_matched_by_id_in_the_order_of_the_questions():
    b = make_run(0.4).sample(frac=1, random_state=1)
    b.loc[b["question_id"] == "q4", "p_1"] = 0.9
    aligned = align_runs({"a": make_run(0.2).iloc[::-1], "b": b}, QUESTIONS)
    assert aligned.question_ids.tolist() == IDS
    assert aligned.folds.tolist() == FOLDS
    assert aligned.answers.tolist() == [1, 2, 3, 0, 5, 1]
    assert aligned.probabilities.shape == (2, 6, 5)
    assert aligned.probabilities[:, :, 0].tolist() == [[0.2] * 6, [0.4, 0.4, 0.4, 0.4, 0.9, 0.4]]


def test_a_run_without_a_fold_is_named_with_the_fold_and_the_command():
    short = make_run(0.3, IDS[:4], FOLDS[:4])
    expected = r"b: 2 of 6 questions that a answers are missing, of fold 2, the first is 'q4'.*RUN=b FOLD=2"
    with pytest.raises(UserError, match=expected):
        align_runs({"a": make_run(0.2), "b": short}, QUESTIONS)
    with pytest.raises(UserError, match="b: 2 of 6 questions that a answers are missing, of fold 2"):
        align_runs({"b": short, "a": make_run(0.2)}, QUESTIONS)


def test_runs_with_other_folds_are_refused_with_how_many():
    moved = make_run(0.3, folds=["0", "0", "1", "2", "1", "2"])
    expected = "b: 2 of 6 questions were held out in other folds than in a, the first is 'q3'"
    with pytest.raises(UserError, match=expected):
        align_runs({"a": make_run(0.2), "b": moved}, QUESTIONS)


def test_answers_to_strange_questions_are_refused():
    with pytest.raises(UserError, match="1 of 6 answers are to no question of the set, the first is to 'q0'"):
        align_runs({"a": make_run(0.2)}, QUESTIONS.iloc[1:])


def test_test_rows_are_refused_wherever_they_come_from():
    with pytest.raises(UserError, match="1 of 6 rows are of a test set"):
        align_runs({"a": make_run(0.2, folds=[*FOLDS[:5], "test"])}, QUESTIONS)
    with pytest.raises(UserError, match="nothing is fitted on those"):
        HeldOut(np.array(["q"]), np.array(["test"]), np.array([1]), np.full((1, 1, 5), 0.2))


def test_fitting_sees_the_questions_with_an_answer_outside_the_fold():
    aligned = align_runs({"a": make_run(0.2), "b": make_run(0.4)}, QUESTIONS)
    seen = aligned.fit(lambda probabilities, answers: (probabilities.shape, answers.tolist()))
    assert seen == ((2, 5, 5), [1, 2, 3, 5, 1])
    assert aligned.fit(lambda _, answers: answers.tolist(), without_fold="2") == [1, 2, 3]


def test_cross_fitting_applies_to_each_fold_what_the_others_gave():
    aligned = align_runs({"a": make_run(0.2)}, QUESTIONS)
    made, fitted = aligned.cross_fit(
        fit=lambda _, answers: answers.sum(), apply=lambda total, p: np.full(p.shape[1:], total)
    )
    assert fitted == {"0": 9, "1": 9, "2": 6}
    assert made[:, 0].tolist() == [9, 9, 9, 9, 6, 6]


def test_picked_runs_keep_their_questions():
    aligned = align_runs({"a": make_run(0.2), "b": make_run(0.4)}, QUESTIONS)
    assert aligned.pick([1]).probabilities[:, 0, 0].tolist() == [0.4]
    assert aligned.pick([1]).folds.tolist() == FOLDS


def test_sets_that_only_share_their_ids_are_told_apart():
    other = QUESTIONS.copy()
    other.loc[2, "prompt"] = "Who?"
    other.loc[3, "answer"] = 2
    expected = "b: trained on another question set than a: 2 of 6 questions of one id differ"
    with pytest.raises(UserError, match=f"{expected}, the first is 'q2', 0 are in one set alone"):
        check_same_questions({"a": QUESTIONS, "b": other})
    with pytest.raises(UserError, match="0 of 4 questions of one id differ, 2 are in one set alone"):
        check_same_questions({"a": QUESTIONS, "b": QUESTIONS.iloc[:4]})


def test_one_set_in_another_order_is_the_same():
    assert check_same_questions({"a": QUESTIONS, "b": QUESTIONS.iloc[::-1]}) is QUESTIONS
