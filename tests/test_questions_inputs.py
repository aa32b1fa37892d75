"""What a set is built from: every file that decides it."""

from pathlib import Path

from science_exam.questions.building.inputs import list_inputs
from science_exam.questions.config import AugmentConfig, BuildConfig, SourceConfig


def touch(path):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.touch()
    return path


def list_names(config, folder):
    """The inputs that are there, without what lies outside of the folder."""
    found = [path for path in list_inputs(config) if path.is_file()]
    return sorted(path.relative_to(folder).as_posix() for path in found)


def test_files_and_all_files_of_folders_are_inputs(tmp_path):
    for name in ("file.csv", "other.csv", "mmlu/test/physics.csv", "mmlu/dev.csv", "apart.csv"):
        touch(tmp_path / name)
    sources = tuple(SourceConfig(path=str(tmp_path / name)) for name in ("file.csv", "mmlu"))
    config = BuildConfig(sources=sources, evaluation=(str(tmp_path / "apart.csv"),))
    assert list_names(config, tmp_path) == ["apart.csv", "file.csv", "mmlu/dev.csv", "mmlu/test/physics.csv"]


def test_articles_beside_a_file_give_its_questions_contexts(tmp_path):
    path = touch(tmp_path / "sample" / "sample.jsonl")
    touch(tmp_path / "sample" / "articles.jsonl")
    config = BuildConfig(sources=(SourceConfig(path=str(path)),))
    assert list_names(config, tmp_path) == ["sample/articles.jsonl", "sample/sample.jsonl"]


def test_finished_runs_stand_behind_their_manifests(tmp_path):
    for name in ("made/questions/part-0.parquet", "made/manifest.json", "index/dense/manifest.json"):
        touch(tmp_path / name)
    augment = AugmentConfig(contexts="retrieved", index=str(tmp_path / "index"))
    config = BuildConfig(sources=(SourceConfig(path=str(tmp_path / "made")),), augment=augment)
    assert list_names(config, tmp_path) == ["index/dense/manifest.json", "made/manifest.json"]


def test_a_source_without_a_path_is_not_the_working_folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    touch(Path("anything.csv"))
    assert not any(path.is_file() for path in list_inputs(BuildConfig(sources=(SourceConfig(),))))
