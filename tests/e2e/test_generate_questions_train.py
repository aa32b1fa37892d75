"""From passages to questions to a built set, script by script in a folder of its own, up to training."""

import hashlib
import json
import os
import shutil
import subprocess
from pathlib import Path

import pandas as pd
import pytest
from conftest import ROOT
from fake_server import Behaviour, FakeServer, complete, count

from science_exam.columns import Table
from science_exam.questions.generation import producing
from science_exam.questions.sources import read_questions
from science_exam.questions.store import read_question_set
from science_exam.tables import CONTEXTS, LETTERS, OPTION_COLUMNS, QUESTIONS, read_table, write_table

pytestmark = pytest.mark.slow

SAMPLE, APART = Path("data/sample/sample.jsonl"), Path("data/kept_apart.csv")
GENERATED, BUILT = Path("data/generated/sample"), Path("data/questions/small")
SMALL = f"""
sources:
  - path: {SAMPLE}
  - path: {GENERATED}
    name: generated
evaluation: [{APART}]
duplicates:
  paraphrases: false
augment:
  permutations: 2
"""


@pytest.fixture
def corpus(work, run_script) -> Path:
    """The folder with the sample and its corpus, and with a config that builds a set of it."""
    shutil.copytree(ROOT / "data" / "sample", work / "data" / "sample")
    (work / "configs" / "questions" / "small.yaml").write_text(SMALL)
    assert run_script("corpus", "workers=1") == 0
    return work


@pytest.fixture
def kept_apart(corpus) -> pd.DataFrame:
    """Every hundredth question of the sample, in a file of the competition's form."""
    questions = read_questions(SAMPLE)[0].iloc[::100]
    letters = dict(zip(OPTION_COLUMNS, LETTERS, strict=True))
    rows = questions[["question_id", "prompt", *OPTION_COLUMNS]].rename(
        columns={"question_id": "id", **letters}
    )
    rows.assign(answer=[LETTERS[answer - 1] for answer in questions["answer"]]).to_csv(APART, index=False)
    return questions


@pytest.fixture
def dry_make():
    """The commands that `make` would run."""

    def dry_make(*words: str, folder: Path = ROOT) -> str:
        command = [
            "make",
            "-f",
            str(ROOT / "Makefile"),
            "-n",
            "--no-print-directory",
            "PYTHON=python",
            *words,
        ]
        # Not as a part of the make that runs the tests.
        own = {name: value for name, value in os.environ.items() if name not in ("MAKEFLAGS", "MAKELEVEL")}
        done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=True, env=own)
        return " ".join(done.stdout.split())

    return dry_make


def stamp_files(folder: Path) -> dict[str, int]:
    return {str(path): path.stat().st_mtime_ns for path in sorted(folder.rglob("*")) if path.is_file()}


def read_results(folder: Path) -> dict:
    return json.loads((folder / "manifest.json").read_text())["results"]


