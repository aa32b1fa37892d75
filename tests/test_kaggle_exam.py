"""The notebook's stages: inputs, wheels, questions, passages and answers, on a tiny base."""

import json
import pickle
import platform
import shutil
import sys
import time
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from conftest import LLAMA, ROOT
from tiny_runs import write_run

from science_exam.answering import shares
from science_exam.answering.deadline import Deadline
from science_exam.answering.shares import fill_sheet
from science_exam.answering.sheet import Sheet
from science_exam.errors import UserError
from science_exam.kaggle.config import ExamConfig
from science_exam.kaggle.manifest import Manifest, describe_file, write_manifest
from science_exam.kaggle.session import answers, exam, retrieving
from science_exam.kaggle.session.answering import NOTES, SHEET, Job, answer_all
from science_exam.kaggle.session.answers import collect_answers, format_confidences, watch_answers
from science_exam.kaggle.session.base_search import find_attached_base
from science_exam.kaggle.session.exam import check_answers, count_asked, find_contexts, pose_questions
from science_exam.kaggle.session.fallback import ExamRow
from science_exam.kaggle.session.inputs import RECORDS, Inputs, restore_inputs
from science_exam.kaggle.session.installing import choose_wheels, install_wheels
from science_exam.kaggle.session.machine import describe_machine
from science_exam.kaggle.session.watching import Child
from science_exam.retrieval.config import RetrieveConfig
from science_exam.tables import CONTEXTS, OPTION_COLUMNS, QUESTIONS, read_table, write_table

KERNEL = "small-kernel"
RUNS = ("runs/tiny/fold0", "runs/tiny/fold1")
OPTIONS = ("a", "bb", "ccc", "dddd", "eeeee")


def make_row(number, prompt="Why?", options=OPTIONS, context=""):
    return ExamRow(f"id {number}", prompt, options, context)


@pytest.fixture(scope="module")
def trained(tmp_path_factory, bases, question_set):
    """A run of two folds, of which each test takes what it needs."""
    folder = tmp_path_factory.mktemp("trained")
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        run = write_run(bases[LLAMA].folder, question_set, 2)
    return folder / run


@pytest.fixture
def asked(tmp_path, question_set):
    """A folder with the tables of 12 questions; the third comes first."""
    folder = tmp_path / "questions"
    questions = question_set.questions.iloc[[2, 0, 1, *range(3, 12)]].reset_index(drop=True)
    numbers = [str(number) for number in [2, 0, 1, *range(3, 12)]]
    write_table(questions.assign(question_id=numbers, answer=None), QUESTIONS, folder / "questions.parquet")
    write_table(question_set.contexts.iloc[:0], CONTEXTS, folder / "contexts.parquet")
    return folder


def make_job(trained, base, *folds, **changes):
    job = Job(
        folds=tuple(str(trained / fold) for fold in folds),
        settings=str(trained / "fold0"),
        base=base,
        views=1,
        batch_size=8,
        gpus=(),
        ends=time.monotonic() + 300,
    )
    return replace(job, **changes)


def answer(job, folder):
    job.write(folder)
    answer_all(folder)
    return collect_answers(folder)


# Bundles and what is restored of them.


@pytest.fixture
def attached(tmp_path, trained, bases):
    """Inputs with the bundles code and runs; a function that changes them first."""
    root = tmp_path / "input"
    settings = {"runs": list(RUNS), "base": "base", "retrieve": {"index": "", "corpus": ""}, "hours": 1.0}

    def attach(**changes):
        told = tmp_path / "exam.yaml"
        told.write_text(json.dumps(settings | changes))
        files = {f"runs/tiny/{path.relative_to(trained)}": path for path in trained.rglob("*.*")}
        files |= {f"base/{path.name}": path for path in Path(bases[LLAMA].folder).iterdir()}
        bundle(root / "a" / "code", "code", {"code/exam.yaml": told})
        bundle(root / "b", "runs", {place: path for place, path in files.items() if path.is_file()})
        return root

    return attach


