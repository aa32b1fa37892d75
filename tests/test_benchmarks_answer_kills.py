"""benchmarks/answer_kills.py, with one kill: what is on disk is whole, and answering goes on from it."""

import sys
import time
from pathlib import Path

import pandas as pd
import pytest
from conftest import LLAMA, ROOT
from tiny_runs import RUN, TEST, read_answers, write_run

from science_exam.errors import UserError

sys.path.insert(0, str(ROOT / "benchmarks"))

import answer_kills

KILLED = Path("data/predictions/killed")


@pytest.mark.slow
def test_a_killed_answering_leaves_whole_files_and_goes_on(
    work, bases, question_set, start_script, run_script
):
    write_run(bases[LLAMA].folder, question_set, n_folds=1)
    words = [f"run={RUN}/fold0", f"questions={TEST}", "views=3", "budget_seconds=600"]
    process = start_script("predict", *words, f"out={KILLED}")
    while not (KILLED / "submission.csv").exists():  # long before the base is loaded
        assert process.poll() is None, process.communicate()[0]
        time.sleep(0.01)
    assert answer_kills.kill_after(process, 0.1)
    ids = question_set.questions["question_id"].tolist()
    assert answer_kills.look_at(KILLED, ids, 0.1) == answer_kills.Found(0.1, True, 0)
    assert not (KILLED / "manifest.json").exists()
    assert run_script("predict", *words, f"out={KILLED}") == 0
    assert run_script("predict", *words, "out=data/predictions/peaceful") == 0
    pd.testing.assert_frame_equal(read_answers("killed"), read_answers("peaceful"), atol=1e-6)
    assert (KILLED / "manifest.json").exists()
    assert not list(KILLED.glob("*.partial"))


def test_a_file_that_a_kill_has_cut_off_or_that_lacks_a_question_is_seen(tmp_path):
    (tmp_path / "submission.csv").write_text("id,prediction\n1,A B C\n2,B A", encoding="utf-8")
    answer_kills.look_at(tmp_path, ["1", "2"], 1.0)
    with pytest.raises(AssertionError):
        answer_kills.look_at(tmp_path, ["1", "2", "3"], 1.0)
    (tmp_path / "submission.csv").write_text("id,prediction\n1,A B C\n2,", encoding="utf-8")
    with pytest.raises(UserError):
        answer_kills.look_at(tmp_path, ["1", "2"], 1.0)
    (tmp_path / "predictions.parquet").write_bytes(b"PAR1")
    with pytest.raises(UserError):
        answer_kills.look_at(tmp_path, ["1", "2"], 1.0)