def test_questions_of_a_corpus_and_of_a_file_become_one_set(corpus, kept_apart, run_script, capsys, dry_make):
    assert run_script("generate", "workers=1") == 0
    n_generated = read_results(GENERATED)["questions"]
    assert n_generated > 5
    assert f"{GENERATED}: {n_generated} questions" in capsys.readouterr().out
    before = stamp_files(corpus / "data")
    assert run_script("generate", "workers=1") == 0
    assert stamp_files(corpus / "data") == before
    assert capsys.readouterr().out == ""

    assert run_script("build", "small") == 0
    made, report = read_question_set(BUILT), (BUILT / "report.md").read_text()
    assert capsys.readouterr().out == report + "\n"
    n_sample = 378 - len(kept_apart)
    rows = made.questions["source"].value_counts().to_dict()
    assert rows["sample"] == 2 * n_sample
    assert 0 < rows["generated"] <= 2 * n_generated
    assert read_results(BUILT) == {"rows": len(made.questions)}
    assert f"{len(made.questions) // 2:,} questions in {len(made.questions):,} rows." in report
    assert f"| sample | 378 | 0 | {len(kept_apart)} | 0 | {n_sample} | {2 * n_sample} |" in report
    assert f"kept apart from: {APART.name}" in report
    assert str(corpus) not in report

    # Nothing that is kept apart, all places alike, a context for each, and a question's rows in one fold.
    assert not set(made.questions["prompt"]) & set(kept_apart["prompt"])
    assert made.questions["answer"].value_counts(normalize=True).between(0.19, 0.21).all()
    assert set(made.contexts["question_id"]) == set(made.questions["question_id"])
    folds = made.questions.merge(made.folds, on="question_id").groupby("group")["fold"]
    assert (folds.nunique() == 1).all()
    assert folds.size().min() >= 2

    # Again: nothing to do but to show the report.
    before = stamp_files(corpus / "data")
    assert run_script("build", "small") == 0
    assert capsys.readouterr().out == report + "\n"
    assert stamp_files(corpus / "data") == before

    # Other settings: the difference, and nothing changed.
    assert run_script("build", "small", "seed=1") == 2
    error = capsys.readouterr().err
    assert error.startswith(f"error: {BUILT}: holds a run with other settings or inputs (seed 0 -> 1)")
    assert error.count("\n") == 1
    assert stamp_files(corpus / "data") == before
    # So it is with other contexts of the sample's questions.
    articles = SAMPLE.with_name("articles.jsonl")
    articles.write_text(articles.read_text() + "\n")
    assert run_script("build", "small") == 2
    assert "sample/articles.jsonl has changed" in capsys.readouterr().err
    assert run_script("build", "small", "seed=1", "overwrite=true") == 0
    assert read_question_set(BUILT).questions["answer"].tolist() != made.questions["answer"].tolist()

    # The set is there, so that training takes it as it is.
    assert dry_make("train", "FOLD=0", f"QUESTIONS={BUILT}", folder=corpus) == (
        f': python scripts/train.py demo run="demo-small" fold=0 questions="{BUILT}"'
    )


def test_make_builds_a_set_from_a_config_and_from_a_file_without_one(dry_make):
    assert dry_make("questions", "CONFIG=demo") == 'python scripts/build.py demo name="demo"'
    assert dry_make("questions", "CONFIG=demo", "NAME=other", "ARGS=seed=1") == (
        'python scripts/build.py demo name="other" seed=1'
    )
    assert dry_make("questions", "QUESTIONS=more/train.csv") == (
        'python scripts/questions.py path="more/train.csv" name="train" folds=5'
    )
    # A config of training builds nothing.
    assert "scripts/build.py" not in dry_make("train", "CONFIG=demo")


def test_make_generates_from_the_samples_corpus_after_making_it(dry_make):
    assert dry_make("generate", "CORPUS=sample") == (
        'python scripts/corpus.py name="sample" python scripts/generate.py corpus="data/corpus/sample"'
    )
    assert dry_make("generate", "CORPUS=wiki", "CONFIG=local").endswith(
        'python scripts/generate.py local corpus="data/corpus/wiki"'
    )


def test_a_source_that_loses_too_many_rows_stops_the_build_unfinished(work, run_script, capsys):
    row = {"prompt": "Which metal is liquid at room temperature?", **dict(zip(LETTERS, "vwxyz", strict=True))}
    rows = [
        {**row, "prompt": f"{row['prompt']} Number {n}", "answer": "?" if n < 6 else "A"} for n in range(10)
    ]
    pd.DataFrame(rows).to_csv("faulty.csv", index=False)
    config = work / "configs" / "questions" / "faulty.yaml"
    config.write_text("sources: [{path: faulty.csv}]\nduplicates: {paraphrases: false}\n")
    assert run_script("build", "faulty") == 2
    message = capsys.readouterr().err.splitlines()[-1]
    assert message.startswith(
        "error: source 'faulty': 6 of 10 rows cannot be used, expected at most quality.max"
    )
    assert "(first: faulty.csv: row 1)" in message
    folder = Path("data/questions/faulty")
    assert not (folder / "manifest.json").exists()
    assert not (folder / "questions.parquet").exists()