def bundle(folder, name, files):
    folder.mkdir(parents=True)
    members = []
    for place, path in files.items():
        shutil.copy(path, folder / place.replace("/", "__"))
        members.append(describe_file(folder / place.replace("/", "__"), place))
    write_manifest(Manifest(KERNEL, name, tuple(members)), folder)


def restore(root, tree):
    warnings = []
    inputs = restore_inputs([root], KERNEL, tree, warnings.append)
    return inputs, warnings


def test_bundles_become_one_tree(attached, tmp_path):
    inputs, warnings = restore(attached(), tmp_path / "tree")
    assert inputs.folds == tuple(tmp_path / "tree" / run for run in RUNS)
    assert inputs.config.base == str(tmp_path / "tree/base")
    assert warnings == ["no bundle wheels among the inputs"]
    assert "tiny/fold0, tiny/fold1" in inputs.describe()


def test_a_damaged_adapter_leaves_its_fold_out(attached, tmp_path):
    root = attached()
    adapter = root / "b/runs__tiny__fold1__adapter__adapter_model.safetensors"
    adapter.write_bytes(adapter.read_bytes()[:-1] + b"?")
    inputs, warnings = restore(root, tmp_path / "tree")
    assert [fold.name for fold in inputs.folds] == ["fold0"]
    assert any("fold1 is left out" in warning for warning in warnings)


def test_without_any_adapter_the_base_answers_alone(attached, tmp_path):
    root = attached()
    for adapter in root.rglob("*adapter_model.safetensors"):
        adapter.unlink()
    inputs, warnings = restore(root, tmp_path / "tree")
    assert (inputs.folds, inputs.settings.name) == ((), "fold0")
    assert "no adapter at all: the base answers alone" in warnings


def test_passages_that_are_not_there_mean_closed_book(attached, tmp_path):
    inputs, warnings = restore(
        attached(retrieve={"index": "index/x", "corpus": "corpus/x"}), tmp_path / "tree"
    )
    assert inputs.config.retrieve.index == ""
    assert "no passages: questions are answered without them" in warnings


def test_passages_are_searched_without_an_index_where_the_retriever_needs_none(attached, tmp_path):
    root = attached(retrieve={"retriever": "tfidf", "index": "index/x", "corpus": "corpus/x"})
    passages = tmp_path / "part"
    passages.write_text("passages")
    bundle(root / "c", "index", {"corpus/x/passages/part": passages})
    inputs, _ = restore(root, tmp_path / "tree")
    assert inputs.config.retrieve.index == str(tmp_path / "tree/index/x")


def test_the_base_of_adapters_is_looked_for_though_an_encoder_is_named_first(attached, tmp_path, bases):
    root = attached(runs=["runs/encoder/fold0", *RUNS], base="")
    sources = {name: root / f"b/runs__tiny__fold0__{name}" for name in RECORDS}
    sources["encoder/model.safetensors"] = root / "b/base__model.safetensors"
    files = {f"runs/encoder/fold0/{name}": path for name, path in sources.items()}
    tiny = {path.name.replace("__", "/"): path for path in (root / "b").glob("runs__*")}
    bundle(tmp_path / "both", "runs", files | tiny)
    shutil.rmtree(root / "b")
    shutil.move(tmp_path / "both", root / "b")
    place = root / "models/owner/model/transformers/1"
    shutil.copytree(bases[LLAMA].folder, place)
    inputs, _ = restore(root, tmp_path / "tree")
    assert [fold.parent.name for fold in inputs.folds] == ["encoder", "tiny", "tiny"]
    assert inputs.config.base == str(place)


def test_a_fold_of_which_a_record_is_damaged_is_left_out(attached, tmp_path):
    root = attached()
    (root / "b/runs__tiny__fold0__inputs.json").write_text("{")
    inputs, warnings = restore(root, tmp_path / "tree")
    assert [fold.name for fold in inputs.folds] == ["fold1"]
    assert any("fold0 is left out" in warning for warning in warnings)


