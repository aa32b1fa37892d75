"""Several processes that divide the questions of an exam."""

import time
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from conftest import LLAMA
from hypothesis import given
from hypothesis import strategies as st
from stumbling import answer_and_stay, die, refuse, save_late, sleep, stumble, stumble_and_stay
from tiny_runs import RUN, TEST, read_answers, write_run

from science_exam.answering import ensemble, shares
from science_exam.answering.config import PredictConfig
from science_exam.answering.deadline import Deadline, Limits
from science_exam.answering.ensemble import answer_exam
from science_exam.answering.exam import Exam
from science_exam.answering.shares import answer_in_shares, divide_evenly, fill_sheet
from science_exam.answering.sheet import Sheet
from science_exam.errors import UserError
from science_exam.tables import PREDICTIONS, PROBABILITY_COLUMNS, check_table
from science_exam.training.fold_jobs import choose_gpus
from science_exam.training.trained import read_trainings

COLUMNS = list(PROBABILITY_COLUMNS)


@pytest.fixture
def exam(work, bases, question_set) -> Exam:
    """Twelve questions for a run of one fold, in an empty working folder."""
    write_run(bases[LLAMA].folder, question_set, n_folds=1)
    questions = question_set.questions.head(12)
    trainings = read_trainings(RUN / "fold0")
    return Exam(trainings, PredictConfig(), questions, [question_set.contexts], np.full(12, "test"))


@pytest.fixture
def sit(work):
    """Answer in two shares; the probabilities, all the tables that were kept, and the notes."""

    def sit(exam: Exam, work_of_a_share, seconds: float = 0.0):
        kept = []
        limits = Limits(Deadline(seconds), lambda: None, work / "sheet.npz", kept.append)
        probabilities, notes = answer_in_shares(exam, limits, ["", ""], work_of_a_share)
        return probabilities, kept, notes

    return sit


@given(st.lists(st.integers(1, 1000), min_size=1, max_size=60), st.data())
def test_shares_hold_every_row_once_and_are_about_equal(sizes, data):
    n = data.draw(st.integers(1, len(sizes)))
    divided = divide_evenly(sizes, n)
    assert sorted(np.concatenate(divided)) == list(range(len(sizes)))
    assert min(map(len, divided)) >= 1
    totals = [sum(sizes[row] for row in rows) for rows in divided]
    assert max(totals) - min(totals) <= max(sizes)


def test_gpus_that_are_not_there_are_refused_but_a_machine_without_any_divides_its_cpu(monkeypatch):
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "4,5,6")
    assert choose_gpus(2) == ["4", "5"]
    with pytest.raises(UserError, match="gpus=4: found 3"):
        choose_gpus(4)
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "")
    assert choose_gpus(2) == ["", ""]


@pytest.mark.slow
def test_two_processes_answer_as_one_does(exam, run_script, capsys):
    words = [f"run={RUN}/fold0", f"questions={TEST}", "views=2"]
    assert run_script("predict", *words, "out=data/predictions/one") == 0
    assert run_script("predict", *words, "out=data/predictions/two", "gpus=2") == 0
    one, two = read_answers("one"), read_answers("two")
    pd.testing.assert_frame_equal(one, two, atol=1e-6)
    files = [{path.name for path in Path("data/predictions", name).iterdir()} for name in ("one", "two")]
    assert files[0] == files[1]
    assert "ended with code" not in capsys.readouterr().out


@pytest.mark.parametrize("seconds", [0.0, 300.0])
def test_a_process_that_dies_is_started_once_more_and_then_its_questions_are_answered_here(
    exam, sit, capsys, seconds
):
    expected = answer_exam(exam, None, None)[COLUMNS].to_numpy()
    found, kept, notes = sit(exam, stumble, seconds)
    lost, idle = sorted(divide_evenly(exam.measure(), 2), key=lambda numbers: 0 not in numbers)
    np.testing.assert_allclose(found[lost], expected[lost], atol=1e-5)
    # Where time is limited, what another process has not reached is made up for with it.
    np.testing.assert_allclose(found[idle], (expected if seconds else exam.guess())[idle], atol=1e-5)
    n_lost = len(lost)
    note = "a process died, 2 times, at last with code 3; "
    note += f"{n_lost} of its {n_lost} questions had no answer then"
    again = "a process died with code 3 and is started once more"
    said = [line for line in capsys.readouterr().out.splitlines() if line.startswith("a process")]
    assert (notes, sorted(said)) == ([note], sorted([again, again, note]))
    for table in kept:
        check_table(table, PREDICTIONS, "kept")
        assert table["question_id"].tolist() == exam.questions["question_id"].tolist()


