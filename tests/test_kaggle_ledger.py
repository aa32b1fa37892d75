"""Submissions: made once, waited for, and written down; the ledger and its table."""

import json
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest
from kaggle_stub import DAILY
from small_kernel import NAME

from science_exam.errors import UserError
from science_exam.kaggle.manifest import MARKER, Manifest, describe_file, write_manifest
from science_exam.kaggle.uploading.ledger import COLUMNS, Entry, format_leaderboard, read_ledger, record_entry
from science_exam.kaggle.uploading.origin import score_runs
from science_exam.kaggle.uploading.pushed import NOTEBOOK, PUSHED, Pushed
from science_exam.kaggle.uploading.submitting import _describe_midnight

pytest_plugins = ("kaggle_fixtures",)
LEDGER = Path("submissions/ledger.csv")
ENTRY = Entry("9000", "2026-01-02 03:04", NAME, "1", "abc", "def", "data/runs/small", "0.7", "0.9", "0.8", "")


@pytest.fixture
def submit(push, call, work):
    """Submit what was pushed; returns the exit code and all that was printed."""
    assert push()[0] == 0
    return lambda *words: call("submit", f"name={NAME}", "wait_seconds=0.001", "poll_seconds=0.001", *words)


def test_a_submission_gets_a_row_with_its_scores(submit, kaggle):
    code, said = submit("message=first, with a comma")
    assert code == 0, said
    assert "public 0.902, private 0.899" in said
    (entry,) = read_ledger(LEDGER)
    assert (entry.public, entry.private, entry.version, entry.runs) == (
        "0.902",
        "0.899",
        "1",
        "data/runs/small",
    )
    assert (entry.date, entry.message) == ("2026-01-02 03:04", "first, with a comma")
    sent = next(body for method, body in kaggle.requests if method == "CreateCodeSubmission")
    assert (sent["kernelVersion"], sent["fileName"]) == (1, "submission.csv")


def test_a_version_is_submitted_once(submit, kaggle):
    submit("message=first")
    code, said = submit()
    assert code == 0
    assert "submitted already, as 9000" in said
    assert len(kaggle.submissions) == len(read_ledger(LEDGER)) == 1
    assert read_ledger(LEDGER)[0].message == "first"


@pytest.mark.parametrize("fault", [{"served": True}, {"served": True, "status": 502}, {"status": 429}])
def test_a_lost_answer_makes_no_second_submission(fault, submit, kaggle):
    kaggle.fail("CreateCodeSubmission", **fault)
    assert submit()[0] == 0
    assert len(kaggle.submissions) == 1


@pytest.mark.parametrize(
    ("scores", "says"),
    [
        ({"errorDescription": "Notebook Timeout", "publicScore": "0.1"}, "failed: Notebook Timeout"),
        ({"publicScore": ""}, "complete, but without a score"),
        ({"status": "ERROR", "publicScore": ""}, "failed: error, without a reason"),
    ],
)
def test_a_submission_that_failed_is_no_success_whatever_it_calls_itself(scores, says, submit, kaggle):
    kaggle.scores = scores
    code, said = submit()
    assert code == 1
    assert says in said
    assert says in read_ledger(LEDGER)[0].message


@pytest.mark.parametrize("fault", [None, {"served": True}, {"served": False}])
def test_a_submission_that_failed_is_made_again_when_that_is_asked_for(fault, submit, kaggle):
    kaggle.scores = {"status": "ERROR"}
    assert "ARGS=--again" in submit("message=first")[1]
    assert submit("message=first")[0] == 1  # the failure is said as often as it is asked for
    assert len(kaggle.submissions) == 1
    kaggle.scores = {"publicScore": "0.902"}
    if fault is not None:
        kaggle.fail("CreateCodeSubmission", **fault)
    assert submit("message=first", "--again")[0] == 0
    assert submit("message=first", "--again")[0] == 0  # one that is well is never made again
    assert [entry.public for entry in read_ledger(LEDGER)] == ["", "0.902"]


def test_an_interrupted_wait_goes_on(submit, kaggle):
    kaggle.fail("GetSubmission", status=500, times=12)
    assert submit()[0] == 1
    kaggle.faults.clear()
    assert submit()[0] == 0
    assert len(kaggle.submissions) == 1
    assert read_ledger(LEDGER)[0].public == "0.902"


