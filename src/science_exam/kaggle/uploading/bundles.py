"""Bundles to Kaggle: what is unchanged stays, the rest is created or gets a version, and all is checked."""

from dataclasses import dataclass
from pathlib import Path

from science_exam.errors import KaggleError
from science_exam.files import hash_file
from science_exam.kaggle.manifest import MARKER, read_manifest
from science_exam.kaggle.uploading.client import Client
from science_exam.kaggle.uploading.datasets import FAILED, READY, Place, Remote
from science_exam.kaggle.uploading.pushed import Pushed
from science_exam.kaggle.uploading.retrying import wait_until

UNCHANGED, CREATE, VERSION, UNKNOWN = "unchanged", "create", "new version", "create or new version"


@dataclass(frozen=True)
class Upload:
    """A bundle, and where it is to be.

    Attributes:
        name: of the bundle.
        folder: its files.
        place: at Kaggle.
    """

    name: str
    folder: Path
    place: Place

    @property
    def fingerprint(self) -> str:
        """Of all its files: of the manifest, which holds their hashes."""
        return hash_file(self.folder / MARKER)

    @property
    def size(self) -> int:
        """Bytes to be sent."""
        return sum(member.size for member in read_manifest(self.folder / MARKER).files)


def plan_upload(upload: Upload, pushed: Pushed) -> str:
    """What would be done with a bundle: one of the words above. Kaggle is asked what there is, no more."""
    known, remote = _read_begun(upload, pushed), upload.place.find()
    if remote is None:
        return CREATE
    if "version" in known:
        made = known["version"] == remote.version
    else:  # sent, and interrupted before it was known to be there
        made = known.get("before", remote.version) < remote.version
    return UNCHANGED if made and remote.state not in FAILED else VERSION


def upload_bundle(client: Client, upload: Upload, pushed: Pushed, minutes: float) -> int:
    """See to it that a bundle is at Kaggle, whole and ready; its version there.

    A version that was made by a push that was interrupted is taken, not made twice.

    Args:
        client: of someone who is logged in.
        upload: the bundle.
        pushed: what is there already; what is sent is written down.
        minutes: that Kaggle may take to make it ready.

    Raises:
        KaggleError: it was refused, has not arrived whole, or is not ready in time.
    """
    action = plan_upload(upload, pushed)
    print(f"{upload.name}: {upload.size / 1e6:,.1f} MB to {upload.place.ref}: {action}", flush=True)
    if action != UNCHANGED:
        remote = upload.place.find()
        pushed.begin(
            upload.name, upload.place.ref, upload.fingerprint, before=remote.version if remote else 0
        )
        _send(client, upload, remote)
    remote = _wait_ready(upload, pushed.read(upload.name)["before"], client, minutes)
    if problem := _find_problem(upload, remote):
        # The next push is not to take this version for its own.
        pushed.begin(upload.name, upload.place.ref, upload.fingerprint, before=remote.version)
        raise KaggleError(f"{upload.place.ref}: version {remote.version} {problem}; push again for another")
    pushed.note(upload.name, version=remote.version, bytes=upload.size)
    return remote.version


def _read_begun(upload: Upload, pushed: Pushed) -> dict:
    return pushed.read_begun(upload.name, upload.place.ref, upload.fingerprint)


def _send(client: Client, upload: Upload, remote: Remote | None) -> None:
    """Send a bundle; where the answer gets lost, a later version than there was tells that it was served."""

    def send() -> bool:
        if remote is None:
            upload.place.create(upload.folder)
        else:
            upload.place.add_version(upload.folder, notes=f"science-exam {upload.fingerprint[:12]}")
        return True

    def find_served() -> bool | None:
        there = upload.place.find()
        return True if there and there.version > (remote.version if remote else 0) else None

    client.ask(f"{upload.name} to {upload.place.ref}", send, find_served)


def _wait_ready(upload: Upload, before: int, client: Client, minutes: float) -> Remote:
    """What is at Kaggle once a version later than `before` is ready, or has failed."""
    found = []

    def look() -> tuple[bool, str]:
        remote = upload.place.find()
        if remote is None or remote.version <= before:
            return False, "not there yet"
        found[:] = [remote]
        return remote.state in (READY, *FAILED), f"version {remote.version} {remote.state}"

    wait_until(look, client.patience, minutes, upload.place.ref)
    return found[0]


def _find_problem(upload: Upload, remote: Remote) -> str:
    """What is wrong with what has arrived; a file that was dropped on the way shows only here."""
    if remote.state in FAILED:
        return f"is {remote.state}"
    expected = {member.name for member in read_manifest(upload.folder / MARKER).files} | {MARKER}
    missing = sorted(expected - upload.place.list_names(remote.version))
    return f"lacks {len(missing)} of {len(expected)} files ({', '.join(missing[:5])})" if missing else ""