def test_when_all_processes_die_every_question_is_answered_here_and_kept_on_the_way(exam, sit):
    found, kept, notes = sit(replace(exam, config=PredictConfig(views=2)), die, seconds=300)
    expected = answer_exam(replace(exam, config=PredictConfig(views=2)), None, None)[COLUMNS].to_numpy()
    np.testing.assert_allclose(found, expected, atol=1e-5)
    assert len(notes) == 2
    np.testing.assert_allclose(kept[-1][COLUMNS].to_numpy(), found)


def test_what_kills_the_first_process_s_try_too_is_said(exam, sit, monkeypatch, capsys):
    def run_out(*_):
        raise MemoryError("no room")

    monkeypatch.setattr(ensemble, "answer_exam", run_out)
    found, _, notes = sit(exam, die, seconds=300)
    np.testing.assert_allclose(found, exam.guess())
    assert notes[-1] == "the process that started them failed as well: MemoryError: no room"
    assert notes[-1] in capsys.readouterr().out


def test_questions_of_a_dead_process_do_not_wait_for_further_views_of_the_others(exam, sit):
    found, _, notes = sit(exam, answer_and_stay, seconds=240)  # which the others would take all of
    assert len(notes) == 1
    assert (found != exam.guess()).any(axis=1).all()


def test_a_process_that_is_ended_because_the_time_is_over_has_not_died(exam, sit):
    found, _, notes = sit(exam, stumble_and_stay, seconds=3)
    np.testing.assert_allclose(found, exam.guess())
    assert notes == []


def test_without_time_to_load_the_model_again_the_questions_of_a_dead_process_keep_their_answers(exam, sit):
    found, _, notes = sit(exam, stumble, seconds=30)
    np.testing.assert_allclose(found, exam.guess())
    assert [note.endswith("questions had no answer then") for note in notes] == [True]


def test_processes_that_hang_are_ended_in_time_and_there_are_answers_even_so(exam, sit):
    began = time.monotonic()
    found, kept, _ = sit(exam, sleep, seconds=1.5)
    assert time.monotonic() - began < 5
    np.testing.assert_allclose(found, exam.guess())
    assert len(kept) >= 2


def test_answers_that_a_process_saves_at_the_end_of_its_time_are_waited_for(exam, sit, monkeypatch):
    monkeypatch.setattr(shares, "SAVING_SECONDS", 60)  # also for the process to start
    found, _, _ = sit(exam, save_late, seconds=60)
    assert (found.argmax(axis=1) == 3).all()


@pytest.mark.parametrize("seconds", [30, 120])
def test_what_is_wrong_with_a_share_is_said_also_where_the_time_is_limited(exam, sit, capsys, seconds):
    [training] = exam.trainings
    judging = replace(training, settings=replace(training.settings, objective="binary"))
    with pytest.raises(UserError, match="budget_seconds: needs a causal model"):
        sit(replace(exam, trainings=[judging]), refuse, seconds)
    assert "started once more" not in capsys.readouterr().out


def test_a_model_that_keeps_no_sheet_fills_one_all_the_same(exam, work):
    [training] = exam.trainings
    judging = replace(
        exam, trainings=[replace(training, settings=replace(training.settings, objective="binary"))]
    )
    sheet = work / "sheet.npz"
    for _ in range(2):  # a second time there is one
        fill_sheet(judging, sheet, Deadline(0), None)
        expected = answer_exam(judging, None, None)[COLUMNS]
        np.testing.assert_allclose(Sheet.load(sheet).probabilities, expected)
        assert Sheet.load(sheet).count_views() == {"answered": 12, "views": 12, "lost_views": 0}
