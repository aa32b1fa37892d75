"""Bundles: flat folders to upload, each with its manifest, and what may be in them."""

import os
import re
import shutil
from collections.abc import Mapping
from pathlib import Path

from science_exam.errors import UserError
from science_exam.kaggle.manifest import (
    CODE,
    INDEX,
    MARKER,
    RUNS,
    WHEELS,
    Manifest,
    describe_file,
    find_faults,
    read_manifest,
    write_manifest,
)
from science_exam.kaggle.packing.run_files import MODEL_FILES
from science_exam.kaggle.packing.secret_scan import find_secrets

DATASET_METADATA = "dataset-metadata.json"
# The kinds of files that may leave this machine, by bundle.
ALLOWED = {
    CODE: {".whl", ".yaml"},
    WHEELS: {".whl"},
    RUNS: {".yaml", *MODEL_FILES},
    INDEX: {".npy", ".parquet", ".postings", ".yaml", *MODEL_FILES},
}


def write_bundle(kernel: str, bundle: str, files: Mapping[str, Path | bytes], folder: Path) -> Manifest:
    """Write a bundle: its files under flat names, and its manifest last.

    Files are hard links where the disk allows it: an index takes its room only once.

    Args:
        kernel: name of the kernel.
        bundle: its own name, a key of `ALLOWED`.
        files: place in the notebook's tree -> a file, or the contents of one.
        folder: what is there is thrown away.

    Raises:
        UserError: two files would have one name.
    """
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    names: dict[str, str] = {}
    for place, source in files.items():
        name = flatten_name(place, bundle)
        if name in names:
            raise UserError(f"{place} and {names[name]}: would both be {name} in a flat folder; rename one")
        names[name] = place
        if isinstance(source, bytes):
            (folder / name).write_bytes(source)
        else:
            _link(source, folder / name)
    members = tuple(describe_file(folder / name, names[name]) for name in sorted(names))
    manifest = Manifest(kernel, bundle, members)
    write_manifest(manifest, folder)
    return manifest


def flatten_name(place: str, bundle: str) -> str:
    """The name in a flat folder of what belongs at `place` in the tree: `runs/demo/a` -> `demo__a`."""
    name = place.removeprefix(f"{bundle}/").replace("/", "__")
    return re.sub(r"[^A-Za-z0-9._-]", "-", name)


def list_bundles(kernel: Path) -> dict[str, Path]:
    """Name -> folder of the bundles of kernels/<name>, in the order that they are uploaded in."""
    folders = {name: kernel / "bundles" / name for name in ALLOWED}
    return {name: folder for name, folder in folders.items() if (folder / MARKER).is_file()}


def check_bundle(folder: Path) -> list[str]:
    """What forbids uploading a bundle: one line each, none when all is well.

    It must hold what its manifest says and nothing else, of the kinds allowed, without links, empty files,
    folders or secrets.
    """
    try:
        manifest = read_manifest(folder / MARKER)
    except UserError as error:
        return [str(error)]
    expected = {member.name for member in manifest.files}
    faults = find_faults(folder, manifest)
    problems = [f"{folder / name}: {fault}; run make kernel again" for name, fault in faults.items()]
    for path in sorted(folder.iterdir()):
        if path.name not in expected | {MARKER, DATASET_METADATA}:
            problems.append(f"{path}: a stray {'folder' if path.is_dir() else 'file'}; take it out")
        elif path.is_symlink() or not path.is_file():
            problems.append(f"{path}: expected a file, found a link or a folder")
        elif path.stat().st_size == 0:
            problems.append(f"{path}: is empty, and would be dropped")
        elif path.name in expected and path.suffix not in ALLOWED.get(manifest.bundle, ()):
            problems.append(f"{path}: files of the kind {path.suffix or 'without ending'} are not for upload")
        elif path.name not in faults:
            problems += _scan(path, manifest.bundle)
    return problems


def _scan(path: Path, bundle: str) -> list[str]:
    """Secrets in a file; what others have published in their wheels is public already."""
    return [] if bundle == WHEELS and path.suffix == ".whl" else find_secrets(path)


def _link(source: Path, target: Path) -> None:
    source = source.resolve()  # a cached model's files are links
    try:
        os.link(source, target)
    except OSError:  # another disk, or one without hard links
        shutil.copyfile(source, target)
