"""A push: the real client against a stand-in for Kaggle, with every fault that we know of."""

import json
import shutil
import tempfile
from dataclasses import replace
from pathlib import Path

import pytest
import requests
from kaggle_faults import ALWAYS, CASES
from kaggle_stub import TOKEN, USER
from small_kernel import NAME

from science_exam.kaggle.manifest import MARKER, describe_file, read_manifest, write_manifest
from science_exam.kaggle.packing.metadata import KERNEL_METADATA, read_kernel, write_metadata
from science_exam.kaggle.uploading.pushed import PUSHED

pytest_plugins = ("kaggle_fixtures",)
REF = f"{USER}/{NAME}"
BUNDLES = ("code", "wheels", "runs", "index")
DATASETS = [f"{REF}-{bundle}" for bundle in BUNDLES]


def test_a_push_uploads_all_and_fetches_what_the_session_leaves(push, kaggle, kernel):
    code, said = push()
    assert code == 0, said
    assert sorted(kaggle.datasets) == sorted(DATASETS)
    for bundle in BUNDLES:
        names = {path.name for path in (kernel / "bundles" / bundle).iterdir()} - {"dataset-metadata.json"}
        assert {*kaggle.datasets[f"{REF}-{bundle}"][0]} == names
    saved = kaggle.kernels[REF][0]
    assert saved["datasetDataSources"] == DATASETS
    assert saved["competitionDataSources"] == ["kaggle-llm-science-exam"]
    assert saved["machineShape"] == "NvidiaTeslaT4"
    assert not saved.get("enableInternet")
    assert (kernel / "output" / "submission.csv").read_text() == kaggle.output["submission.csv"]
    assert (kernel / "output" / f"{NAME}.log").read_text() == "answering\n"
    assert f"pushed as version 1 of {REF}" in said


def test_a_second_push_sends_nothing(push, kaggle):
    push()
    kaggle.requests.clear()
    assert push()[0] == 0
    assert kaggle.count("PUT") == kaggle.count("SaveKernel") == 0


def test_only_what_changed_gets_a_version(push, kaggle, packed, kernel, work, monkeypatch):
    push()
    bundle = kernel / "bundles" / "index"
    manifest = json.loads((bundle / "science-exam-manifest.json").read_text())
    gone = manifest["files"].pop()
    (bundle / gone["name"]).unlink()
    (bundle / "science-exam-manifest.json").write_text(json.dumps(manifest))
    assert push()[0] == 0
    assert [len(kaggle.datasets[ref]) for ref in DATASETS] == [1, 1, 1, 2]
    assert len(kaggle.kernels[REF]) == 2  # it is to see the new version


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_a_fault_is_said_clearly_and_leaves_the_way_free(case, push, kaggle, kernel):
    case.cause(kaggle, kernel)
    code, said = push()
    assert code == case.exit_code, said
    assert case.says in said
    assert "Traceback" not in said
    case.mend(kaggle, kernel)
    code, said = push()
    assert code == 0, said
    assert sorted(kaggle.datasets) == sorted(DATASETS)


@pytest.mark.parametrize(
    ("method", "fault"),
    [
        ("SaveKernel", {"status": 429, "times": 2}),
        ("CreateDataset", {"status": 502, "times": 2}),
        ("PUT", {"status": 503, "served": True, "times": 2}),
        ("PUT", {"served": True, "times": 2}),
        ("StartBlobUpload", {"status": 429, "times": 2}),
        ("GetDatasetStatus", {"status": 503}),
        ("SaveKernel", {"served": True}),  # the answer gets lost
        ("CreateDataset", {"served": True}),
        ("GET", {"times": 2}),
    ],
)
def test_what_passes_is_tried_again_and_nothing_is_made_twice(method, fault, push, kaggle):
    kaggle.fail(method, **fault)
    code, said = push()
    assert code == 0, said
    assert [len(kaggle.datasets[ref]) for ref in DATASETS] == [1, 1, 1, 1]
    assert len(kaggle.kernels[REF]) == 1