def test_without_runs_there_is_nothing_to_answer_with(attached, tmp_path):
    root = attached()
    shutil.rmtree(root / "b")
    with pytest.raises(UserError, match="no run among the inputs"):
        restore(root, tmp_path / "tree")


def test_an_attached_base_is_found_by_its_configuration(tmp_path, trained, bases):
    place = tmp_path / "models/owner/model/transformers/1"
    shutil.copytree(bases[LLAMA].folder, place)
    other = tmp_path / "models/other"
    shutil.copytree(bases[LLAMA].folder, other)
    config = json.loads((other / "config.json").read_text())
    (other / "config.json").write_text(json.dumps(config | {"num_hidden_layers": 3}))
    assert find_attached_base([tmp_path], trained / "fold0") == place
    shutil.rmtree(place)
    with pytest.raises(UserError, match="none of 1 models"):
        find_attached_base([tmp_path], trained / "fold0")


def test_without_hash_and_shape_no_base_is_guessed(tmp_path, trained, bases):
    run, model = tmp_path / "run", tmp_path / "model"
    shutil.copytree(trained / "fold0", run)
    (run / "inputs.json").write_text("{}")
    (run / "adapter/adapter_model.safetensors").unlink()
    shutil.copytree(bases[LLAMA].folder, model)
    (model / "config.json").write_text("{}")
    with pytest.raises(UserError, match="none of 1 models"):
        find_attached_base([tmp_path], run)


def test_a_base_of_which_no_hash_is_recorded_is_found_by_its_shape(tmp_path, trained, bases):
    run = tmp_path / "run"
    shutil.copytree(trained / "fold0", run)
    (run / "inputs.json").write_text("{}")
    shutil.copytree(bases[LLAMA].folder, tmp_path / "model")
    assert find_attached_base([tmp_path], run) == tmp_path / "model"


# Wheels.


def touch(folder, *names):
    folder.mkdir(exist_ok=True)
    for name in names:
        (folder / name).write_bytes(b"")
    return [folder / name for name in names]


def test_of_each_package_the_wheel_that_fits_this_python_is_taken(tmp_path):
    tag = f"cp{sys.version_info.major}{sys.version_info.minor}"
    wheels = touch(
        tmp_path / "wheels",
        f"one-1-{tag}-{tag}-manylinux_2_17_x86_64.whl",
        "one-1-cp27-cp27m-manylinux_2_17_x86_64.whl",
        "two-1-py3-none-any.whl",
        "three-1-cp27-cp27m-manylinux_2_17_x86_64.whl",
    )
    fitting, unfit = choose_wheels(wheels)
    assert [Path(wheel).name for wheel in fitting] == [wheels[0].name, wheels[2].name]
    assert unfit == ["three"]


def test_a_wheel_that_is_none_is_reported(tmp_path):
    touch(tmp_path / "wheels", "two-1-py3-none-any.whl")
    with pytest.raises(UserError, match="pip could not install"):
        install_wheels(tmp_path / "wheels", tmp_path / "libraries")


def test_a_package_that_no_wheel_of_fits_is_missed_unless_it_is_there(tmp_path):
    touch(tmp_path / "wheels", "numpy-1-cp27-cp27m-manylinux_2_17_x86_64.whl")
    install_wheels(tmp_path / "wheels", tmp_path / "libraries")
    touch(tmp_path / "wheels", "nosuchthing-1-cp27-cp27m-manylinux_2_17_x86_64.whl")
    with pytest.raises(UserError, match="no wheel of nosuchthing fits"):
        install_wheels(tmp_path / "wheels", tmp_path / "libraries")


def test_without_wheels_nothing_is_installed(tmp_path):
    install_wheels(tmp_path / "wheels", tmp_path / "libraries")
    assert not (tmp_path / "libraries").exists()


# Questions and passages.


