"""A run's folds put together, on the question set it was trained on and no other."""

import pandas as pd
import pytest

from science_exam.errors import UserError
from science_exam.evaluation.out_of_fold import (
    find_question_set,
    list_answer_files,
    read_final_answers,
    read_out_of_fold,
    report_fold,
)
from science_exam.questions.store import list_files, write_question_set
from science_exam.runs import Run
from science_exam.tables import PREDICTIONS, PROBABILITY_COLUMNS, write_table


def make_predictions(questions, right):
    """All weight on the right option, or on the one behind it."""
    chosen = questions["answer"].astype(int) if right else questions["answer"].astype(int) % 5 + 1
    rows = [[float(number == option) for number in range(1, 6)] for option in chosen]
    frame = pd.DataFrame(rows, columns=list(PROBABILITY_COLUMNS))
    return frame.assign(question_id=questions["question_id"].to_numpy(), fold="0", run="try")


@pytest.fixture
def run_folder(tmp_path, question_set):
    """A run of two finished folds that are always wrong before training and right after."""
    source = tmp_path / "set"
    write_question_set(question_set, source)
    for fold in (0, 1):
        folder = tmp_path / "runs/try" / f"fold{fold}"
        run = Run(folder, {"questions": str(source), "fold": fold}, list_files(source))
        run.begin()
        inside = (question_set.folds["fold"] == fold).to_numpy()
        questions = question_set.questions[inside]
        write_table(make_predictions(questions, False), PREDICTIONS, folder / "predictions_before.parquet")
        write_table(make_predictions(questions, True), PREDICTIONS, folder / "predictions.parquet")
        run.finish({})
    return folder.parent


def test_folds_are_put_together_and_every_question_stands_once(run_folder, question_set):
    joined = read_out_of_fold(run_folder)
    held_out = question_set.folds[question_set.folds["fold"] <= 1]["question_id"]
    assert list(joined) == ["before training", "after training"]
    assert set(joined["after training"]["question_id"]) == set(held_out)


def test_one_fold_alone_can_be_asked_for(run_folder, question_set):
    joined = read_out_of_fold(run_folder / "fold1")
    assert len(joined["after training"]) == (question_set.folds["fold"] == 1).sum()


def test_an_unfinished_fold_is_refused(run_folder):
    (run_folder / "fold1" / "manifest.json").unlink()
    with pytest.raises(UserError, match="not finished"):
        read_out_of_fold(run_folder)


def test_a_run_that_is_not_there_names_the_command(tmp_path):
    with pytest.raises(UserError, match="make train"):
        find_question_set(tmp_path / "nothing")


def test_a_run_that_is_not_there_names_those_that_are(run_folder, tmp_path):
    (tmp_path / "runs/empty").mkdir()
    with pytest.raises(UserError, match=r"runs/tri: no run there; there are: try; train"):
        read_out_of_fold(tmp_path / "runs/tri")


def test_logs_of_folds_that_were_trained_side_by_side_are_no_folds(run_folder):
    (run_folder / "fold0.log").write_text("trained")
    assert len(read_out_of_fold(run_folder)["after training"]) == 16  # of 40, two folds of five


def test_a_blend_has_one_state(run_folder, question_set, tmp_path):
    folder = tmp_path / "runs/blend"
    run = Run(folder, {"runs": ["try"], "questions": str(tmp_path / "set")}, list_files(tmp_path / "set"))
    run.begin()
    write_table(make_predictions(question_set.questions, True), PREDICTIONS, folder / "predictions.parquet")
    run.finish({})
    assert list(read_out_of_fold(folder)) == ["blend"]
    assert list_answer_files(folder) == [folder / "predictions.parquet"]
    assert find_question_set(folder) == tmp_path / "set"
    names = [file.parent.name for file in list_answer_files(run_folder)]
    assert names == ["fold0", "fold1"]


def test_the_question_set_of_a_run_is_found(run_folder, tmp_path):
    assert find_question_set(run_folder) == tmp_path / "set"


def test_a_question_set_that_changed_since_is_refused(run_folder, question_set, tmp_path):
    shuffled = question_set.questions.sample(frac=1, random_state=0).reset_index(drop=True)
    shuffled["question_id"] = question_set.questions["question_id"].to_numpy()
    write_question_set(
        type(question_set)(shuffled, question_set.contexts, question_set.folds), tmp_path / "set"
    )
    with pytest.raises(UserError, match=r"questions\.parquet"):
        find_question_set(run_folder)


def test_answers_of_a_run_are_held_against_the_same_questions_only(run_folder, question_set):
    questions = question_set.questions
    final = read_final_answers(run_folder, questions.assign(source="another file"))
    assert final.equals(read_out_of_fold(run_folder)["after training"])
    assert len(read_final_answers(run_folder, questions.assign(question_id="none of them"))) == 16
    other = questions.assign(prompt=questions["prompt"].mask(questions.index < 3, "Which other?"))
    with pytest.raises(
        UserError, match=r"runs/try: 3 of 40 common ids are other questions in .*set, the first"
    ):
        read_final_answers(run_folder, other)


def test_the_report_of_a_fold_holds_the_baselines_and_both_states(run_folder, question_set):
    inside = (question_set.folds["fold"] == 0).to_numpy()
    scores = report_fold(run_folder / "fold0", question_set.questions[inside])
    assert scores["before training"]["accuracy"] == 0.0
    assert scores["after training"] == {"accuracy": 1, "map3": 1, "log_loss": 0, "brier": 0, "ece": 0}
    report = (run_folder / "fold0" / "report.md").read_text()
    assert all(name in report for name in ("random order", "longest option", "before", "after"))
