"""A notebook at Kaggle: the requests."""

import json
import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import requests

from science_exam.errors import KaggleError
from science_exam.kaggle.packing.metadata import KERNEL_METADATA
from science_exam.kaggle.uploading.client import Client
from science_exam.kaggle.uploading.messages import explain_reason
from science_exam.kaggle.uploading.strict_uploads import TIMEOUT_SECONDS

GROUP = "kernels.kernels_api_client"
SOURCES = ("dataset", "competition", "kernel", "model")
PAGE = 100  # files that are listed at a time


@dataclass(frozen=True)
class Saved:
    """A notebook that Kaggle has taken.

    Attributes:
        version: of the notebook.
        problem: why it is of no use; empty for nothing.
    """

    version: int
    problem: str


@dataclass(frozen=True)
class Output:
    """What a session of a notebook has left.

    Attributes:
        files: name -> address.
        log: all that it printed.
    """

    files: dict[str, str]
    log: str


class Kernel:
    """A notebook, and the latest session of it."""

    def __init__(self, client: Client, ref: str) -> None:
        """
        Args:
            client: of someone who is logged in.
            ref: owner/slug.
        """
        self._client, self.ref, self.patience = client, ref, client.patience
        self._owner, self._slug = ref.split("/")

    def find_version(self) -> int:
        """The latest version; 0 where there is none."""
        there = self._find_metadata()
        return there.current_version_number if there else 0

    def push(self, folder: Path, before: int) -> Saved:
        """Push a folder's notebook by its kernel-metadata.json, which starts a session of it.

        Args:
            folder: with both.
            before: the version until then; a later one tells that a push was served whose answer got lost.

        Raises:
            KaggleError: nothing was pushed.
        """

        def push() -> Saved:
            return self._read(self._client.api.kernels_push(str(folder)))

        return self._client.ask(f"notebook {self.ref}", push, lambda: self.find_pushed(folder, before))

    def find_pushed(self, folder: Path, before: int) -> Saved | None:
        """The version that there is since `before`, of which only Kaggle knows; None for none."""
        there = self._find_metadata()
        if there is None or there.current_version_number <= before:
            return None
        wanted = json.loads((folder / KERNEL_METADATA).read_text(encoding="utf-8"))
        without = {kind: _list_missing(wanted, there, kind) for kind in SOURCES}
        return Saved(there.current_version_number, _describe_missing(without))

    def look(self) -> tuple[str, str]:
        """How the latest session stands, in small letters, and why it failed."""
        from kagglesdk.kernels.types.kernels_api_service import ApiGetKernelSessionStatusRequest

        request = ApiGetKernelSessionStatusRequest()
        request.user_name, request.kernel_slug = self._owner, self._slug
        answer = self._client.ask(
            f"status of {self.ref}", lambda: self._call("get_kernel_session_status", request)
        )
        return answer.status.name.lower(), self._client.redact(answer.failure_message)

    def read_output(self) -> Output:
        """What the latest session has left; its files stay where they are."""
        from kagglesdk.kernels.types.kernels_api_service import ApiListKernelSessionOutputRequest

        request = ApiListKernelSessionOutputRequest()
        request.user_name, request.kernel_slug, request.page_size = self._owner, self._slug, PAGE
        files, log = {}, ""
        while True:
            answer = self._client.ask(
                f"output of {self.ref}", lambda: self._call("list_kernel_session_output", request)
            )
            files |= {file.file_name: file.url for file in answer.files}
            log = log or answer.log  # comes with the first page
            if not answer.next_page_token:
                return Output(files, self._client.redact(_read_log(log)))
            request.page_token = answer.next_page_token

    def download(self, output: Output, folder: Path) -> None:
        """Write the files and the log of a session; what is in the folder is replaced.

        Raises:
            KaggleError: a file that cannot be had, or with a name that leads out of the folder.
        """
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir(parents=True)
        (folder / f"{self._slug}.log").write_text(output.log, encoding="utf-8")
        for name, url in output.files.items():
            path = folder / name
            if not path.resolve().is_relative_to(folder.resolve()):
                raise KaggleError(f"output of {self.ref}: {name!r} leads out of {folder}")
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(self._client.ask(f"{name} of {self.ref}", lambda url=url: _fetch(url)))

    def _find_metadata(self) -> Any:
        from kagglesdk.kernels.types.kernels_api_service import ApiGetKernelRequest

        request = ApiGetKernelRequest()
        request.user_name, request.kernel_slug = self._owner, self._slug
        there = self._client.find(f"notebook {self.ref}", lambda: self._call("get_kernel", request))
        return there.metadata if there else None

    def _read(self, answer: Any) -> Saved:
        """An answer that the official client takes for well may hold an error."""
        named = answer.ref.removeprefix("/").removeprefix("code/")
        if answer.error or not answer.version_number:
            said = answer.error or "Kaggle gave it no version"
            raise KaggleError(self._client.redact(explain_reason(f"notebook {self.ref}", said)))
        if named and named.lower() != self.ref.lower():
            return Saved(answer.version_number, f"was saved as {named}: title and name differ; make it again")
        without = {kind: getattr(answer, f"invalid_{kind}_sources") or [] for kind in SOURCES}
        return Saved(answer.version_number, _describe_missing(without))

    def _call(self, method: str, request: Any) -> Any:
        return self._client.call(GROUP, method, request)


def _list_missing(wanted: dict, there: Any, kind: str) -> list[str]:
    return sorted(set(wanted[f"{kind}_sources"]) - set(getattr(there, f"{kind}_data_sources") or []))


def _describe_missing(without: dict[str, list[str]]) -> str:
    names = [f"{kind} {name}" for kind, missing in without.items() for name in missing]
    if not names:
        return ""
    return f"was made without {', '.join(names)}: not there, or with rules or a licence to be accepted there"


def _read_log(log: str) -> str:
    """The text of a log, which comes as JSON records of what was printed."""
    try:
        return "".join(record["data"] for record in json.loads(log))
    except (ValueError, TypeError, KeyError):
        return log


def _fetch(url: str) -> bytes:
    answer = requests.get(url, timeout=TIMEOUT_SECONDS)
    answer.raise_for_status()
    return answer.content