@pytest.mark.parametrize(("rerun", "n_rows", "expected"), [("", 200, 20), ("1", 200, 200), ("", 201, 201)])
def test_few_rows_are_asked_outside_the_competitions_run(monkeypatch, rerun, n_rows, expected):
    monkeypatch.setenv("KAGGLE_IS_COMPETITION_RERUN", rerun)
    assert count_asked(n_rows, 20) == expected


def test_questions_are_called_by_their_rows_and_may_lack_options(tmp_path):
    rows = [
        make_row(0, context="Because."),
        make_row(1, prompt=""),
        make_row(2, options=("",) * 5),
        make_row(3),
    ]
    pose_questions(rows, 3, tmp_path)
    questions = read_table(QUESTIONS, tmp_path / "questions.parquet")
    assert questions["question_id"].tolist() == ["0", "2"]
    assert questions.loc[1, list(OPTION_COLUMNS)].tolist() == [""] * 5
    assert read_table(CONTEXTS, tmp_path / "contexts.parquet")["text"].tolist() == ["Because."]


def test_a_test_file_without_questions_is_said(tmp_path):
    with pytest.raises(UserError, match="expected at least one question"):
        pose_questions([make_row(0, prompt="")], 1, tmp_path)


def test_a_search_by_words_alone_is_warned_of(asked, monkeypatch):
    class Searched:
        succeeded = True

        def __init__(self, module, folder):
            pass

        def read_log(self):
            return "searched by words alone: no encoder\n8 passages"

        def wait(self, seconds):
            return True

    monkeypatch.setattr(exam, "Child", Searched)
    warnings = []
    find_contexts(make_inputs("index"), asked, time.monotonic() + 60, warnings.append)
    assert warnings == ["searched by words alone: no encoder"]


@pytest.fixture
def importable(monkeypatch):
    """Processes find the package, as they do in the notebook."""
    monkeypatch.setenv("PYTHONPATH", str(ROOT / "src"))


def make_inputs(index):
    config = ExamConfig(retrieve=RetrieveConfig(index=index, corpus=index))
    return Inputs(config, (), Path())


def test_closed_book_needs_no_process(asked, capsys):
    find_contexts(make_inputs(""), asked, time.monotonic() + 60, print)
    assert capsys.readouterr().out == "closed book\n"


def test_passages_that_fail_leave_the_given_ones(asked, tmp_path, importable):
    before = (asked / "contexts.parquet").read_bytes()
    with pytest.raises(UserError, match="answered without passages"):
        find_contexts(make_inputs(str(tmp_path / "absent")), asked, time.monotonic() + 60, print)
    assert (asked / "contexts.parquet").read_bytes() == before


def test_passages_that_take_too_long_are_done_without(asked, tmp_path, importable):
    with pytest.raises(UserError, match="stopped after 0 s"):
        find_contexts(make_inputs(str(tmp_path / "absent")), asked, time.monotonic() + 0.1, print)


@pytest.fixture
def search_by_words(monkeypatch, question_set):
    """A machine on which neither encoders nor rerankers work."""
    from science_exam.retrieval import retrieve

    def retrieve_contexts(questions, config):
        if config.retriever != "lexical" or config.reranker:
            raise UserError("encoder: not installed")
        return question_set.contexts.iloc[:2], {"retriever": "lexical"}

    monkeypatch.setattr(retrieve, "retrieve_contexts", retrieve_contexts)


@pytest.mark.parametrize("settings", ["retriever: fused", "{retriever: lexical, reranker: reranker/x}"])
def test_without_its_encoders_an_index_is_searched_by_words(asked, search_by_words, settings, capsys):
    (asked / retrieving.SETTINGS).write_text(settings)
    retrieving.retrieve(asked)
    assert len(read_table(CONTEXTS, asked / "contexts.parquet")) == 2
    assert capsys.readouterr().out.startswith(f"{retrieving.BY_WORDS}: UserError: encoder")


