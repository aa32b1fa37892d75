"""Simulated sessions: odd rows, layouts, damage, what is sealed, and one whole notebook."""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import nbformat
import pytest
from conftest import LLAMA, ROOT
from tiny_runs import write_run

from science_exam.errors import UserError
from science_exam.kaggle.config import FAULTS, LAYOUTS, KernelConfig, SimulateConfig
from science_exam.kaggle.manifest import MARKER, find_faults, find_manifests, read_manifest
from science_exam.kaggle.packing.bundles import write_bundle
from science_exam.kaggle.packing.metadata import write_metadata
from science_exam.kaggle.packing.notebook import write_notebook
from science_exam.kaggle.packing.package_wheel import build_package_wheel
from science_exam.kaggle.session.fallback import find_files, find_test, read_test
from science_exam.kaggle.simulation import sealing
from science_exam.kaggle.simulation import simulating as simulation
from science_exam.kaggle.simulation.inputs import DEADLINE_SECONDS, build_inputs
from science_exam.kaggle.simulation.rows import make_rows, write_rows
from science_exam.kaggle.simulation.sealing import Session
from science_exam.kaggle.simulation.simulating import Ended
from science_exam.kaggle.submission import check_submission

NAME = "small-kernel"
WELL = Ended("", 0, "")
LOOK = """
import json, os, socket
from pathlib import Path

found = {"home": os.environ["HOME"], "rerun": os.environ["KAGGLE_IS_COMPETITION_RERUN"]}
try:
    socket.create_connection(("192.0.2.1", 80), timeout=2)
    found["network"] = "reached"
except OSError as error:
    found["network"] = str(error)
[text] = Path(os.environ.get("EXAM_INPUT", "/kaggle/input")).rglob("given.txt")
found["given"] = text.read_text()
try:
    (text.parent / "written").write_text("")
    found["inputs"] = "written"
except OSError as error:
    found["inputs"] = error.strerror
found["data"] = len(list(Path(DATA).iterdir()))
(Path(os.environ.get("EXAM_WORKING", "/kaggle/working")) / "found.json").write_text(json.dumps(found))
"""


@pytest.fixture
def questions(tmp_path):
    """A file of four questions; the right option of the last is not known."""
    path = tmp_path / "asked.jsonl"
    lines = []
    for number in range(4):
        row = {"prompt": f"Which number is {number}?", "answer": "ABC "[number].strip() or None}
        lines.append(json.dumps(row | {letter: f"{letter} {number}" for letter in "ABCDE"}))
    path.write_text("\n".join(lines), encoding="utf-8")
    return path


@pytest.fixture
def kernel(work, bases, question_set):
    """kernels/small-kernel of a tiny run, closed book and without wheels."""
    run, folder = write_run(bases[LLAMA].folder, question_set, 1), Path("kernels") / NAME
    files = {f"runs/tiny/fold0/{path.relative_to(run / 'fold0')}": path for path in run.rglob("*.*")}
    base = {f"base/tiny/{path.name}": path for path in Path(bases[LLAMA].folder).iterdir()}
    exam = "runs: [runs/tiny/fold0]\nbase: base/tiny\nretrieve: {index: ''}\nviews: 2\n"
    wheel = build_package_wheel()
    code = {"code/exam.yaml": exam.encode(), "code/science_exam-0.1.0-py3-none-any.whl": wheel}
    write_bundle(NAME, "code", code, folder / "bundles" / "code")
    write_bundle(NAME, "runs", files | base, folder / "bundles" / "runs")
    config = KernelConfig(name=NAME, runs=(str(run),), owner="somebody")
    write_metadata(config, folder)
    write_notebook(config, folder)
    return folder


# Rows.


def test_questions_are_repeated_until_there_are_enough(questions):
    rows = make_rows(questions, 6, "")
    assert [row.id for row in rows] == list("012345")
    assert [row.answer for row in rows] == [1, 2, 3, 0, 1, 2]


@pytest.mark.parametrize("fault", FAULTS)
def test_what_is_written_holds_no_answer_and_is_read_as_it_was(questions, tmp_path, fault):
    rows = make_rows(questions, 20, fault)
    write_rows(rows, tmp_path / "input/test.csv", fault)
    content = (tmp_path / "input/test.csv").read_bytes()
    assert b"answer" not in content
    assert content.startswith(b"\xef\xbb\xbf") == (fault == "crlf")
    read = read_test(tmp_path / "input/test.csv")
    assert [row.id for row in read] == list(dict.fromkeys(row.id for row in rows))
    assert len(read) == 20


def test_the_faults_of_rows_are_what_they_are_called(questions):
    assert len(make_rows(questions, 20, "duplicate-rows")) == 24
    assert {len(row.options[0]) for row in make_rows(questions, 9, "nan-options")} == {0, 3}
    assert max(len(row.prompt.split()) for row in make_rows(questions, 4, "long-prompts")) > 2900
    assert len({row.id for row in make_rows(questions, 40, "odd-ids")}) == 40


