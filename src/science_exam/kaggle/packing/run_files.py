"""What of trained runs, and of the base below them, a notebook needs."""

from collections.abc import Iterable
from itertools import groupby
from pathlib import Path

from science_exam.errors import UserError
from science_exam.runs import MANIFEST, RECORDS
from science_exam.training.base import KAGGLE_SCHEME, fetch_base
from science_exam.training.trained import Training, check_alike, read_trainings

MODEL_FILES = (".jinja", ".json", ".model", ".safetensors", ".txt")
MAX_BASE_BYTES = 2 * 10**9  # a larger base is better mounted as a Kaggle model than uploaded again


def read_runs(runs: Iterable[str]) -> list[Training]:
    """The finished trainings that answer together.

    Raises:
        UserError: none are named, one is not finished, two would lie in one folder, folds of a run differ in
            more than what they hold out, or the bases of runs do.
    """
    folders = [folder for run in runs for folder in _list_finished(Path(run))]
    trainings = [training for folder in folders for training in read_trainings(folder)]
    if not trainings:
        raise UserError("runs: expected folders of runs, such as data/runs/demo, found none")
    for _, folds in groupby(trainings, key=lambda training: training.folder.parent):
        check_alike(list(folds))
    places = [place_run(training) for training in trainings]
    if twice := [place for place in places if places.count(place) > 1]:
        raise UserError(f"{twice[0]}: named twice, or two runs of this name; each is answered with once")
    bases = sorted({training.settings.base.path for training in trainings if not training.is_whole})
    if len(bases) > 1:
        raise UserError(f"runs: expected adapters of one base, found {' and '.join(bases)}")
    return trainings


def _list_finished(run: Path) -> list[Path]:
    """The folders of a run's finished folds; `run` itself where it has none, being a fold or not there."""
    return sorted(manifest.parent for manifest in run.glob(f"fold*/{MANIFEST}")) or [run]


def place_run(training: Training) -> str:
    """Where a training belongs in the notebook's tree."""
    return f"runs/{training.folder.parent.name}/{training.folder.name}"


def list_run_files(trainings: Iterable[Training]) -> dict[str, Path]:
    """Place in the tree -> file, of what answering reads of each training."""
    files = {}
    for training in trainings:
        place = place_run(training)
        files |= {f"{place}/{name}": training.folder / name for name in RECORDS}
        files |= list_model_files(training.weights, f"{place}/{training.weights.name}")
    return files


def list_model_files(folder: Path, place: str) -> dict[str, Path]:
    """Place in the tree -> file, of weights, settings and tokenizer; cards and other formats are left out."""
    paths = (path for path in sorted(folder.rglob("*")) if path.is_file() and path.suffix in MODEL_FILES)
    return {f"{place}/{path.relative_to(folder).as_posix()}": path for path in paths}


def find_base_source(trainings: Iterable[Training], given: str) -> str:
    """The Kaggle model that holds the base; empty when it is to be uploaded, or is part of the runs."""
    paths = {training.settings.base.path for training in trainings if not training.is_whole}
    named = [path.removeprefix(KAGGLE_SCHEME) for path in paths if path.startswith(KAGGLE_SCHEME)]
    return (given or (named[0] if named else "")) if paths else ""


def list_base_files(trainings: Iterable[Training]) -> tuple[str, dict[str, Path]]:
    """The base's place in the tree, and its files by their places; nothing for encoders.

    Raises:
        UserError: it is not to be had, or too large to upload.
    """
    adapted = [training for training in trainings if not training.is_whole]
    if not adapted:
        return "", {}
    path = adapted[0].settings.base.path
    # The name by which the runs have recorded its hashes.
    place = f"base/{Path(path).name}"
    files = list_model_files(fetch_base(path), place)
    size = sum(file.stat().st_size for file in files.values())
    if size > MAX_BASE_BYTES:
        raise UserError(
            f"base {path}: {size / 1e9:.1f} GB are too much to upload with every kernel; name the Kaggle "
            f"model that holds it with base_source=owner/model/framework/variation/version"
        )
    return place, files