def test_vectors_alone_cannot_be_searched_by_words(asked, search_by_words):
    (asked / retrieving.SETTINGS).write_text("retriever: dense")
    with pytest.raises(UserError, match="not installed"):
        retrieving.retrieve(asked)


# Machine and processes.


def test_a_machine_says_what_it_has(tmp_path):
    machine = describe_machine(tmp_path)
    assert machine.disk_bytes > 0
    assert machine.versions["python"] == platform.python_version()
    assert f"numpy {np.__version__}" in machine.describe()


def test_a_torch_that_does_not_load_says_why(tmp_path, monkeypatch):
    monkeypatch.setattr("science_exam.kaggle.session.machine.QUESTION", "import no_such_torch")
    with pytest.raises(UserError, match="No module named 'no_such_torch'; answered by one process"):
        describe_machine(tmp_path)


def test_a_process_is_explained_by_its_own_words(tmp_path, importable):
    (tmp_path / "retrieving.log").write_text("of another\n")
    child = Child("science_exam.kaggle.session.answering", tmp_path)
    assert child.wait(60)
    assert not child.succeeded
    assert "job.json" in child.explain()


def test_a_process_that_was_killed_is_said_to_have_been(tmp_path):
    child = Child("timeit", tmp_path)
    child.kill()
    assert child.explain() == "killed by SIGKILL, most often for lack of memory"


# Answers.


def test_folds_answer_together_by_row_of_the_test_file(trained, bases, asked):
    both = answer(make_job(trained, bases[LLAMA].folder, "fold0", "fold1"), asked)
    assert sorted(both.numbers.tolist()) == list(range(12))
    np.testing.assert_allclose(both.probabilities.sum(axis=1), 1)
    assert both.n_views == 24
    assert json.loads((asked / NOTES).read_text()) == []


@pytest.mark.slow
def test_two_processes_answer_as_one(trained, bases, asked, tmp_path):
    job = make_job(trained, bases[LLAMA].folder, "fold0", views=2)
    shutil.copytree(asked, tmp_path / "divided")
    one, two = answer(job, asked), answer(replace(job, gpus=("", "")), tmp_path / "divided")
    np.testing.assert_array_equal(one.numbers, two.numbers)
    np.testing.assert_allclose(one.probabilities, two.probabilities, atol=1e-6)


def test_a_process_that_died_is_said(trained, bases, asked, monkeypatch):
    def answer_in_shares(exam, limits, gpus):
        fill_sheet(exam, limits.sheet, Deadline(0), None)
        return Sheet.load(limits.sheet).probabilities, ["a process died"]

    monkeypatch.setattr(shares, "answer_in_shares", answer_in_shares)
    found = answer(make_job(trained, bases[LLAMA].folder, "fold0", gpus=("", "")), asked)
    assert (len(found.numbers), found.n_views) == (12, 12)
    assert json.loads((asked / NOTES).read_text()) == ["a process died"]


@pytest.mark.parametrize("objective", ["completion", "binary"])
def test_the_base_answers_alone_where_no_adapter_is_left(trained, bases, asked, tmp_path, objective):
    settings = tmp_path / "fold0"
    shutil.copytree(trained / "fold0", settings, ignore=shutil.ignore_patterns("adapter"))
    told = (settings / "config.yaml").read_text()
    (settings / "config.yaml").write_text(told.replace("objective: completion", f"objective: {objective}"))
    alone = answer(make_job(trained, bases[LLAMA].folder, settings=str(settings), views=2), asked)
    assert (len(alone.numbers), alone.n_views) == (12, 24 if objective == "completion" else 12)
    assert json.loads((asked / NOTES).read_text()) == []


def test_also_the_base_alone_is_asked_by_a_process_on_each_gpu(trained, bases, asked, monkeypatch):
    seen = []

    def answer_in_shares(exam, limits, gpus):
        seen.extend(gpus)
        fill_sheet(pickle.loads(pickle.dumps(exam)), limits.sheet, limits.deadline, None)
        return Sheet.load(limits.sheet).probabilities, []

    monkeypatch.setattr(shares, "answer_in_shares", answer_in_shares)
    alone = answer(make_job(trained, bases[LLAMA].folder, gpus=("0", "1")), asked)
    assert (len(alone.numbers), seen) == (12, ["0", "1"])


