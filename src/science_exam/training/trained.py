"""Finished trainings: their settings, their weights, and their base where that is on this machine."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from science_exam.config import load_config
from science_exam.errors import UserError
from science_exam.runs import MANIFEST, find_changed, read_manifest
from science_exam.tables import FOLDS, read_table
from science_exam.training.base import list_small_files
from science_exam.training.config import TrainConfig
from science_exam.training.outcome import ADAPTER, ENCODER

GIVEN = "given"  # the contexts that came with the questions


@dataclass(frozen=True)
class Training:
    """One finished training.

    Attributes:
        folder: data/runs/<run>/fold<fold>.
        settings: of `read_training`.
    """

    folder: Path
    settings: TrainConfig

    @property
    def is_whole(self) -> bool:
        """True for an encoder, which was trained as a whole; False for an adapter of a base."""
        return (self.folder / ENCODER).is_dir()

    @property
    def weights(self) -> Path:
        """The folder of what was trained."""
        return self.folder / (ENCODER if self.is_whole else ADAPTER)

    @property
    def inputs(self) -> list[Path]:
        """The files that decide what it answers."""
        name = "model.safetensors" if self.is_whole else "adapter_model.safetensors"
        return [self.weights / name, self.folder / "config.yaml"]

    def owns(self, asked: Path, identity: list[Path]) -> bool:
        """Whether it was trained on the question set in the folder `asked`, which these files identify."""
        same_name = asked.name == Path(self.settings.questions).name
        return same_name and not find_changed(self.folder, identity)


class Untrained(Training):
    """The base of a training, without what was trained; it is asked as that one would be."""

    weights = None


def read_trainings(run: Path, base: str = "") -> list[Training]:
    """The trainings of all folds of a run, or of one.

    Args:
        run: data/runs/<run>, or data/runs/<run>/fold<fold> for one of them.
        base: where the base is now, when not where it was trained.

    Raises:
        UserError: a fold is not finished, differs from the others in more than what it holds out, or was
            trained on a base that has changed.
    """
    folders = _list_folds(run)
    trainings = [Training(folder, read_training(folder, base)) for folder in folders]
    check_alike(trainings)
    return trainings


def check_alike(trainings: Sequence[Training]) -> None:
    """Raise a `UserError` when folds of one run differ in more than what they hold out."""
    first = trainings[0]
    for training in trainings:
        if differing := _find_differing(first, training):
            raise UserError(
                f"{training.folder}: trained with other settings than {first.folder} "
                f"({', '.join(differing)}), so they are not one model; train both alike, or answer with one: "
                f"RUN={first.folder.parent.name}/{first.folder.name}"
            )


def read_training(folder: Path, base: str = "") -> TrainConfig:
    """The settings of the run in `folder`; a trained encoder is its own base.

    Args:
        folder: data/runs/<run>/fold<fold>.
        base: where the base is now, when not where it was trained.

    Raises:
        UserError: the run is not finished, or its base has changed since.
    """
    read_manifest(folder)
    settings = load_config(TrainConfig, str(folder / "config.yaml"), [], folder)
    whole = folder / ENCODER
    path = str(whole) if whole.is_dir() else base or settings.base.path
    if changed := find_changed(folder, list_small_files(path)):
        raise UserError(f"{changed}: not the base that {folder} was trained on; train again")
    return replace(settings, base=replace(settings.base, path=path))


def choose_contexts(settings: TrainConfig, named: tuple[str, ...], asked: Path, own: bool) -> list[str]:
    """The folders of contexts to answer with, one or more; empty text for those that came with the questions.

    Args:
        settings: of the finished training.
        named: the folders that were asked for, `GIVEN` for those that came with the questions; may be none.
        asked: folder of the question set.
        own: it is the set that was trained on.

    Raises:
        UserError: trained with retrieved contexts, and none are named for other questions.
    """
    if not named and settings.contexts and not own:
        raise UserError(
            f"data/runs/{settings.run}: trained with retrieved contexts; retrieve some for {asked} too (make "
            f"retrieve) and give them with contexts=data/contexts/{asked.name} (make: CONTEXTS=)"
        )
    return ["" if name == GIVEN else name for name in named or [settings.contexts]]


def _list_folds(run: Path) -> list[Path]:
    """The folders of all folds that a run must have, or the one fold's that `run` is."""
    present = sorted(path.parent for path in run.glob(f"fold*/{MANIFEST}"))
    if not present:  # one fold's, or nothing: reading it says which
        return [run]
    settings = load_config(TrainConfig, str(present[0] / "config.yaml"), [], run)
    table = Path(settings.questions) / "folds.parquet"
    # Where the run was moved to without its questions, what is there is all there is.
    folds = sorted(read_table(FOLDS, table)["fold"].unique()) if table.is_file() else []
    folders = [run / f"fold{fold}" for fold in folds] or present
    if absent := [folder.name for folder in folders if folder not in present]:
        raise UserError(
            f"{run}: {', '.join(absent)} of {len(folders)} folds {'is' if len(absent) == 1 else 'are'} not "
            f"finished; train the rest with the command that made {present[0].name} (make cv trains all), or "
            f"answer with one: make predict RUN={run.name}/{present[0].name}"
        )
    return folders


def _find_differing(one: Training, other: Training) -> list[str]:
    """Settings that two folds of a run must have in common: all but the fold."""
    shown, others = ({**vars(training.settings), "fold": 0} for training in (one, other))
    if one.is_whole and other.is_whole:  # each is its own base
        shown["base"] = others["base"] = None
    return [name for name in shown if shown[name] != others[name]]
