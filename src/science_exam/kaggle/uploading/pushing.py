"""A kernel to Kaggle: checks, bundles, the notebook, its session, and what that leaves."""

import json
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from hashlib import sha256
from pathlib import Path

from science_exam.errors import KaggleError, UserError
from science_exam.kaggle.config import PushConfig
from science_exam.kaggle.manifest import RUNS
from science_exam.kaggle.packing.bundles import list_bundles
from science_exam.kaggle.packing.metadata import KERNEL_METADATA, NO_OWNER, check_kernel, name_dataset
from science_exam.kaggle.submission import read_submission
from science_exam.kaggle.uploading.bundles import Upload, upload_bundle
from science_exam.kaggle.uploading.client import Client
from science_exam.kaggle.uploading.datasets import Dataset
from science_exam.kaggle.uploading.kernels import Kernel
from science_exam.kaggle.uploading.models import Model
from science_exam.kaggle.uploading.origin import describe_origin
from science_exam.kaggle.uploading.pushed import NOTEBOOK, Pushed
from science_exam.kaggle.uploading.retrying import wait_until

OUTPUT = "output"
COMPLETE, OVER = "complete", ("complete", "error", "cancel_requested", "cancel_acknowledged")
OWNER_MISSING = (
    "no owner yet; make it again, with ARGS=owner=<your user name at Kaggle> behind its make kernel"
)
TAIL_LINES = 30  # of a log, that are shown


def check_files(folder: Path) -> None:
    """Raise a `KaggleError` unless a kernel is fit to be pushed, as far as this machine can tell."""
    if problems := check_kernel(folder):
        raise KaggleError(f"{folder}: not fit to be pushed: " + "; ".join(problems))


def check_push(folder: Path) -> str:
    """The ref of a kernel that is fit to be pushed.

    Raises:
        KaggleError: it is not, or its owner is not known yet.
    """
    check_files(folder)
    ref = read_metadata(folder)["id"]
    if ref.startswith(f"{NO_OWNER}/"):
        raise KaggleError(f"{folder / KERNEL_METADATA}: {OWNER_MISSING}")
    return ref


def check_owner(client: Client, ref: str) -> None:
    """Raise a `KaggleError` unless a kernel is of the user who is logged in."""
    owner = ref.partition("/")[0]
    if owner.lower() != client.user.lower():
        raise KaggleError(
            f"{ref}: is of {owner}, but {client.user} is logged in; log in as {owner}, or make it again, "
            f"with ARGS=owner={client.user} behind its make kernel"
        )


def list_uploads(client: Client | None, folder: Path, as_model: bool) -> list[Upload]:
    """The bundles of a kernel, each with its place at Kaggle.

    Args:
        client: of someone who is logged in; nothing can be asked of the places without.
        folder: kernels/<name>.
        as_model: the runs go to a Kaggle model.
    """
    owner, name = read_metadata(folder)["id"].split("/")
    uploads = []
    for bundle, place in list_bundles(folder).items():
        slug, model = name_dataset(name, bundle), as_model and bundle == RUNS
        at = Model(client, owner, slug) if model else Dataset(client, f"{owner}/{slug}")
        uploads.append(Upload(bundle, place, at))
    return uploads


def push_kernel(client: Client, folder: Path, ref: str, config: PushConfig) -> None:
    """Push a kernel, and wait until its session has left a valid submission in kernels/<name>/output.

    Args:
        client: of someone who is logged in.
        folder: kernels/<name>, as `check_push` has passed it.
        ref: of the kernel.
        config: of the push.

    Raises:
        KaggleError: anything of that went wrong; the same call goes on where it was.
    """
    check_owner(client, ref)
    pushed, uploads = Pushed(folder), list_uploads(client, folder, config.as_model)
    versions = {
        upload.place.ref: upload_bundle(client, upload, pushed, config.ready_minutes) for upload in uploads
    }
    kernel = Kernel(client, ref)
    push_notebook(kernel, folder, pushed, versions)
    fetch_result(kernel, folder, pushed, config.session_minutes)


