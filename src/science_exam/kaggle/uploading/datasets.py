"""A bundle as a Kaggle dataset: the requests."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

from science_exam.errors import KaggleError
from science_exam.kaggle.uploading.client import Client
from science_exam.kaggle.uploading.messages import GO_ON, explain_reason

READY, FAILED = "ready", ("failed", "deleted")
PAGE = 100  # files that are listed at a time
GROUP = "datasets.dataset_api_client"


@dataclass(frozen=True)
class Remote:
    """What there is at Kaggle.

    Attributes:
        version: of the latest.
        state: "ready", one of `FAILED`, or what is still being done with it.
    """

    version: int
    state: str


class Place(Protocol):
    """Where a bundle is kept at Kaggle.

    Attributes:
        ref: its name there.
    """

    ref: str

    def find(self) -> Remote | None:
        """What there is; None for nothing."""

    def create(self, folder: Path) -> None:
        """Make the place, with a folder's files as its first version."""

    def add_version(self, folder: Path, notes: str) -> None:
        """Upload a folder's files as the next version."""

    def list_names(self, version: int) -> set[str]:
        """Names of the files that have arrived."""


class Dataset:
    """A dataset, as a `Place`."""

    def __init__(self, client: Client, ref: str) -> None:
        """
        Args:
            client: of someone who is logged in.
            ref: owner/slug.
        """
        self._client, self.ref = client, ref
        self._owner, self._slug = ref.split("/")

    def find(self) -> Remote | None:
        """What there is; None for nothing."""
        from kagglesdk.datasets.types import dataset_api_service as types

        status = types.ApiGetDatasetStatusRequest()
        status.owner_slug, status.dataset_slug = self._owner, self._slug
        answer = self._client.find(
            f"dataset {self.ref}", lambda: self._client.call(GROUP, "get_dataset_status", status)
        )
        if answer is None:
            return None
        about = types.ApiGetDatasetRequest()
        about.owner_slug, about.dataset_slug = self._owner, self._slug
        dataset = self._client.ask(
            f"dataset {self.ref}", lambda: self._client.call(GROUP, "get_dataset", about)
        )
        return Remote(dataset.current_version_number, answer.status.name.lower())

    def create(self, folder: Path) -> None:
        """Make the dataset, private, with a folder's files and by its dataset-metadata.json."""
        self._check(self._client.api.dataset_create_new(str(folder), quiet=True))

    def add_version(self, folder: Path, notes: str) -> None:
        """Upload a folder's files as the next version."""
        self._check(self._client.api.dataset_create_version(str(folder), notes, quiet=True))

    def list_names(self, version: int) -> set[str]:
        """Names of the files that have arrived."""
        names, page = set(), None
        while page != "":
            answer = self._list_page(version, page)
            if answer.error_message:
                raise KaggleError(f"dataset {self.ref}: {answer.error_message}; {GO_ON}")
            names |= {file.name for file in answer.dataset_files}
            page = answer.next_page_token or ""
        return names

    def _list_page(self, version: int, page: str | None) -> Any:
        return self._client.ask(
            f"files of dataset {self.ref}",
            lambda: self._client.api.dataset_list_files(f"{self.ref}/{version}", page, PAGE),
        )

    def _check(self, answer: Any) -> None:
        """An answer that the official client takes for well may hold an error."""
        if answer.error or answer.status.lower() not in ("ok", ""):
            said = answer.error or f"status {answer.status}"
            raise KaggleError(self._client.redact(explain_reason(f"dataset {self.ref}", said)))
