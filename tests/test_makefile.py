"""What the targets run, by `make --dry-run`."""

import shutil
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]


@pytest.fixture
def plan(monkeypatch):
    """The commands that make would run for these words."""
    if shutil.which("make") is None:
        pytest.skip("make is not installed")
    monkeypatch.delenv("MAKEFLAGS", raising=False)

    def run(*words: str) -> str:
        command = ["make", "--dry-run", "PYTHON=python", *words]
        return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True).stdout

    return run


@pytest.mark.parametrize(
    ("words", "runs"),
    [
        ([], '["data/runs/demo"]'),
        (["NAME=my-kernel"], '["data/runs/demo"]'),
        (["NAME=my-kernel", "CONFIG=minilm"], '["data/runs/minilm"]'),
        (["NAME=my-kernel", "RUN=rank32"], '["data/runs/rank32"]'),
        (["RUN=demo", "FOLD=1"], '["data/runs/demo/fold1"]'),
        (["RUN=demo/fold2", "FOLD=1"], '["data/runs/demo/fold2"]'),
        (["RUNS=a b/fold0"], '["data/runs/a","data/runs/b/fold0"]'),
    ],
)
def test_a_kernel_is_made_of_the_runs_that_are_named(words, runs, plan):
    said = plan("kernel", *words)
    assert f"scripts/kernel.py runs='{runs}'" in said


def test_the_name_of_a_kernel_is_that_of_the_settings_unless_it_is_given(plan):
    for stage in ("kernel", "simulate", "push", "submit"):
        assert " name=" not in plan(stage).partition(f"scripts/{stage}.py")[2]
        assert 'name="my-kernel"' in plan(stage, "NAME=my-kernel")


def test_settings_of_a_push_reach_it(plan):
    assert 'scripts/push.py name="k-kernel" --dry-run' in plan("push", "NAME=k-kernel", "ARGS=--dry-run")
    assert "message='two folds'" in plan("submit", "ARGS=message='two folds'")