def test_an_upload_goes_on_where_it_was_cut(push, kaggle):
    kaggle.fail("PUT", status=503, served=True, times=ALWAYS)
    assert push()[0] == 1
    assert push()[0] == 0
    started = [body["name"] for method, body in kaggle.requests if method == "StartBlobUpload"]
    assert len(started) == len(set(started)) + BUNDLES.index("index")  # the manifests have one name


def test_nothing_is_made_of_a_bundle_that_did_not_arrive_whole(push, kaggle):
    kaggle.fail("PUT", status=400, times=2)
    assert push()[0] == 1
    assert kaggle.datasets == {}


def test_a_push_may_be_interrupted_at_any_request(push, kaggle, kernel, monkeypatch):
    send, calls = requests.Session.send, []

    def count(*arguments, **settings):
        calls.append(None)
        answer = send(*arguments, **settings)
        if len(calls) == stop:
            raise KeyboardInterrupt
        return answer

    monkeypatch.setattr(requests.Session, "send", count)
    stop = 0
    assert push()[0] == 0
    for stop in range(1, len(calls), len(calls) // 6):
        kaggle.datasets.clear(), kaggle.kernels.clear(), calls.clear()
        kaggle.statuses = ["QUEUED", "COMPLETE"]
        shutil.rmtree(Path(tempfile.gettempdir()) / ".kaggle")  # all requests are to be made again
        (kernel / PUSHED).unlink()
        assert push()[0] == 130
        assert push()[0] == 0
        assert [len(kaggle.datasets[ref]) for ref in DATASETS] == [1, 1, 1, 1], stop
        assert len(kaggle.kernels[REF]) == 1, stop


def test_a_version_may_be_shown_late(push, kaggle, monkeypatch):
    original, shown = type(kaggle).get_kernel, []

    def show_late(stub, body):
        answer = original(stub, body)
        shown.append(answer["metadata"]["currentVersionNumber"])
        return answer if len(shown) > 2 else {"metadata": {"currentVersionNumber": shown[-1] - 1}}

    monkeypatch.setattr(type(kaggle), "get_kernel", show_late)
    code, said = push()
    assert code == 0, said
    assert len(kaggle.kernels[REF]) == 1


def test_the_session_of_a_later_version_is_not_taken_for_the_pushed_ones(push, kaggle, kernel):
    kaggle.fail("GetKernelSessionStatus", status=500, times=ALWAYS)
    assert push()[0] == 1
    ours, original = len(kaggle.kernels[REF]), kaggle.get_kernel_session_status

    def save_another(body):
        kaggle.kernels[REF].append(kaggle.kernels[REF][-1])
        del kaggle.get_kernel_session_status
        return original(body)

    kaggle.get_kernel_session_status, kaggle.statuses = save_another, ["RUNNING", "COMPLETE"]
    code, said = push()
    assert code == 1
    assert f"version {ours + 1} came after the pushed {ours}; push again" in said
    assert push()[0] == 0
    assert len(kaggle.kernels[REF]) == ours + 2


def test_a_bad_session_is_not_waited_for_again(push, kaggle):
    kaggle.statuses = ["ERROR"]
    assert push()[0] == 1
    kaggle.statuses = ["COMPLETE"]
    assert push()[0] == 0
    assert len(kaggle.kernels[REF]) == 2
    assert [len(kaggle.datasets[ref]) for ref in DATASETS] == [1, 1, 1, 1]


def test_the_log_of_a_failed_session_is_shown_and_kept(push, kaggle, kernel):
    kaggle.statuses, kaggle.log = ["ERROR"], f"no JSON, and a secret {TOKEN}\nlast words\n"
    said = push()[1]
    assert "last words" in said
    assert (kernel / "output" / f"{NAME}.log").read_text() == "no JSON, and a secret …\nlast words\n"


def test_an_output_that_leads_out_of_its_folder_is_refused(push, kaggle, kernel):
    kaggle.output["../../escaped"] = "x"
    code, said = push()
    assert code == 1
    assert "leads out" in said
    assert not (kernel.parent / "escaped").exists()


def test_a_dry_run_says_what_would_be_done_and_changes_nothing(push, kaggle, kernel):
    code, said = push("--dry-run")
    assert code == 0
    assert said.count(": create\n") == len(BUNDLES)
    assert {method for method, _ in kaggle.requests} <= {"GetDatasetStatus", "GetDataset", "IntrospectToken"}
    assert not (kernel / PUSHED).exists()
    push()
    assert push("--dry-run")[1].count(": unchanged\n") == len(BUNDLES)


def test_a_dry_run_without_credentials_says_so(push, kaggle, monkeypatch):
    monkeypatch.delenv("KAGGLE_KEY")
    code, said = push("--dry-run")
    assert code == 0
    assert said.count("create or new version") == len(BUNDLES)
    assert "Kaggle is not asked what is there: no credentials for Kaggle" in said
    assert "in the way: nobody is logged in" in said


def cut_metadata(kernel):
    (kernel / KERNEL_METADATA).write_text("{")


def take_notebook(kernel):
    (kernel / f"{NAME}.ipynb").unlink()


@pytest.mark.parametrize(("damage", "says"), [(cut_metadata, "expected JSON"), (take_notebook, "no such")])
def test_what_is_not_fit_to_be_pushed_has_no_plan(damage, says, push, kernel):
    damage(kernel)
    code, said = push("--dry-run")
    assert code == 1
    assert f"{kernel.name}: not fit to be pushed: " in said
    assert says in said
    assert "Traceback" not in said


def test_a_line_without_speed_is_refused(push):
    code, said = push("--dry-run", "mb_per_second=0")
    assert code == 2
    assert "mb_per_second: expected more than 0" in said


def test_without_credentials_a_push_says_where_they_belong(push, monkeypatch):
    monkeypatch.delenv("KAGGLE_KEY")
    code, said = push()
    assert code == 1
    assert "no credentials for Kaggle, or expired ones; make new ones at kaggle.com" in said


def test_a_token_does_as_well_as_a_key(push, kaggle, monkeypatch):
    monkeypatch.delenv("KAGGLE_KEY")
    monkeypatch.setenv("KAGGLE_API_TOKEN", TOKEN)
    assert push()[0] == 0


def test_a_kernel_that_is_not_there_is_named(run_script, work, capsys):
    assert run_script("push", "name=nosuch-kernel") == 2
    assert "make kernel" in capsys.readouterr().err


def test_an_owner_must_be_known(push, kernel):
    write_metadata(replace(read_kernel(kernel), owner=""), kernel)
    for words in [(), ("--dry-run",)]:
        assert "no owner yet; make it again, with ARGS=owner=" in push(*words)[1]
    assert push()[0] == 1


def test_a_secret_in_a_bundle_stops_the_push(push, kaggle, kernel):
    bundle = kernel / "bundles" / "runs"
    manifest = read_manifest(bundle / MARKER)
    leaking = next(member for member in manifest.files if member.name.endswith("config.yaml"))
    (bundle / leaking.name).write_text(f"token: {TOKEN}\n")
    members = [describe_file(bundle / member.name, member.path) for member in manifest.files]
    write_manifest(replace(manifest, files=tuple(members)), bundle)
    code, said = push()
    assert code == 1
    assert f"{leaking.name}: holds what looks like a Kaggle token" in said
    assert kaggle.requests == []


def test_the_runs_may_go_to_a_model(push, kaggle, kernel):
    code, said = push("as_model=true")
    assert code == 0, said
    model = f"{REF}-runs/transformers/default"
    assert len(kaggle.models[model]) == 1
    assert "science-exam-manifest.json" in kaggle.models[model][0]
    saved = kaggle.kernels[REF][0]
    assert saved["modelDataSources"] == [f"{model}/1"]
    assert f"{REF}-runs" not in saved["datasetDataSources"]
    kaggle.requests.clear()
    assert push("as_model=true")[0] == 0
    assert kaggle.count("PUT") == kaggle.count("SaveKernel") == 0
    assert json.loads((kernel / KERNEL_METADATA).read_text())["model_sources"] == []


def test_a_model_gets_a_version_when_its_files_change(push, kaggle, kernel):
    kaggle.models[f"{REF}-runs/transformers/default"] = [["something.else"]]
    assert push("as_model=true")[0] == 0
    assert len(kaggle.models[f"{REF}-runs/transformers/default"]) == 2
    assert kaggle.kernels[REF][0]["modelDataSources"] == [f"{REF}-runs/transformers/default/2"]