def test_the_daily_limit_is_said_with_the_time_of_the_next(submit, kaggle):
    kaggle.submissions = [{"ref": n, "description": "another", "status": "COMPLETE"} for n in range(DAILY)]
    code, said = submit()
    assert code == 1
    assert "all 5 submissions of today are used; the next is allowed at 00:00 UTC, in " in said
    assert kaggle.count("CreateCodeSubmission") == 0


def test_a_refused_submission_is_said(submit, kaggle):
    kaggle.fail("CreateCodeSubmission", status=400, message="your notebook must have internet off")
    code, said = submit()
    assert code == 1
    assert "your notebook must have internet off" in said
    assert not LEDGER.exists()


def test_only_a_complete_push_is_submitted(submit, kernel):
    steps = json.loads((kernel / PUSHED).read_text())
    del steps[NOTEBOOK]["status"]
    (kernel / PUSHED).write_text(json.dumps(steps))
    code, said = submit()
    assert code == 1
    assert f"run: make push NAME={NAME}" in said


def test_the_next_day_begins_at_midnight():
    assert _describe_midnight(datetime(2026, 1, 31, 20, 48, 30, tzinfo=UTC)) == "at 00:00 UTC, in 3 h 12 min"


def test_entries_are_read_as_they_were_written(work):
    entries = [ENTRY, replace(ENTRY, ref="9001", message='with, "quotes"')]
    for entry in [*entries, entries[0]]:
        record_entry(LEDGER, entry)
    assert read_ledger(LEDGER) == entries
    assert LEDGER.read_text().splitlines()[0] == ",".join(COLUMNS)
    assert [path.name for path in LEDGER.parent.iterdir()] == ["ledger.csv"]


def test_entries_that_are_written_at_once_are_all_kept(work):
    entries = [replace(ENTRY, ref=str(number)) for number in range(40)]
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda entry: record_entry(LEDGER, entry), entries))
    assert {entry.ref for entry in read_ledger(LEDGER)} == {entry.ref for entry in entries}


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("id,score\n1,2\n", "expected the columns"),
        (",".join(COLUMNS) + "\n1,2\n", "row 1"),
        ('ref,"x"y\n', "expected a table as CSV"),
        ("ref,\udcff\n", "expected a table as CSV"),
    ],
)
def test_another_table_is_refused(text, says, work):
    LEDGER.parent.mkdir()
    LEDGER.write_text(text, errors="surrogateescape")
    with pytest.raises(UserError, match=says):
        read_ledger(LEDGER)


def test_the_leaderboard_begins_with_the_best(work, call):
    scores = [("0.5", "0.6"), ("0.9", ""), ("0.7", "0.8"), ("", ""), ("0.6", "0.8")]
    for number, (public, private) in enumerate(scores):
        record_entry(
            LEDGER, replace(ENTRY, ref=str(number), version=str(number), public=public, private=private)
        )
    code, said = call("leaderboard")
    assert code == 0
    assert [line.split(" v")[1].split()[0] for line in said.splitlines()[1:]] == ["2", "4", "0", "1", "3"]
    assert format_leaderboard(read_ledger(LEDGER)) in said


def test_an_empty_leaderboard_says_what_fills_it(work, call):
    assert call("leaderboard") == (0, f"{LEDGER}: no submissions yet; run: make submit\n")


def test_a_run_scores_the_mean_of_its_folds(work):
    folder = Path("runs")
    folder.mkdir()
    members = []
    for run, fold, score in [("a", 0, 0.6), ("a", 1, 0.8), ("b", 0, 0.5), ("c", 0, None)]:
        results = {"scores": {"after training": {"map3": score}}} if score else {}
        file = folder / f"{run}__fold{fold}__manifest.json"
        file.write_text(json.dumps({"results": results}))
        members.append(describe_file(file, f"runs/{run}/fold{fold}/manifest.json"))
    write_manifest(Manifest("test", "runs", tuple(members)), folder)
    assert (folder / MARKER).is_file()
    assert score_runs(folder) == {"a": pytest.approx(0.7), "b": 0.5}


@pytest.mark.parametrize("text", ["{", "[1]", "1"])
def test_a_damaged_record_of_pushes_is_named(text, tmp_path):
    (tmp_path / PUSHED).write_text(text)
    with pytest.raises(UserError, match="delete it and push again"):
        Pushed(tmp_path)
