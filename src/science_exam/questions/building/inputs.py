"""The files that a set is built from."""

from pathlib import Path

from science_exam.questions.competition import ARTICLES_FILE
from science_exam.questions.config import BuildConfig
from science_exam.runs import MANIFEST


def list_inputs(config: BuildConfig) -> list[Path]:
    """Every file that is read, for the run's hashes; tables and indexes stand behind their manifests."""
    paths = [*(source.path for source in config.sources if source.path), *config.evaluation]
    indexes = [Path(config.augment.index) / kind for kind in ("lexical", "dense")]
    manifests = [path / MANIFEST for path in (*map(Path, paths), *indexes)]
    files = [path for path in map(Path, paths) if not (path / MANIFEST).is_file()]
    beside = [path.parent / ARTICLES_FILE for path in files]  # contexts of the questions in a file
    return [*manifests, *beside, *(below for path in files for below in (path, *sorted(path.rglob("*"))))]
