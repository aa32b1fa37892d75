"""What is drawn in which phase, and that evaluation sentences reach nothing that is trained on."""

import json
import os
import random
import subprocess
import sys
from dataclasses import replace

import pytest
from conftest import ROOT

from science_exam.pretraining.config import ModelConfig, PhaseConfig, PretrainConfig
from science_exam.pretraining.mixing import find_phase
from science_exam.pretraining.preparing import prepare_training

ARTICLES = ROOT / "data" / "sample" / "articles.jsonl"
SMALL = ModelConfig(vocab_size=700, hidden_size=32, intermediate_size=64, layers=2)
PHASES = (PhaseConfig(0.25, 1, 0, 0, 0), PhaseConfig(0.25, 0, 1, 0, 0), PhaseConfig(0.5, 0, 0, 1, 1))


@pytest.fixture(scope="module")
def corpus(tmp_path_factory):
    """The sample's corpus."""
    folder = tmp_path_factory.mktemp("corpus")
    words = [str(ROOT / "scripts" / "corpus.py"), f"sources=[{ARTICLES}]", "name=sample", "workers=1"]
    (folder / "configs").mkdir()
    environment = {**os.environ, "PYTHONPATH": str(ROOT / "src")}
    subprocess.run([sys.executable, *words], cwd=folder, env=environment, check=True, capture_output=True)
    return folder / "data" / "corpus" / "sample"


@pytest.fixture(scope="module")
def config(corpus):
    return PretrainConfig(
        corpora=(str(corpus),), questions="named below", model=SMALL, phases=PHASES, steps=100,
        held_out_fraction=0.3, max_tokens=2048, tokens_per_pack=2048,
    )  # fmt: skip


def prepare(config, question_set):
    return prepare_training(config, (question_set.questions, question_set.contexts))


@pytest.mark.parametrize("step, number", [(0, 0), (24, 0), (25, 1), (49, 1), (50, 2), (99, 2)])
def test_phases_follow_each_other_by_their_shares(step, number):
    assert find_phase(PHASES, step, 100) is PHASES[number]


def test_shares_need_not_add_up_to_one():
    phases = (PhaseConfig(3), PhaseConfig(1))
    assert [find_phase(phases, step, 8) is phases[1] for step in range(8)] == [False] * 6 + [True] * 2


def test_each_phase_draws_its_own_kinds(config, question_set):
    made = prepare(config, question_set)

    def draw(step, seed, left=2048):
        return made.make_example(random.Random(seed), step, left)

    assert not any(draw(0, seed).answers for seed in range(20))
    assert all(draw(30, seed).answers and not draw(30, seed).asked for seed in range(20))
    asked = [draw(60, seed) for seed in range(60)]
    assert all(example.answers for example in asked)
    assert 10 < sum(example.asked for example in asked) < 50  # the others have contexts that state an answer
    assert any(len(example.answers) > 1 for example in asked)


def test_where_no_question_fits_there_is_text(config, question_set):
    example = prepare(config, question_set).make_example(random.Random(0), 60, 40)
    assert len(example.ids) == 40 and not example.answers


def test_held_out_questions_are_scored_and_never_drawn(config, question_set):
    made = prepare(config, question_set)
    held_out = sum(int((pack.right >= 0).sum()) for pack in made.held_out)
    assert made.counts["held-out questions"] == held_out > 0
    assert all(pack.asked[pack.right >= 0].all() for pack in made.held_out)


def test_evaluation_sentences_stand_in_nothing_that_is_trained_on(config, question_set, tmp_path):
    records = map(json.loads, ARTICLES.read_text(encoding="utf-8").splitlines())
    [known, *_] = (section["text"] for record in records for section in record["sections"])
    told = "The nucleus of Helium holds 2 protons! Chemists write He for it."
    path = tmp_path / "evaluation.csv"
    path.write_text("prompt,context\n" + "".join(f'?,"{text}"\n' for text in (known, told)), encoding="utf-8")
    before = prepare(config, question_set)
    after = prepare(replace(config, evaluation=(str(path),)), question_set)
    assert after.counts["evaluation sentences removed"] > 0
    assert after.counts["text tokens"] < before.counts["text tokens"]

    def read_all(made):
        texts = [made.tokenizer.decode(pack.ids) for pack in made.held_out]
        texts += [
            made.tokenizer.decode(made.make_example(random.Random(n), 60, 1024).ids) for n in range(300)
        ]
        return " ".join(texts)

    assert "The nucleus of Helium" in read_all(before) and "The nucleus of Helium" not in read_all(after)