# Inputs.


@pytest.mark.parametrize("layout", LAYOUTS)
def test_test_file_and_bundles_are_found_in_every_layout(kernel, questions, layout):
    root = Path("root")
    competition = build_inputs(kernel, KernelConfig(name=NAME), layout, "", root)
    write_rows(make_rows(questions, 3, ""), competition / "test.csv", "")
    session = Session(root, Path("session"), 60, 10**9)
    assert find_test(session.inputs, "kaggle-llm-science-exam") == competition / "test.csv"
    bundles = {manifest.bundle: folder for folder, manifest in find_manifests(session.inputs).items()}
    assert sorted(bundles) == ["code", "runs"]
    assert not any(find_faults(folder, read_manifest(folder / MARKER)) for folder in bundles.values())


def test_an_attached_base_is_mounted_as_a_model(kernel):
    config = KernelConfig(name=NAME, runs=("data/runs/tiny",), base_source="a/b/transformers/c/1")
    build_inputs(kernel, config, "nested", "", Path("root"))
    assert Path("root/kaggle/input/models/a/b/transformers/c/1/config.json").is_file()


def test_a_base_beside_an_encoder_is_mounted_too(kernel):
    encoder = Path("data/runs/encoder/fold0")
    shutil.copytree("data/runs/tiny/fold0", encoder)
    (encoder / "adapter").rename(encoder / "encoder")
    runs = ("data/runs/encoder", "data/runs/tiny")
    config = KernelConfig(name=NAME, runs=runs, base_source="a/b/transformers/c/1")
    build_inputs(kernel, config, "flat", "", Path("root"))
    assert Path("root/kaggle/input/b/transformers/c/1/tokenizer.json").is_file()


def test_what_is_not_there_cannot_be_missing(kernel):
    with pytest.raises(UserError, match="has no bundle index"):
        build_inputs(kernel, KernelConfig(name=NAME), "flat", "missing-index", Path("root"))


def test_a_missing_bundle_is_not_there(kernel):
    build_inputs(kernel, KernelConfig(name=NAME), "flat", "missing-runs", Path("root"))
    assert [path.parent.name for path in find_files([Path("root")], MARKER)] == [f"{NAME}-code"]


@pytest.mark.parametrize("fault", ["corrupted-adapter", "nan-logits", "deadline"])
def test_damage_is_done_to_a_copy(kernel, fault):
    originals = {path: path.read_bytes() for path in kernel.rglob("*.*") if path.is_file()}
    build_inputs(kernel, KernelConfig(name=NAME), "flat", fault, Path("root"))
    assert all(path.read_bytes() == content for path, content in originals.items())
    faults = [find_faults(folder, found) for folder, found in find_manifests([Path("root")]).items()]
    assert sum(map(len, faults)) == (fault == "corrupted-adapter")


def test_no_fold_knows_that_its_base_was_spoilt(kernel):
    folder = kernel / "bundles" / "runs"
    files = {
        member.path: (folder / member.name).read_bytes() for member in read_manifest(folder / MARKER).files
    }
    again = {place.replace("fold0", "fold1"): content for place, content in files.items()}
    write_bundle(NAME, "runs", files | again, folder)
    build_inputs(kernel, KernelConfig(name=NAME), "flat", "nan-logits", Path("root"))
    records = [path.read_text() for path in Path("root").rglob("*inputs.json")]
    assert len(records) == 2
    assert not any("model.safetensors" in record for record in records)


def test_a_deadline_is_in_the_settings_of_the_notebook(kernel):
    build_inputs(kernel, KernelConfig(name=NAME), "flat", "deadline", Path("root"))
    [settings] = find_files([Path("root")], "exam.yaml")
    assert f"hours: {DEADLINE_SECONDS / 3600}" in settings.read_text()


def test_a_kernel_without_bundles_cannot_be_simulated(tmp_path):
    with pytest.raises(UserError, match="no bundles there"):
        build_inputs(tmp_path, KernelConfig(name=NAME), "flat", "", tmp_path / "root")


# Sessions.


@pytest.fixture
def look_around(work):
    """Run a notebook that writes down what it can do; what it found."""
    Path("data").mkdir()
    Path("data/secret").write_text("")

    def run(is_sealed, monkeypatch):
        monkeypatch.setattr(sealing, "can_seal", lambda: is_sealed)
        folder = work / "session"
        for name in ("working", "temp", "run", "root/kaggle/input/given"):
            (folder / name).mkdir(parents=True)
        (folder / "root/kaggle/input/given/given.txt").write_text("as given")
        code = LOOK.replace("DATA", repr(str(work / "data")))
        notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(code)])
        nbformat.write(notebook, folder / "run/notebook.ipynb")
        told = simulation.run_session(Session(folder / "root", folder, 60, 4 * 10**9))
        return json.loads((folder / "working/found.json").read_text()), told

    return run


