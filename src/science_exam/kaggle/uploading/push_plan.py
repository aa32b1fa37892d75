"""What a push would do, with sizes and seconds; Kaggle is asked what there is, and nothing is changed."""

from pathlib import Path

from science_exam.errors import KaggleError
from science_exam.kaggle.config import PushConfig
from science_exam.kaggle.packing.metadata import NO_OWNER, read_kernel
from science_exam.kaggle.uploading.bundles import UNCHANGED, UNKNOWN, Upload, plan_upload
from science_exam.kaggle.uploading.client import Client
from science_exam.kaggle.uploading.pushed import Pushed
from science_exam.kaggle.uploading.pushing import (
    OWNER_MISSING,
    check_files,
    check_owner,
    list_uploads,
    read_metadata,
)

STEPS = (
    "each bundle: is it there, and its version; its upload; is it ready; which files have arrived",
    "notebook: save it as a new version, which starts a session; are all its sources taken",
    "session: how it stands, until it is complete; its log and files, to be checked",
)


def describe_plan(client: Client | None, folder: Path, config: PushConfig) -> str:
    """The plan of a push, a table of its bundles in it, and what stands in its way.

    Args:
        client: of someone who is logged in; None where nobody is.
        folder: kernels/<name>.
        config: of the push.

    Raises:
        KaggleError: the kernel is not fit to be pushed.
    """
    check_files(folder)
    problems = _list_account_problems(client, folder)
    kernel, metadata = read_kernel(folder), read_metadata(folder)
    notebook = folder / metadata["code_file"]
    lines = [
        f"{metadata['id']}: {notebook.name}, {notebook.stat().st_size / 1e3:.1f} kB, private, no internet, "
        f"machine {kernel.machine_shape}",
        f"sources: {', '.join([*metadata['competition_sources'], *metadata['model_sources']])}",
        f"{'bundle':<8}{'MB':>11}{'seconds':>9}  at {config.mb_per_second:g} MB a second",
    ]
    for upload in list_uploads(client, folder, config.as_model):
        lines.append(_describe_upload(client, upload, Pushed(folder), config.mb_per_second))
    lines += ["Kaggle would be asked:", *(f"  {step}" for step in STEPS)]
    return "\n".join([*lines, *(f"in the way: {problem}" for problem in problems)])


def _describe_upload(client: Client | None, upload: Upload, pushed: Pushed, mb_per_second: float) -> str:
    action, size = plan_upload(upload, pushed) if client else UNKNOWN, upload.size / 1e6
    seconds = 0.0 if action == UNCHANGED else size / mb_per_second
    return f"{upload.name:<8}{size:>11,.1f}{seconds:>9,.0f}  {upload.place.ref}: {action}"


def _list_account_problems(client: Client | None, folder: Path) -> list[str]:
    ref = read_metadata(folder)["id"]
    if ref.startswith(f"{NO_OWNER}/"):
        return [OWNER_MISSING]
    if client is None:
        return ["nobody is logged in"]
    try:
        check_owner(client, ref)
    except KaggleError as error:
        return [str(error)]
    return []
