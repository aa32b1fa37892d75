"""benchmarks/answer_budget.py: the questions that it asks, and its line of a run."""

import sys

import pandas as pd
from conftest import LLAMA, ROOT
from tiny_runs import RUN, TEST, write_run

from science_exam.questions.store import write_question_set
from science_exam.tables import CONTEXTS, FOLDS, QUESTIONS, check_table

sys.path.insert(0, str(ROOT / "benchmarks"))

import answer_budget


def test_questions_are_repeated_under_new_ids_with_their_contexts(question_set):
    made = answer_budget.repeat_questions(question_set, 90)
    for frame, table in ((made.questions, QUESTIONS), (made.contexts, CONTEXTS), (made.folds, FOLDS)):
        check_table(frame, table, "made")
    assert made.questions["question_id"].iloc[[0, 40, 80]].tolist() == [
        "hydrogen-1-0",
        "hydrogen-1-1",
        "hydrogen-1-2",
    ]
    assert (len(made.questions), len(made.contexts), len(made.folds)) == (90, 180, 90)
    pd.testing.assert_series_equal(
        made.questions["prompt"].iloc[40:80].reset_index(drop=True), question_set.questions["prompt"]
    )


def test_a_budget_is_measured_and_what_it_reached_is_read_from_the_run(
    work, bases, question_set, run_script, monkeypatch
):
    write_run(bases[LLAMA].folder, question_set, n_folds=1)
    write_question_set(answer_budget.repeat_questions(question_set, 60), TEST)

    def predict_here(words):
        assert run_script("predict", *words) == 0

    monkeypatch.setattr(answer_budget, "predict", predict_here)
    line = answer_budget.measure([f"run={RUN}/fold0", f"questions={TEST}", "views=2"], work / "out", 300)
    cells = [cell.strip() for cell in line.strip("|").split("|")]
    assert cells[0] == "300"
    assert 0 < float(cells[1]) < 300
    assert cells[3:] == ["60 of 60", "120", "whole"]
