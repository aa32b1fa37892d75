"""The command line: words to settings, mistakes to exit codes."""

import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import pytest

from science_exam import cli
from science_exam.errors import KaggleError, UserError

ROOT = Path(__file__).parents[1]
SCRIPTS = sorted((ROOT / "scripts").glob("*.py"))


@dataclass(frozen=True)
class Stage:
    # rows a batch
    rows: int = 4


@pytest.fixture
def call(tmp_path, monkeypatch):
    """Run a stage with words; returns what `main` was given."""
    folder = tmp_path / "configs" / "train"
    folder.mkdir(parents=True)
    for name in ("demo", "llama-3.1-8b", "llama-3.1-8b-t4"):
        (folder / f"{name}.yaml").write_text("rows: 2\n")
    monkeypatch.chdir(tmp_path)

    def call_with(*words, main=None):
        given = []
        monkeypatch.setattr(sys, "argv", ["train.py", *words])
        cli.run_script(main or (lambda settings, name: given.extend([settings, name])), Stage, "train")
        return given

    return call_with


def test_without_words_the_defaults_and_no_name_are_given(call):
    assert call() == [Stage(), ""]


def test_a_config_gives_its_settings_and_its_name(call):
    assert call("demo") == [Stage(rows=2), "demo"]
    assert call("demo", "rows=7") == [Stage(rows=7), "demo"]
    assert call("rows=7") == [Stage(rows=7), ""]


def test_a_path_to_a_yaml_file_gives_its_stem(call):
    assert call("configs/train/demo.yaml") == [Stage(rows=2), "demo"]


@pytest.mark.parametrize("name", ["llama-3.1-8b", "llama-3.1-8b-t4"])
def test_a_name_with_dots_stays_whole(call, name):
    # The name becomes the run's folder: two configs must not share one.
    assert call(name)[1] == name
    assert call(f"configs/train/{name}.yaml")[1] == name


@pytest.mark.parametrize("words", [["nosuch"], ["row=1"], ["rows=x"], ["rows=1", "demo"], ["--rows", "1"]])
def test_a_wrong_word_is_one_line_and_exit_code_2(call, capsys, words):
    with pytest.raises(SystemExit) as caught:
        call(*words)
    assert caught.value.code == 2
    out, err = capsys.readouterr()
    assert out == ""
    assert err.startswith("error: ")
    assert err.count("\n") == 1


def test_an_error_that_the_user_can_mend_is_one_line_and_exit_code_2(call, capsys):
    def main(settings, name):
        raise UserError("questions.csv: no such file")

    with pytest.raises(SystemExit) as caught:
        call(main=main)
    assert caught.value.code == 2
    assert capsys.readouterr().err == "error: questions.csv: no such file\n"


def test_an_interruption_is_exit_code_130(call, capsys):
    def main(settings, name):
        raise KeyboardInterrupt

    with pytest.raises(SystemExit) as caught:
        call(main=main)
    assert caught.value.code == 130
    assert capsys.readouterr().err.count("\n") == 1


def test_a_mistake_of_ours_keeps_its_traceback(call):
    def main(settings, name):
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        call(main=main)


@pytest.mark.parametrize("words", [["--help"], ["-h"], ["nosuch", "--help"]])
def test_help_prints_the_settings_and_does_nothing(call, capsys, monkeypatch, words):
    monkeypatch.setattr(sys.modules["__main__"], "__doc__", "Train it.")
    assert call(*words) == []
    out, err = capsys.readouterr()
    assert out.startswith("Train it.\n")
    assert "rows=4\n      rows a batch" in out
    assert err == ""


@pytest.mark.parametrize("script", SCRIPTS, ids=lambda path: path.name)
def test_every_script_says_what_it_does_and_takes(script, run_script, capsys):
    assert run_script(script.stem, "--help") == 0
    out, err = capsys.readouterr()
    assert err == ""
    assert f"scripts/{script.name}" in out  # an example to copy
    assert "Settings (key=value):" in out


def test_a_missing_question_file_is_one_line_and_leaves_nothing_behind(tmp_path):
    command = [sys.executable, str(ROOT / "scripts" / "questions.py"), "path=missing.csv"]
    environment = {"PYTHONPATH": str(ROOT / "src"), "PATH": "/usr/bin:/bin"}
    done = subprocess.run(command, capture_output=True, text=True, cwd=tmp_path, env=environment, timeout=60)
    assert done.returncode == 2
    assert "missing.csv" in done.stderr
    assert done.stderr.count("\n") == 1
    assert list(tmp_path.iterdir()) == []


@dataclass(frozen=True)
class Trial:
    # only say what would be done
    dry_run: bool = False


def test_a_flag_is_short_for_a_key_that_is_true(monkeypatch):
    given = []
    monkeypatch.setattr(sys, "argv", ["push.py", "--dry-run"])
    cli.run_script(lambda settings, name: given.extend([settings, name]), Trial, "push")
    assert given == [Trial(dry_run=True), ""]


def test_what_kaggle_refuses_has_an_exit_code_of_its_own(call, capsys):
    def main(settings, name):
        raise KaggleError("Kaggle: the weekly hours are used up")

    with pytest.raises(SystemExit) as stop:
        call(main=main)
    assert stop.value.code == 1
    assert capsys.readouterr().err == "error: Kaggle: the weekly hours are used up\n"
