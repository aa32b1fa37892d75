"""The files that a set is built from."""

from pathlib import Path

from science_exam.errors import UserError
from science_exam.questions.adaptors.reading import list_files
from science_exam.questions.competition import ARTICLES_FILE
from science_exam.questions.config import BuildConfig
from science_exam.runs import MANIFEST


def list_inputs(config: BuildConfig) -> list[Path]:
    """Every file that is read, for the run's hashes; sets and indexes stand behind their manifests.

    Raises:
        UserError: a source or an evaluation set is not there: before anything is read or replaced.
    """
    files = [file for source in config.sources if source.format != "hub" for file in list_files(source)]
    beside = [file.parent / ARTICLES_FILE for file in files]  # contexts of the questions in a file
    evaluation = [Path(path) for path in config.evaluation]
    if missing := [path for path in evaluation if not (path.is_file() or (path / MANIFEST).is_file())]:
        raise UserError(
            f"{missing[0]}: no such question file or finished set; correct evaluation: of the config"
        )
    indexes = [Path(config.augment.index) / kind for kind in ("lexical", "dense")]
    manifests = [path / MANIFEST for path in (*evaluation, *indexes)]
    return [*files, *beside, *evaluation, *manifests]
