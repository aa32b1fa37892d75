"""The manifest of a bundle: the marker that it is found by, and what it must hold. Standard library only.

A bundle is a flat folder, because folders do not survive every way of uploading; `path` says where a file
belongs in the tree that `restore_tree` makes of links.
"""

import json
from dataclasses import asdict, dataclass
from pathlib import Path, PurePosixPath

from science_exam.errors import UserError
from science_exam.files import hash_file, write_text
from science_exam.kaggle.session.fallback import find_files

MARKER = "science-exam-manifest.json"
CODE, WHEELS, RUNS, INDEX = "code", "wheels", "runs", "index"  # the bundles
EXAM = "exam.yaml"  # what the notebook does, in the bundle code


@dataclass(frozen=True)
class Member:
    """A file of a bundle.

    Attributes:
        name: its name in the bundle.
        path: where it belongs in the restored tree, with "/" between folders.
        size: bytes.
        sha256: of its bytes, in hexadecimal.
    """

    name: str
    path: str
    size: int
    sha256: str


@dataclass(frozen=True)
class Manifest:
    """What a bundle holds.

    Attributes:
        kernel: name of the kernel that it was made for.
        bundle: its own name: code, wheels, runs or index.
        files: its files, by name.
    """

    kernel: str
    bundle: str
    files: tuple[Member, ...]


def describe_file(file: Path, path: str) -> Member:
    """The member that a file of a bundle is."""
    return Member(file.name, path, file.stat().st_size, hash_file(file))


def write_manifest(manifest: Manifest, folder: Path) -> None:
    """Write the manifest beside its files."""
    write_text(folder / MARKER, json.dumps(asdict(manifest), indent=1) + "\n")


def read_manifest(path: Path) -> Manifest:
    """A manifest from its file.

    Raises:
        UserError: it is not the JSON that `write_manifest` writes.
    """
    try:
        values = json.loads(path.read_text(encoding="utf-8"))
        files = tuple(Member(**member) for member in values["files"])
        return Manifest(values["kernel"], values["bundle"], files)
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise UserError(f"{path}: expected the manifest of a bundle ({error!r}); upload it again") from None


def find_manifests(roots: list[Path]) -> dict[Path, Manifest]:
    """Folder -> manifest of every bundle below the roots, whatever the layout of the mounts.

    An unreadable manifest is left out: `restore_inputs` of the notebook then misses its bundle.
    """
    found = {}
    for path in find_files(roots, MARKER):
        try:
            found[path.parent] = read_manifest(path)
        except UserError:
            continue
    return found


def find_faults(folder: Path, manifest: Manifest) -> dict[str, str]:
    """Name -> what is wrong with it, of the files that are not as the manifest says."""
    faults = {}
    for member in manifest.files:
        file = folder / member.name
        if not file.is_file():
            faults[member.name] = "is missing"
        elif (size := file.stat().st_size) != member.size:
            faults[member.name] = f"has {size} bytes instead of {member.size}"
        elif hash_file(file) != member.sha256:
            faults[member.name] = "has other contents than when it was bundled"
    return faults


def restore_tree(folder: Path, manifest: Manifest, target: Path, without: set[str]) -> None:
    """Link the files of a bundle to where they belong below `target`, all but those named in `without`.

    Raises:
        UserError: a path that leads out of `target`.
    """
    for member in manifest.files:
        inside, place = PurePosixPath(member.path), target / member.path
        if inside.is_absolute() or ".." in inside.parts:
            raise UserError(
                f"{folder / MARKER}: {member.path!r} leads out of the tree; upload the bundle again"
            )
        if member.name not in without:
            place.parent.mkdir(parents=True, exist_ok=True)
            place.unlink(missing_ok=True)
            place.symlink_to(folder.resolve() / member.name)