def test_a_run_that_does_not_load_leaves_the_answers_to_the_others(trained, bases, asked, tmp_path):
    broken = tmp_path / "broken" / "fold0"
    shutil.copytree(trained / "fold0", broken)
    (broken / "adapter/adapter_model.safetensors").write_bytes(b"?")
    job = make_job(trained, bases[LLAMA].folder, "fold1")
    found = answer(replace(job, folds=(str(broken), *job.folds)), asked)
    assert (len(found.numbers), found.n_views) == (12, 12)
    [note] = json.loads((asked / NOTES).read_text())
    assert note.startswith("broken did not answer")


def test_a_time_that_is_over_answers_nothing_and_fails_nothing(trained, bases, asked):
    found = answer(make_job(trained, bases[LLAMA].folder, "fold0", ends=time.monotonic() - 1), asked)
    assert len(found.numbers) == 0


class Scripted:
    """A process that puts answers on a sheet, and ends as it is told."""

    def __init__(self, module, folder):
        self.folder, self.batch_size = folder, json.loads((folder / "job.json").read_text())["batch_size"]
        self.succeeded = self.batch_size == 1

    def wait(self, seconds):
        sheet = Sheet.blank(np.full((12, 5), 0.2))
        for question in range(12 if self.succeeded else 4):
            sheet.add(question, np.log([[0.1, 0.2, 0.3, 0.1, 0.3]]), 1.0)
        (self.folder / "run-0").mkdir(exist_ok=True)
        sheet.save(self.folder / "run-0" / SHEET)
        return True

    def explain(self):
        return "killed by SIGKILL"


def test_a_process_that_dies_goes_on_with_fewer_rows_at_once(trained, asked, monkeypatch):
    monkeypatch.setattr(answers, "Child", Scripted)
    kept, warnings = [], []
    watch_answers(
        make_job(trained, ""), asked, lambda found: kept.append(len(found.numbers)), warnings.append
    )
    assert (kept, warnings) == ([4, 12], ["with 8 rows at once: killed by SIGKILL"])


def test_a_process_that_does_not_end_is_killed_and_what_it_said_counts(trained, asked, monkeypatch):
    killed = []

    class Endless(Scripted):
        def wait(self, seconds):
            super().wait(seconds)
            return False

        def kill(self):
            killed.append(True)

    monkeypatch.setattr(answers, "Child", Endless)
    monkeypatch.setattr(answers, "ENDING_SECONDS", 0.05)
    kept, warnings = [], []
    job = make_job(trained, "", ends=time.monotonic() + 0.1)
    watch_answers(job, asked, lambda found: kept.append(len(found.numbers)), warnings.append)
    assert (kept, warnings, killed) == ([4], ["stopped at the end of the time"], [True])


def test_a_submission_that_would_be_refused_becomes_the_fallback(tmp_path):
    rows = [make_row(0), make_row(1)]
    path = tmp_path / "submission.csv"
    path.write_text("id,prediction\nid 0,A A B\n", encoding="utf-8")
    with pytest.raises(UserError, match="row 1, column prediction"):
        check_answers(rows, path)
    assert path.read_text(encoding="utf-8") == "id,prediction\nid 0,E D C\nid 1,E D C\n"
    check_answers(rows, path)


def test_confidences_are_shown_as_bars():
    text = format_confidences(np.array([[0.92, 0.08, 0, 0, 0], [0.95, 0.05, 0, 0, 0], [0.5, 0.5, 0, 0, 0]]))
    lines = text.splitlines()
    assert lines[-1] == f"0.9-1.0      2 {'#' * 40}"
    assert sum(int(line.split()[1]) for line in lines[1:]) == 3