def push_notebook(kernel: Kernel, folder: Path, pushed: Pushed, versions: dict[str, int]) -> None:
    """Push the notebook, unless the same was pushed with the same versions of its bundles, and not failed."""
    with stage_notebook(folder, versions) as staged:
        fingerprint = _hash_push(staged, versions)
        known = pushed.read_begun(NOTEBOOK, kernel.ref, fingerprint)
        if "version" in known and kernel.find_version() == known["version"]:
            print(f"notebook: version {known['version']} of {kernel.ref} is pushed already", flush=True)
            return
        before = known["before"] if known else kernel.find_version()
        saved = kernel.find_pushed(staged, before) if known and "version" not in known else None
        if saved is None:
            before = kernel.find_version()
            pushed.begin(NOTEBOOK, kernel.ref, fingerprint, before)
            saved = kernel.push(staged, before)
        if saved.problem:  # the next push is not to take this version for its own
            pushed.begin(NOTEBOOK, kernel.ref, fingerprint, before=saved.version)
            raise KaggleError(f"{kernel.ref}: version {saved.version} {saved.problem}; then push again")
        pushed.note(NOTEBOOK, version=saved.version, bundles=versions, **describe_origin(folder))
    print(f"notebook: pushed as version {saved.version} of {kernel.ref}", flush=True)


def fetch_result(kernel: Kernel, folder: Path, pushed: Pushed, minutes: float) -> None:
    """Wait for the session of the pushed version, fetch what it has left, and check that.

    Raises:
        KaggleError: it failed, or left no complete and valid submission; a push then starts another session.
    """
    step, failures = pushed.read(NOTEBOOK), []
    if step.get("status") == COMPLETE:
        print(f"session: complete, see {folder / OUTPUT}", flush=True)
        return

    def look() -> tuple[bool, str]:
        if (latest := kernel.find_version()) > step["version"]:  # it may be shown late
            raise KaggleError(
                f"{kernel.ref}: version {latest} came after the pushed {step['version']}; push again"
            )
        status, why = kernel.look()
        failures[:] = [why]
        return status in OVER, status

    status = wait_until(look, kernel.patience, minutes, f"session of version {step['version']}")
    output = kernel.read_output()
    kernel.download(output, folder / OUTPUT)
    ended = f"the session ended as {status}" + (f" ({failures[0]})" if failures[0] else "")
    problem = ended if status != COMPLETE else find_output_problem(folder / OUTPUT)
    if problem:
        # The next push is not to wait for this session again.
        pushed.begin(NOTEBOOK, kernel.ref, step["fingerprint"], before=step["version"])
        print("\n".join(output.log.splitlines()[-TAIL_LINES:]), flush=True)
        raise KaggleError(
            f"{kernel.ref}: version {step['version']}: {problem}; its log is in {folder / OUTPUT}"
        )
    pushed.note(NOTEBOOK, status=COMPLETE)
    print(f"{folder / OUTPUT}: complete; next: make submit NAME={folder.name}", flush=True)


def find_output_problem(folder: Path) -> str:
    """What is wrong with the submission and the report that a session has left; empty for nothing."""
    try:
        report = json.loads((folder / "report.json").read_text(encoding="utf-8"))
        rows = len(read_submission(folder / "submission.csv"))
        status, asked = report["status"], report["rows"]
    except UserError as error:
        return str(error)
    except (OSError, ValueError, KeyError, TypeError) as error:
        return f"no report.json that can be read ({error!r})"
    if status != COMPLETE:
        failed = [f"{stage['name']} {stage['message']}".strip() for stage in report.get("stages", [])
                  if stage["status"] != "done"]  # fmt: skip
        return f"the notebook ended as {status} ({'; '.join(failed)})"
    return "" if rows == asked else f"submission.csv has {rows} rows, expected {asked} as in test.csv"


def read_metadata(folder: Path) -> dict:
    """kernel-metadata.json of a kernel that was checked."""
    return json.loads((folder / KERNEL_METADATA).read_text(encoding="utf-8"))


@contextmanager
def stage_notebook(folder: Path, versions: dict[str, int]) -> Iterator[Path]:
    """A folder with the notebook and its metadata, in which bundles that are models are named as such."""
    metadata = read_metadata(folder)
    models = {ref: version for ref, version in versions.items() if ref.count("/") > 1}
    datasets = {"/".join(ref.split("/")[:2]) for ref in models}
    metadata["dataset_sources"] = [ref for ref in metadata["dataset_sources"] if ref not in datasets]
    metadata["model_sources"] += [f"{ref}/{version}" for ref, version in models.items()]
    with tempfile.TemporaryDirectory() as name:
        shutil.copy(folder / metadata["code_file"], name)
        (Path(name) / KERNEL_METADATA).write_text(json.dumps(metadata), encoding="utf-8")
        yield Path(name)


def _hash_push(staged: Path, versions: dict[str, int]) -> str:
    """Of all that decides what a session does."""
    texts = [path.read_text(encoding="utf-8") for path in sorted(staged.iterdir())]
    return sha256(json.dumps([texts, versions]).encode()).hexdigest()
