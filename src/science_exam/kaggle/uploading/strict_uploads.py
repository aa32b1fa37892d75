"""The official client's uploads, without what they pass over in silence."""

import re
from pathlib import Path
from typing import Any

import requests
from tqdm import tqdm
from tqdm.utils import CallbackIOWrapper

from science_exam.errors import KaggleError
from science_exam.kaggle.uploading.messages import GO_ON
from science_exam.kaggle.uploading.retrying import Patience, is_passing, name_failure

TIMEOUT_SECONDS = (30, 600)  # to connect, and for the answer after the last byte


class StrictUploads:
    """To be put before the official `KaggleApi`.

    Its own upload goes on without a file that did not arrive, and makes a dataset of the rest (2.2.4). It has
    no time limit, does not wait between attempts, takes errors 500 and 429 for final and prints signed
    addresses. Where an interrupted upload is to go on is kept by the official client, in the temporary
    folder.
    """

    patience: Patience
    _attempt = 0  # at the file that is being uploaded
    _failure = ""  # of the last attempt

    def with_retry(self, function, **_: Any):
        """The request as it is: whoever makes it repeats it, and speaks of it without secrets."""
        return function

    def _upload_file(self, file_name, full_path, blob_type, upload_context, *rest, **named):
        for _ in range(2):
            self._attempt = 0
            uploaded = super()._upload_file(file_name, full_path, blob_type, upload_context, *rest, **named)
            if uploaded is not None:
                return uploaded
            if self._attempt == self.patience.attempts:
                break
            # The address is void; for another, the old one must be forgotten.
            Path(upload_context.get_upload_info_file_path(full_path)).unlink(missing_ok=True)
        raise KaggleError(f"{full_path}: could not be uploaded: Kaggle {self._failure}; {GO_ON}")

    def upload_complete(self, path: str, url: str, quiet: bool, resume: bool = False):
        """Upload a file to the address that was given for it; how that ended.

        Args:
            path: of the file.
            url: address that takes it.
            quiet: as the official client has it.
            resume: some of it may have arrived already.
        """
        from kaggle.api.kaggle_api_extended import ResumableUploadResult

        self._attempt += 1
        try:
            _send(Path(path), url, resume)
            return ResumableUploadResult.COMPLETE
        except requests.RequestException as error:
            self._failure = name_failure(error)
            if not is_passing(error):
                return ResumableUploadResult.FAILED
            if self._attempt < self.patience.attempts:
                self.patience.wait(self._attempt, error)
            return ResumableUploadResult.INCOMPLETE


def _send(path: Path, url: str, resume: bool) -> None:
    """Send what is missing of a file."""
    size = path.stat().st_size
    start = _count_arrived(url, size) if resume else 0
    if start == size:
        return
    headers = {"Content-Range": f"bytes {start}-{size - 1}/{size}"} if start else {}
    shown = {"desc": f"  {path.name}", "unit": "B", "unit_scale": True, "leave": False, "disable": None}
    with path.open("rb") as file, tqdm(total=size, initial=start, **shown) as bar:
        file.seek(start)
        data = CallbackIOWrapper(bar.update, file, "read")
        requests.put(url, data=data, headers=headers, timeout=TIMEOUT_SECONDS).raise_for_status()


def _count_arrived(url: str, size: int) -> int:
    """Bytes of a file that an interrupted upload has brought; the protocol is Google's for resumable uploads.

    Args:
        url: address that takes it.
        size: of the whole file.
    """
    answer = requests.put(url, headers={"Content-Range": f"bytes */{size}"}, timeout=TIMEOUT_SECONDS)
    if answer.status_code == 308:
        arrived = re.fullmatch(r"bytes=0-(\d+)", answer.headers.get("Range", ""))
        n_bytes = int(arrived[1]) + 1 if arrived else 0
        return n_bytes if n_bytes < size else 0  # all of it and yet not taken for whole: it is sent again
    answer.raise_for_status()
    return size