def test_a_build_without_sources_names_the_command(work, run_script, capsys):
    assert run_script("build") == 2
    assert "name a config: make questions CONFIG=" in capsys.readouterr().err


# ------------------------------------------------------------------------------------- endpoint


PLACES = ("lowest", "second", "middle", "fourth", "topmost")


def write_question(body: dict, _: int) -> Behaviour:
    """A question of its own for every passage; 1,100 tokens each."""
    name = hashlib.sha256(body["messages"][-1]["content"].encode()).hexdigest()[:8]
    options = {column: f"the {place} layer" for column, place in zip(OPTION_COLUMNS, PLACES, strict=True)}
    reply = {
        "question": f"Which layer of the specimen {name} is the oldest?",
        **options,
        "answer": "option_2",
    }
    return Behaviour(content=complete(json.dumps(reply), usage=count(1000, 100)))


def interrupt_at_questions(frame: pd.DataFrame, table: Table, path: Path) -> None:
    if table is QUESTIONS:
        raise KeyboardInterrupt
    write_table(frame, table, path)


def test_a_server_is_asked_until_the_budget_is_spent_and_goes_on_with_a_larger_one(
    corpus, run_script, capsys, monkeypatch
):
    monkeypatch.delenv("OPENAI_API_KEY", raising=False)
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    folder = Path("data/generated/asked")
    with FakeServer(write_question) as server:
        words = ["engine=endpoint", f"endpoint.url={server.url}", "endpoint.model=tiny", "name=asked"]
        words += ["max_passages=30", "endpoint.concurrency=4"]
        assert run_script("generate", *words, "endpoint.budget_tokens=12000") == 0
        n_first = read_results(folder)["questions"]
        assert 2 < n_first < 11  # 1,100 tokens each, and room for a whole request left
        assert read_results(folder)["not_asked"] == 30 - n_first == 30 - len(server.bodies)
        assert "the budget is spent" in capsys.readouterr().out

        # The same budget again: nothing more is sent, and what was paid for stays.
        assert run_script("generate", *words, "endpoint.budget_tokens=12000") == 0
        assert len(server.bodies) == read_results(folder)["questions"] == n_first

        # Killed while the rest is written: what is there of the first start must not pass for the whole.
        with monkeypatch.context() as patch:
            patch.setattr(producing, "write_table", interrupt_at_questions)
            assert run_script("generate", *words, "endpoint.budget_tokens=100000") == 130
        assert not (folder / "manifest.json").exists()
        assert run_script("generate", *words, "endpoint.budget_tokens=100000") == 0
        assert read_results(folder) == {"questions": 30, "not_asked": 0, "given_up": {}}
        assert set(server.n_asked.values()) == {1}
        assert len(server.bodies) == 30

        # Finished: no setting of the bill makes it another run.
        before = stamp_files(corpus / "data")
        assert run_script("generate", *words, "endpoint.budget_tokens=0", "endpoint.concurrency=8") == 0
        assert stamp_files(corpus / "data") == before
        assert len(server.bodies) == 30

    questions = read_table(QUESTIONS, folder / "questions" / "part-00000.parquet")
    contexts = read_table(CONTEXTS, folder / "contexts" / "part-00000.parquet")
    assert len(questions) == 30
    assert questions["passage_id"].is_unique
    assert contexts["question_id"].tolist() == questions["question_id"].tolist()
    right = questions.apply(lambda row: row[f"option_{row['answer']}"], axis=1)
    assert set(right) == {"the second layer"}
    assert set(questions["answer"]) == {1, 2, 3, 4, 5}
