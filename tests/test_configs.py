"""Every YAML file below configs/ loads, departs from the defaults and begins with its command."""

import importlib
import re
from pathlib import Path

import pytest
import yaml

from science_exam.config import load_config

ROOT = Path(__file__).parents[1]
CONFIGS = sorted((ROOT / "configs").rglob("*.y*ml"))

# folder below configs/ -> where its dataclass is; imported when a config of the stage is met
STAGES = {
    "corpus": ("science_exam.corpus.config", "CorpusConfig"),
    "index": ("science_exam.retrieval.config", "IndexConfig"),
    "retrieve": ("science_exam.retrieval.config", "RetrieveConfig"),
    "search": ("science_exam.retrieval.config", "SearchConfig"),
    "generate": ("science_exam.questions.generation.config", "GenerateConfig"),
    "questions": ("science_exam.questions.config", "BuildConfig"),
    "train": ("science_exam.training.config", "TrainConfig"),
    "predict": ("science_exam.answering.config", "PredictConfig"),
    "evaluate": ("science_exam.evaluation.config", "EvaluateConfig"),
    "pretrain": ("science_exam.pretraining.config", "PretrainConfig"),
}
EACH_CONFIG = pytest.mark.parametrize("path", CONFIGS, ids=lambda path: f"{path.parent.name}/{path.stem}")


def find_settings(path):
    stage = path.parent.name
    if stage not in STAGES:
        pytest.fail(
            f"{path}: tests/test_configs.py does not know the stage {stage!r}: add its dataclass to STAGES"
        )
    module, name = STAGES[stage]
    return getattr(importlib.import_module(module), name)


def first_line(path):
    return path.read_text(encoding="utf-8").splitlines()[0]


def test_there_are_configs_and_each_lies_in_the_folder_of_its_stage():
    assert CONFIGS
    assert [path for path in CONFIGS if path.parent.parent != ROOT / "configs"] == []
    assert [path for path in CONFIGS if path.suffix != ".yaml"] == []


@EACH_CONFIG
def test_it_loads_into_the_settings_of_its_stage(path):
    kind = find_settings(path)
    assert isinstance(load_config(kind, path.stem, [], path.parent), kind)


@EACH_CONFIG
def test_it_holds_only_departures_from_the_defaults(path):
    kind = find_settings(path)
    # {"base": {"path": …}} -> "base.path=…", as a word on the command line would say it
    pending = list((yaml.safe_load(path.read_text(encoding="utf-8")) or {}).items())
    keys = []
    while pending:
        key, value = pending.pop()
        if isinstance(value, dict):
            pending += [(f"{key}.{inner}", v) for inner, v in value.items()]
        else:
            keys.append(key)

    def get(settings, key):
        for part in key.split("."):
            settings = getattr(settings, part)
        return settings

    loaded, default = load_config(kind, path.stem, [], path.parent), kind()
    assert [key for key in keys if get(loaded, key) == get(default, key)] == []


@EACH_CONFIG
def test_its_first_line_is_the_command_that_uses_it(path):
    match = re.match(r"# (make|python) (\S+)(.*)", first_line(path))
    assert match, f"{path}: expected '# make …' or '# python scripts/…', found {first_line(path)!r}"
    program, what, words = match.groups()
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    if program == "python":
        assert (ROOT / what).is_file()
        assert path.stem in words
        return
    assert re.search(rf"^{what}:", makefile, re.MULTILINE), f"{path}: the Makefile has no target {what!r}"
    if what == "train":
        default = re.search(r"^CONFIG\s*:=\s*(\S+)", makefile, re.MULTILINE).group(1)
        named = re.search(r"CONFIG=(\S+)", words)
        assert (named.group(1) if named else default) == path.stem


@EACH_CONFIG
def test_it_says_what_to_expect_of_it(path):
    comments = [line for line in path.read_text(encoding="utf-8").splitlines() if line.startswith("#")]
    assert len(comments) >= 2
