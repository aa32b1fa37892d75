"""What can go wrong with a push, each with what mends it: for the tests and for benchmarks/push_faults.py."""

import json
import os
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from kaggle_stub import COMPLETE_REPORT, KEY, TOKEN, USER, Stub
from small_kernel import NAME

from science_exam.kaggle.packing.metadata import KERNEL_METADATA
from science_exam.kaggle.uploading.pushed import Pushed
from science_exam.kaggle.uploading.retrying import Patience

ALWAYS = Patience(0, 0).attempts  # times that a request is made


@dataclass(frozen=True)
class Case:
    """A fault.

    Attributes:
        name: for the eye.
        cause: makes it, of the stub and the kernel's folder.
        says: what the message holds.
        mend: takes it away, where it does not pass by itself.
        exit_code: of the push.
    """

    name: str
    cause: Callable[[Stub, Path], None]
    says: str
    mend: Callable[[Stub, Path], None] = lambda stub, kernel: None
    exit_code: int = 1


def fail(method: str, **fault) -> Callable[[Stub, Path], None]:
    return lambda stub, _: stub.fail(method, **fault)


def set_state(**values) -> Callable[[Stub, Path], None]:
    return lambda stub, _: stub.__dict__.update(values)


def set_variables(**values: str) -> Callable[[Stub, Path], None]:
    return lambda *_: os.environ.update(values)


def change_title(title: str) -> Callable[[Stub, Path], None]:
    def change(_: Stub, kernel: Path) -> None:
        path = kernel / KERNEL_METADATA
        path.write_text(json.dumps(json.loads(path.read_text()) | {"title": title}))

    return change


def interrupt(_: Stub, kernel: Path) -> None:
    """The next thing that is known of a version is known too late."""
    original = Pushed.note

    def stop(*arguments, **facts):
        Pushed.note = original
        raise KeyboardInterrupt

    Pushed.note = stop


PARTIAL = COMPLETE_REPORT | {
    "status": "partial",
    "stages": [{"name": "answer", "status": "failed", "message": "CUDA out of memory"}],
}
FILES = {"submission.csv": "id,prediction\n0,A B C\n", "report.json": json.dumps(COMPLETE_REPORT)}
CASES = [
    Case(
        "error in an answer 200 to the notebook",
        fail("SaveKernel", answer={"error": "the source is too large"}),
        f"error: notebook {USER}/{NAME}: the source is too large\n",
    ),
    Case(
        "error in an answer 200 to a dataset",
        fail("CreateDataset", answer={"status": "Error", "error": "no such licence"}),
        f"error: dataset {USER}/{NAME}-code: no such licence\n",
    ),
    Case(
        "a model that is not to be had",
        fail("SaveKernel", served=True, answer={"invalidModelSources": ["them/model/pyTorch/7b/1"]}),
        "made without model them/model/pyTorch/7b/1",
    ),
    Case(
        "a dataset that is not to be had",
        fail("SaveKernel", served=True, answer={"invalidDatasetSources": ["them/data"]}),
        "made without dataset them/data",
    ),
    Case(
        "rules of the competition not accepted",
        fail("SaveKernel", served=True, answer={"invalidCompetitionSources": ["kaggle-llm-science-exam"]}),
        "made without competition kaggle-llm-science-exam",
    ),
    Case(
        "the session fails",
        set_state(statuses=["RUNNING", "ERROR"]),
        "ended as error (out of memory)",
        set_state(statuses=["COMPLETE"]),
    ),
    Case(
        "the session is cancelled",
        set_state(statuses=["CANCEL_ACKNOWLEDGED"]),
        "the session ended as cancel_acknowledged;",
        set_state(statuses=["COMPLETE"]),
    ),
    Case(
        "the notebook ends with a partial report",
        lambda stub, _: stub.output.update({"report.json": json.dumps(PARTIAL)}),
        "answer CUDA out of memory",
        lambda stub, _: stub.output.update({"report.json": json.dumps(COMPLETE_REPORT)}),
    ),
    Case(
        "a submission without all rows",
        lambda stub, _: stub.output.update(FILES),
        "has 1 rows, expected 2",
        lambda stub, _: stub.output.update({"report.json": json.dumps(COMPLETE_REPORT | {"rows": 1})}),
    ),
    Case("a file is refused", fail("PUT", status=400, times=2), "could not be uploaded: Kaggle"),
    Case(
        "a file is lost at Kaggle",
        fail("ListDatasetFiles", answer={"datasetFiles": []}),
        "lacks 3 of 3",
    ),
    Case(
        "a dataset that Kaggle cannot make ready",
        set_state(dataset_statuses=["BLOBS_RECEIVED", "FAILED"]),
        "version 1 is failed",
    ),
    Case("429, for long", fail("SaveKernel", status=429, times=ALWAYS), "too many requests"),
    Case("503 in an upload", fail("PUT", status=503, served=True, times=ALWAYS), "could not be"),
    Case(
        "a cut connection in an upload",
        fail("PUT", served=True, times=ALWAYS),
        "could not be uploaded: Kaggle",
    ),
    Case("a cut connection in a request", fail("CreateDataset", times=ALWAYS), "cut the connection"),
    Case("500, for long", fail("GetKernelSessionStatus", status=500, times=ALWAYS), "Kaggle is in trouble"),
    Case("a download fails", fail("GET", status=500, times=ALWAYS), "submission.csv of"),
    Case(
        "an expired token",
        lambda stub, _: (
            os.environ.update(KAGGLE_API_TOKEN=TOKEN, KAGGLE_KEY=""),
            stub.__dict__.update(token_user=None),
            os.environ.pop("KAGGLE_KEY"),
        ),
        "or expired ones; make new ones",
        set_variables(KAGGLE_API_TOKEN="", KAGGLE_KEY=KEY),
    ),
    Case(
        "a wrong key", set_variables(KAGGLE_KEY="1" * 32), "wrong or expired", set_variables(KAGGLE_KEY=KEY)
    ),
    Case(
        "another user is logged in",
        set_variables(KAGGLE_USERNAME="else"),
        "but else is logged in",
        set_variables(KAGGLE_USERNAME=USER),
    ),
    Case(
        "title and name differ",
        change_title("Another name"),
        "title: expected 'Science exam test', found 'Another name'",
        change_title("Science exam test"),
    ),
    Case(
        "Kaggle saves under another name",
        fail("SaveKernel", served=True, answer={"ref": "/code/somebody/another-name"}),
        "was saved as somebody/another-name",
    ),
    Case(
        "the name is taken",
        fail("CreateDataset", answer={"status": "Error", "error": "title already in use by a dataset"}),
        "choose another",
    ),
    Case(
        "the weekly hours are used up",
        fail("SaveKernel", answer={"error": "Maximum weekly GPU quota of 30.00 hours reached."}),
        "hours, sessions or room are used up",
    ),
    Case(
        "not allowed",
        fail("SaveKernel", status=403, message="Permission denied"),
        "answered 403 (Permission denied)",
    ),
    Case("an interrupted push", interrupt, "interrupted", exit_code=130),
]
