"""What the notebook finds among its inputs: bundles, whose files are checked and linked into one tree."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from pathlib import Path

from science_exam.config import load_config
from science_exam.errors import UserError
from science_exam.kaggle.config import ExamConfig
from science_exam.kaggle.manifest import (
    CODE,
    EXAM,
    INDEX,
    RUNS,
    WHEELS,
    Manifest,
    find_faults,
    find_manifests,
    restore_tree,
)
from science_exam.kaggle.session.base_search import find_attached_base
from science_exam.runs import RECORDS
from science_exam.training.outcome import ENCODER

NEEDED = (CODE, WHEELS, RUNS)  # without an index all is closed book

Warn = Callable[[str], None]


@dataclass(frozen=True)
class Inputs:
    """What there is to answer with.

    Attributes:
        config: its paths lead into the tree; its index is empty where there is nothing to search.
        folds: folders of the trained folds whose weights are there; empty: the base alone answers.
        settings: folder of a fold that says how questions are asked.
    """

    config: ExamConfig
    folds: tuple[Path, ...]
    settings: Path

    def describe(self) -> str:
        """What answers, from what, how often."""
        folds = [f"{fold.parent.name}/{fold.name}" for fold in self.folds]
        passages = Path(self.config.retrieve.index).name if self.config.retrieve.index else "no index"
        return (
            f"{', '.join(folds) or 'the base alone'} on {self.config.base or 'no base'}; "
            f"passages from {passages}; up to {self.config.views} views, {self.config.hours:g} hours"
        )


def restore_inputs(roots: list[Path], kernel: str, tree: Path, warn: Warn) -> Inputs:
    """Find the bundles of a kernel and link their sound files into one tree.

    Args:
        roots: folders that inputs are mounted below.
        kernel: its name.
        tree: folder of the links.
        warn: called with what is missing or damaged, and with what that means.

    Raises:
        UserError: there are no settings, or nothing that could answer.
    """
    found = {manifest.bundle: (folder, manifest) for folder, manifest in _find_bundles(roots, kernel)}
    for bundle in (*NEEDED, INDEX):
        if bundle in found:
            _restore(*found[bundle], tree, warn)
    if missing := [bundle for bundle in NEEDED if bundle not in found]:
        warn(f"no bundle {' or '.join(missing)} among the inputs")
    config = place(load_config(ExamConfig, str(tree / CODE / EXAM), [], tree), tree)
    folds, settings = _choose_folds(config, warn)
    adapted = [fold for fold in folds or (settings,) if not (fold / ENCODER).is_dir()]
    if adapted and not config.base:
        config = replace(config, base=str(find_attached_base(roots, adapted[0])))
    if config.retrieve.index and not Path(config.retrieve.corpus).is_dir():  # one retriever needs no index
        warn("no passages: questions are answered without them")
        config = replace(config, retrieve=replace(config.retrieve, index=""))
    return Inputs(config, folds, settings)


def place(config: ExamConfig, tree: Path) -> ExamConfig:
    """The settings with paths below `tree`."""

    def below(path: str) -> str:
        return str(tree / path) if path else ""

    retrieve = replace(
        config.retrieve,
        index=below(config.retrieve.index),
        corpus=below(config.retrieve.corpus),
        reranker=below(config.retrieve.reranker),
    )
    runs = tuple(below(run) for run in config.runs)
    return replace(config, runs=runs, base=below(config.base), retrieve=retrieve)


def _find_bundles(roots: list[Path], kernel: str) -> Iterable[tuple[Path, Manifest]]:
    return ((folder, found) for folder, found in find_manifests(roots).items() if found.kernel == kernel)


def _restore(folder: Path, manifest: Manifest, tree: Path, warn: Warn) -> None:
    faults = find_faults(folder, manifest)
    for name, fault in faults.items():
        warn(f"{manifest.bundle}: {name} {fault} and is left out")
    restore_tree(folder, manifest, tree, set(faults))
    size = sum(member.size for member in manifest.files)
    print(f"{manifest.bundle:<7} {len(manifest.files):>4} files {size / 1e6:>9,.1f} MB  {folder}")


def _choose_folds(config: ExamConfig, warn: Warn) -> tuple[tuple[Path, ...], Path]:
    """The trained folds that can answer, and one that says how."""
    folds = [Path(run) for run in config.runs]
    told = [fold for fold in folds if all((fold / name).is_file() for name in RECORDS)]
    if not told:
        raise UserError("no run among the inputs; upload the bundle 'runs' and add it to the notebook")
    whole = [fold for fold in told if any(fold.glob("*/*.safetensors"))]
    for fold in folds:
        if fold not in whole:
            warn(f"{fold.parent.name}/{fold.name} is left out: files of it are missing or damaged")
    if not whole:
        warn("no adapter at all: the base answers alone")
    return tuple(whole), told[0]
