"""The notebook's cells, its report, and the package that it unpacks."""

import json
import subprocess
import sys
import time
import zipfile

import nbformat
import pytest

from science_exam.kaggle.config import KernelConfig
from science_exam.kaggle.manifest import MARKER, Manifest, write_manifest
from science_exam.kaggle.packing.notebook import write_notebook
from science_exam.kaggle.packing.notebook_check import check_notebook
from science_exam.kaggle.session.bootstrap import unpack_package
from science_exam.kaggle.session.report import Report

KERNEL = KernelConfig(name="small-kernel")


def read(path):
    return json.loads(path.read_text(encoding="utf-8"))


@pytest.fixture
def report(tmp_path):
    return Report(tmp_path / "report.json", time.monotonic(), 10)


def fail():
    raise ValueError("no such thing")


def test_the_notebook_is_fit_to_be_pushed(tmp_path):
    path = write_notebook(KERNEL, tmp_path)
    assert check_notebook(path) == []
    assert path.name == "small-kernel.ipynb"
    assert path.stat().st_size < 40_000


def test_the_same_settings_give_the_same_bytes(tmp_path):
    first = write_notebook(KERNEL, tmp_path).read_bytes()
    assert write_notebook(KERNEL, tmp_path).read_bytes() == first


def test_words_stand_before_every_piece_of_code(tmp_path):
    cells = nbformat.read(write_notebook(KERNEL, tmp_path), as_version=4).cells
    kinds = [cell.cell_type for cell in cells]
    assert kinds == ["markdown"] + ["markdown", "code", "code"] * 3 + ["markdown", "code"] * 7
    assert "small-kernel" in cells[3].source


def test_the_package_s_own_modules_are_folded_away(tmp_path):
    cells = nbformat.read(write_notebook(KERNEL, tmp_path), as_version=4).cells
    folded = [cell for cell in cells if cell.metadata.get("_kg_hide-input")]
    assert [cell.source.splitlines()[0][:15] for cell in folded] == [
        '"""A whole, val',
        '"""What each st',
        '"""The package ',
    ]
    assert all(len(cell.source.splitlines()) < 20 for cell in cells if cell not in folded)


def test_without_any_bundle_the_notebook_ends_well_with_the_fallback(tmp_path):
    working, inputs = tmp_path / "working", tmp_path / "input"
    working.mkdir()
    inputs.mkdir()
    (inputs / "test.csv").write_text("id,prompt,A,B,C,D,E\nx,q,1,22,333,4444,55555\n", encoding="utf-8")
    cells = nbformat.read(write_notebook(KERNEL, tmp_path), as_version=4).cells
    code = "\n".join(cell.source for cell in cells if cell.cell_type == "code")
    environment = {
        "EXAM_INPUT": str(inputs), "EXAM_WORKING": str(working), "EXAM_TEMP": str(tmp_path / "temp"),
    }  # fmt: skip
    done = subprocess.run(
        [sys.executable, "-I", "-c", code], env=environment, capture_output=True, text=True, check=True
    )
    assert (working / "submission.csv").read_text() == "id,prediction\nx,E D C\n"
    stages = {stage["name"]: stage["status"] for stage in read(working / "report.json")["stages"]}
    assert stages.pop("package") == "failed"
    assert set(stages.values()) == {"skipped"}
    assert read(working / "report.json")["status"] == "fallback"
    assert "!!! package: failed" in done.stdout


def test_a_report_is_complete_when_all_stages_did_all(report, tmp_path):
    assert report.run("one", lambda: 7) == 7
    report.note(answered=10, fallback_rows=0)
    assert read(tmp_path / "report.json")["status"] == "complete"


def test_a_stage_that_fails_is_noted_and_what_needs_it_is_skipped(report, tmp_path, capsys):
    assert report.run("one", fail) is None
    assert report.run("two", lambda: 1, after="one") is None
    assert report.run("three", lambda: 1) == 1
    assert report.run("four", lambda: 1, after="two") is None
    found = [(stage["name"], stage["status"]) for stage in read(tmp_path / "report.json")["stages"]]
    assert found == [("one", "failed"), ("two", "skipped"), ("three", "done"), ("four", "skipped")]
    assert "ValueError: no such thing" in capsys.readouterr().err


def test_a_stage_that_exits_does_not_end_the_notebook(report):
    assert report.run("one", sys.exit, 3) is None


def test_a_warning_makes_the_report_partial_and_no_answers_make_it_a_fallback(report, tmp_path):
    report.run("one", lambda: report.warn("a fold is missing"))
    assert report.status == "fallback"
    report.note(answered=3)
    assert report.status == "partial"
    [stage] = read(tmp_path / "report.json")["stages"]
    assert (stage["status"], stage["message"]) == ("incomplete", "a fold is missing")
    assert "3 of 10 rows answered" in report.describe()


def make_wheel(folder, kernel, package="exam_of_wheel"):
    folder.mkdir()
    wheel = folder / "science_exam-1-py3-none-any.whl"
    with zipfile.ZipFile(wheel, "w") as archive:
        archive.writestr(f"{package}/__init__.py", "")
    write_manifest(Manifest(kernel, "code", ()), folder)
    return wheel


def test_only_the_wheel_that_was_bundled_for_the_kernel_is_taken(tmp_path):
    others = make_wheel(tmp_path / "a", "another")
    with pytest.raises(FileNotFoundError, match="no bundle 'code' of small-kernel"):
        unpack_package([others], "small-kernel", tmp_path / "package")


@pytest.mark.parametrize("text", ["", "[]", "{}"])
def test_a_wheel_beside_something_else_than_a_manifest_is_let_be(tmp_path, text):
    wheel = make_wheel(tmp_path / "a", "small-kernel")
    wheel.with_name(MARKER).write_text(text)
    with pytest.raises(FileNotFoundError, match="no bundle 'code'"):
        unpack_package([wheel], "small-kernel", tmp_path / "package")


def test_a_package_from_elsewhere_is_refused(tmp_path, monkeypatch):
    monkeypatch.setattr(sys, "path", list(sys.path))
    monkeypatch.setenv("PYTHONPATH", "")
    wheel = make_wheel(tmp_path / "a", "small-kernel")
    with pytest.raises(ImportError, match="instead of"):  # this process has imported the checkout's
        unpack_package([wheel], "small-kernel", tmp_path / "package")
