import sys

import pytest

from science_exam.training.fold_jobs import list_gpus, run_jobs

TELL = "import os, sys; print(os.environ.get('CUDA_VISIBLE_DEVICES')); sys.exit(int(sys.argv[1]))"


def command(code: int = 0) -> list[str]:
    return [sys.executable, "-c", TELL, str(code)]


def test_the_gpus_are_those_that_this_process_may_use(monkeypatch):
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "2,GPU-5")
    assert list_gpus() == ["2", "GPU-5"]
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "")
    assert list_gpus() == []


def test_without_two_gpus_jobs_run_one_after_the_other_here(tmp_path, capfd):
    run_jobs({"fold0": command(), "fold1": command()}, [], tmp_path / "run")
    assert capfd.readouterr().out.splitlines() == ["", ""]
    assert not (tmp_path / "run").exists()


def test_without_two_gpus_the_first_failure_ends_all(tmp_path, capfd):
    with pytest.raises(SystemExit) as stopped:
        run_jobs({"fold0": command(2), "fold1": command()}, ["0"], tmp_path)
    assert stopped.value.code == 2
    assert len(capfd.readouterr().out.splitlines()) == 1


def test_side_by_side_each_job_has_a_gpu_of_its_own_and_a_log(tmp_path, capfd):
    run_jobs({f"fold{n}": command() for n in range(5)}, ["3", "7"], tmp_path / "run")
    logs = [(tmp_path / f"run/fold{n}.log").read_text().strip() for n in range(5)]
    assert set(logs) == {"3", "7"}
    assert len(capfd.readouterr().out.splitlines()) == 10


def test_side_by_side_a_failure_lets_the_others_finish_and_is_told(tmp_path, capfd):
    with pytest.raises(SystemExit) as stopped:
        run_jobs({"fold0": command(2), "fold1": command()}, ["0", "1"], tmp_path)
    assert stopped.value.code == 2
    said = capfd.readouterr().out
    assert "fold0: failed with code 2" in said
    assert "fold1: done" in said