@pytest.mark.skipif(not sealing.can_seal(), reason="namespaces and mounts need root")
def test_a_sealed_session_reaches_nothing_but_its_inputs(look_around, monkeypatch):
    found, ended = look_around(True, monkeypatch)
    assert found == {
        "home": "/kaggle/temp/home",
        "rerun": "1",
        "network": "[Errno 101] Network is unreachable",
        "given": "as given",
        "inputs": "Read-only file system",
        "data": 0,
    }
    assert (ended.problem, ended.unsealed) == ("", "")
    assert not Path("/kaggle").exists() or not any(Path("/kaggle").iterdir())


@pytest.mark.parametrize("is_sealed", [True, False])
def test_the_notebook_is_not_given_what_is_the_users_own(tmp_path, monkeypatch, is_sealed):
    own = ("https_proxy", "PYTHONPATH", "KAGGLE_KEY", "KAGGLE_CONFIG_DIR", "SOME_TOKEN", "EXAM_WORKING")
    for name in own:
        monkeypatch.setenv(name, "the user's own")
    monkeypatch.setenv("LANG", "C.UTF-8")
    (tmp_path / "root").mkdir()
    session = Session(tmp_path / "root", tmp_path, 60, 10**9)
    environment = sealing.make_environment(session, is_sealed, "runtime")
    assert "the user's own" not in environment.values()
    assert environment["LANG"] == "C.UTF-8"


def test_without_root_connections_are_refused_and_the_rest_is_said(look_around, monkeypatch):
    found, ended = look_around(False, monkeypatch)
    assert found["network"].startswith("no network in this session")
    assert found["given"] == "as given"
    assert "not sealed, for want of root" in ended.unsealed


def test_a_session_that_takes_too_long_is_ended(work, monkeypatch):
    monkeypatch.setattr(sealing, "can_seal", lambda: False)
    folder = work / "session"
    for name in ("working", "temp", "run", "root/kaggle/input"):
        (folder / name).mkdir(parents=True)
    cell = nbformat.v4.new_code_cell("import time; time.sleep(60)")
    nbformat.write(nbformat.v4.new_notebook(cells=[cell]), folder / "run/notebook.ipynb")
    ended = simulation.run_session(Session(folder / "root", folder, 3, 4 * 10**9))
    assert ended.problem == "the notebook ended with exit code 1, see run/executed.ipynb"
    assert (folder / "run/executed.ipynb").is_file()


def test_what_is_left_behind_is_judged(work, questions):
    folder, rows = work / "session", make_rows(questions, 4, "")
    (folder / "working").mkdir(parents=True)
    missing = simulation.judge(folder, rows, 1.0, WELL)
    assert "no such submission" in missing.problem
    assert (missing.status, missing.map3) == ("none", None)
    submission = folder / "working/submission.csv"
    submission.write_text("id,prediction\n0,A B C\n1,A B C\n2,D E\n3,A\n")
    assert simulation.judge(folder, rows, 1.0, WELL).map3 == pytest.approx((1 + 1 / 2 + 0) / 3)
    raised = simulation.judge(folder, rows, 1.0, Ended("the notebook raised", 0, ""))
    assert (raised.problem, raised.map3) == ("the notebook raised", None)
    submission.write_text("id,prediction\n0,A B C\n2,A B C\n1,D E\n3,A\n")
    assert "expected '1' as in test.csv, found '2'" in simulation.judge(folder, rows, 1.0, WELL).problem


@pytest.mark.slow
def test_a_whole_notebook_answers_every_row(kernel, questions, monkeypatch, capfd):
    monkeypatch.setattr(sealing, "can_seal", lambda: False)
    outcome = simulation.simulate(SimulateConfig(NAME, str(questions), rows=7, layout="rooted"))
    printed = capfd.readouterr().out
    assert (outcome.problem, outcome.report["answered"], outcome.report["views"]) == ("", 7, 2.0)
    stages = {stage["name"]: stage["status"] for stage in outcome.report["stages"]}
    assert stages.pop("inputs") == "incomplete"  # there is no bundle of wheels
    assert set(stages.values()) == {"done"}
    assert 0 <= outcome.map3 <= 1
    assert "7 rows, every one valid" in printed
    assert not (outcome.folder / "root").exists()


@pytest.mark.slow
def test_make_simulate_says_what_is_not_complete(kernel, questions):
    (kernel / "bundles/runs" / MARKER).unlink()
    command = [sys.executable, str(ROOT / "scripts/simulate.py"), f"name={NAME}", "rows=2"]
    environment = {**os.environ, "PYTHONPATH": str(ROOT / "src")}
    done = subprocess.run(
        [*command, f"questions={questions}"], capture_output=True, text=True, env=environment
    )
    assert done.returncode == 2
    assert "fallback, expected complete" in done.stderr
    found = Path("data/simulations") / NAME / "2-nested/working/submission.csv"
    check_submission(found, ["0", "1"])
