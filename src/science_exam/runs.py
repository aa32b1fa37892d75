"""A run's folder: what went in, what came out, and whether it finished.

config.yaml        the resolved settings            written at the start
inputs.json        path -> SHA-256 of every input   written at the start
environment.json   versions, device, commit         written at the start
metrics.jsonl      one JSON object a line           while it runs
…                  what the stage makes             while it runs
manifest.json      SHA-256 of every output, seconds, results: written last, so that
                   its existence means success
"""

import fcntl
import hashlib
import json
import shutil
import time
from dataclasses import asdict
from functools import reduce
from operator import getitem
from pathlib import Path
from typing import Any

import yaml

from science_exam.environment import describe_environment
from science_exam.errors import UserError
from science_exam.files import hash_file, write_text

MANIFEST = "manifest.json"
RECORDS = ("config.yaml", "inputs.json", MANIFEST)  # that say how a run came about
LOCK = "lock"
# Beside the result: curves for the eye, the way back after a kill, and the lock.
NOT_OUTPUTS = ("tensorboard", "checkpoints", LOCK)


class Run:
    """One run of one stage in one folder.

    Opening it compares the settings and the inputs' hashes with what the folder holds: the same
    and finished is skipped (`finished`), the same and unfinished is resumed, different stops with
    the difference unless `overwrite` is set. Nothing is written, and nothing thrown away, before
    `begin`.
    """

    def __init__(
        self, folder: Path, settings: dict[str, Any], inputs: list[Path], overwrite: bool = False
    ) -> None:
        """Open the run.

        Args:
            folder: the run's own folder.
            settings: the resolved settings that decide the result.
            inputs: files that decide the result; one that is not there counts as none.
            overwrite: `begin` throws away what the folder holds.

        Raises:
            UserError: the folder holds a run with other settings or inputs.
        """
        self.folder = folder
        self.settings = settings
        self.inputs = _hash_inputs(inputs)
        self.overwrite = overwrite
        self.started = time.time()
        if not overwrite and (differences := self._compare()):
            raise UserError(
                f"{folder}: holds a run with other settings or inputs ({'; '.join(differences)}); "
                f"add overwrite=true to replace it, or give this one another name (make: RUN= or NAME=)"
            )

    def begin(self) -> None:
        """Make the folder and write down what goes in; an unfinished run of the same is kept.

        Raises:
            UserError: another process works in the folder, or it holds something that is no run.
        """
        if self.overwrite and self.folder.exists():
            strangers = any(path.name != LOCK for path in self.folder.iterdir())
            if strangers and not (self.folder / "config.yaml").is_file():
                raise UserError(f"{self.folder}: holds files but no run; overwrite=true does not delete it")
            self._lock()
            # The manifest first: a run that is half deleted must not pass as finished.
            (self.folder / MANIFEST).unlink(missing_ok=True)
            shutil.rmtree(self.folder)
        self._lock()
        (self.folder / MANIFEST).unlink(missing_ok=True)
        write_text(self.folder / "config.yaml", yaml.safe_dump(self.settings, sort_keys=False))
        write_text(self.folder / "inputs.json", json.dumps(self.inputs, indent=1) + "\n")
        environment = json.dumps(describe_environment(), indent=1)
        write_text(self.folder / "environment.json", environment + "\n")

    def _lock(self) -> None:
        """Keep a second process out until this one ends; the system frees the lock even after a kill."""
        self.folder.mkdir(parents=True, exist_ok=True)
        self._held = (self.folder / LOCK).open("w")
        try:
            fcntl.flock(self._held, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            raise UserError(f"{self.folder}: another process is working there; wait for it") from None

    @property
    def finished(self) -> bool:
        """True when the folder holds this very run, done, and is not to be overwritten."""
        if self.overwrite or not (self.folder / MANIFEST).is_file():
            return False
        outputs = read_manifest(self.folder)["outputs"]  # config.yaml and inputs.json among them
        return all((self.folder / name).is_file() for name in outputs)

    def write_metrics(self, records: list[dict[str, Any]]) -> None:
        """Write all metrics so far; a resumed run hands over the earlier ones too."""
        write_text(self.folder / "metrics.jsonl", "".join(json.dumps(r) + "\n" for r in records))

    def finish(self, results: dict[str, Any]) -> None:
        """Write the manifest: results, seconds of this process, and every file's hash."""
        outputs = {
            str(path.relative_to(self.folder)): hash_file(path)
            for path in sorted(self.folder.rglob("*"))
            if path.is_file() and path.relative_to(self.folder).parts[0] not in NOT_OUTPUTS
        }
        manifest = {
            "results": results,
            "seconds": round(time.time() - self.started, 1),
            "outputs": outputs,
        }
        write_text(self.folder / MANIFEST, json.dumps(manifest, indent=1) + "\n")
        self._held.close()
        (self.folder / LOCK).unlink()

    def _compare(self) -> list[str]:
        """Readable differences between this run and the one in the folder, if there is one."""
        config, inputs = self.folder / "config.yaml", self.folder / "inputs.json"
        if not (config.is_file() and inputs.is_file()):
            return []
        old_settings = read_settings(self.folder)
        old_inputs = json.loads(inputs.read_text(encoding="utf-8"))
        # The same round trip for the new side: YAML has no tuples.
        new_settings = yaml.safe_load(yaml.safe_dump(self.settings))
        return _differences(old_settings, new_settings) + [
            f"{path} {'is gone' if new is None else 'is new' if old is None else 'has changed'}"
            for path in sorted({*old_inputs, *self.inputs})
            if (old := old_inputs.get(path)) != (new := self.inputs.get(path))
        ]


def open_run(folder: Path, config: Any, inputs: list[Path], without: tuple[str, ...] = ()) -> Run:
    """The `Run` of a stage whose settings dataclass has the field `overwrite`.

    Args:
        folder: the run's own folder.
        config: the stage's settings.
        inputs: files that decide the result.
        without: names of settings that do not decide the result, so that they may change; nested ones
            are dotted.
    """
    settings = asdict(config)
    for name in without:
        *groups, last = name.split(".")
        del reduce(getitem, groups, settings)[last]
    return Run(folder, settings, inputs, overwrite=settings.pop("overwrite"))


def find_changed(folder: Path, files: list[Path]) -> Path | None:
    """The first of `files` that the run in `folder` took as input with other contents, or None.

    Files are told apart by their own and their folder's name, so a checkout may move.
    """
    recorded = json.loads((folder / "inputs.json").read_text(encoding="utf-8"))
    for file in files:
        if (digest := recorded.get(_name_input(file))) and digest != hash_file(file):
            return file
    return None


def read_settings(folder: Path) -> dict[str, Any]:
    """The settings that a run was begun with."""
    return yaml.safe_load((folder / "config.yaml").read_text(encoding="utf-8"))


def read_manifest(folder: Path) -> dict[str, Any]:
    """The manifest of a finished run.

    Raises:
        UserError: the folder holds no finished run.
    """
    path = folder / MANIFEST
    if not path.is_file():
        state = "not finished" if folder.is_dir() else "not there"
        raise UserError(f"{folder}: this run is {state}; run the command that makes it again")
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except ValueError as error:
        raise UserError(f"{path}: expected JSON ({error}); delete it and run the command again") from None


def _hash_inputs(inputs: list[Path]) -> dict[str, str]:
    digests: dict[str, str] = {}
    for file in filter(Path.is_file, inputs):
        name, digest = _name_input(file), hash_file(file)
        known = digests.get(name)  # of another file with this name, in a folder with the same name
        digests[name] = hashlib.sha256(f"{known}{digest}".encode()).hexdigest() if known else digest
    return digests


def _name_input(file: Path) -> str:
    """`folder/name`: the same from wherever and however the path is given."""
    return "/".join(file.absolute().parts[-2:])


def _differences(old: Any, new: Any, prefix: str = "") -> list[str]:
    """Readable differences of two nested settings: `lora.r 16 -> 32`."""
    if isinstance(old, dict) and isinstance(new, dict):
        return [
            difference
            for key in sorted({*old, *new})
            for difference in _differences(old.get(key), new.get(key), f"{prefix}.{key}".strip("."))
        ]
    return [] if old == new else [f"{prefix} {old!r} -> {new!r}"]
