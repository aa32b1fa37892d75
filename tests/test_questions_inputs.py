"""What a set is built from: every file that decides it."""

import pytest

from science_exam.errors import UserError
from science_exam.questions.building.inputs import list_inputs
from science_exam.questions.config import AugmentConfig, BuildConfig, ColumnsConfig, SourceConfig


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


def test_indexes_and_finished_sets_stand_behind_their_manifests(tmp_path):
    for name in ("file.csv", "set/manifest.json", "set/questions.parquet", "index/dense/manifest.json"):
        touch(tmp_path / name)
    augment = AugmentConfig(contexts="retrieved", index=str(tmp_path / "index"))
    source = SourceConfig(path=str(tmp_path / "file.csv"))
    config = BuildConfig(sources=(source,), evaluation=(str(tmp_path / "set"),), augment=augment)
    assert list_names(config, tmp_path) == ["file.csv", "index/dense/manifest.json", "set/manifest.json"]


def test_a_source_of_the_hub_is_no_file(tmp_path):
    source = SourceConfig(path="owner/name", format="hub", columns=ColumnsConfig(right="a"))
    assert list_names(BuildConfig(sources=(source,)), tmp_path) == []


@pytest.mark.parametrize("missing", ["sources", "evaluation"])
def test_what_is_not_there_is_told_before_anything_is_read(tmp_path, missing):
    there, gone = str(touch(tmp_path / "file.csv")), str(tmp_path / "gone.csv")
    source = SourceConfig(path=gone if missing == "sources" else there)
    with pytest.raises(UserError, match="gone"):
        list_inputs(BuildConfig(sources=(source,), evaluation=(gone,)))


def test_a_source_needs_a_path():
    with pytest.raises(ValueError, match="expected a path"):
        BuildConfig(sources=(SourceConfig(),))
