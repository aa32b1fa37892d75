"""A question set gets its contexts, with each retriever, reranker and way to choose the weight."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from small_library import (
    ARTICLES,
    ASKED,
    build_library,
    make_questions,
    save_encoder,
    save_reranker,
)

from science_exam.errors import UserError
from science_exam.retrieval import retrieve
from science_exam.retrieval.config import RetrieveConfig
from science_exam.retrieval.passages import PassageStore
from science_exam.retrieval.retrieve import retrieve_contexts
from science_exam.retrieval.search import DENSE, LEXICAL, fuse_rankings, open_library, search_questions
from science_exam.retrieval.tuning import WEIGHTS, measure_hits
from science_exam.tables import CONTEXTS, check_table

TITLES = list(ARTICLES)
OPTIONS = ["always", "never", "sometimes", "mostly", "rarely"]


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    """A working folder with a corpus, its two indexes and a reranker."""
    folder = tmp_path_factory.mktemp("library")
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        build_library(save_encoder(folder / "encoder"))
    save_reranker(folder / "reranker")
    return folder


@pytest.fixture(autouse=True)
def here(made, monkeypatch):
    monkeypatch.chdir(made)


@pytest.fixture
def passage_ids(here):
    """Title -> name of its article's only passage."""
    store = PassageStore(Path("data/corpus/tiny/passages"))
    tables = [store.read_part(number) for number in range(len(store.parts))]
    return {
        title: name
        for table in tables
        for title, name in zip(table["title"], table["passage_id"], strict=True)
    }


@pytest.fixture
def questions(here):
    return make_questions(*ASKED, options=OPTIONS)


@pytest.fixture
def labelled(passage_ids):
    return make_questions(*ASKED, options=OPTIONS, passages=[passage_ids[title] for title in TITLES])


def configure(**settings):
    return RetrieveConfig(**{"index": "data/index/tiny", "k": 3, **settings})


def list_best(contexts):
    """The titles of the questions' best passages."""
    best = contexts[contexts["rank"] == 1]
    return [text.partition("\n")[0] for text in best["text"]]


# ------------------------------------------------------------------------------------ retrievers


@pytest.mark.parametrize(
    ("settings", "name"),
    [
        ({"retriever": "fused", "lexical_weight": 0.9}, "lexical+dense"),
        ({"retriever": "lexical"}, "lexical"),
        ({"retriever": "tfidf", "corpus": "data/corpus/tiny"}, "tfidf"),
        ({"retriever": "fused", "lexical_weight": 0.9, "fusion": "reciprocal_rank"}, "lexical+dense"),
    ],
    ids=["fused", "lexical", "tfidf", "reciprocal ranks"],
)
def test_every_question_gets_its_articles_passage_first(questions, settings, name):
    contexts, results = retrieve_contexts(questions, configure(**settings))
    check_table(contexts, CONTEXTS, "test")
    assert list_best(contexts) == TITLES
    assert set(contexts["retriever"]) == {name}
    assert results["retriever"] == name
    assert results["contexts"] == len(contexts)
    assert contexts.groupby("question_id").size().max() <= 3


def test_dense_search_alone_needs_no_lexical_index(questions):
    contexts, results = retrieve_contexts(questions, configure(retriever="dense", queries=("question",)))
    assert results["retriever"] == "dense"
    index = open_library(Path("data/index/tiny"), (DENSE,)).indexes[DENSE]
    hits = index.search(list(ASKED), 3)
    store = PassageStore(Path("data/corpus/tiny/passages"))
    for number, own in enumerate(hits.rows):
        names = store.fetch(own).loc[own, "passage_id"].tolist()
        assert contexts.loc[contexts["question_id"] == f"q{number}", "passage_id"].tolist() == names


def test_tfidf_asks_for_the_corpus(questions):
    with pytest.raises(UserError, match="add corpus=data/corpus/<name>"):
        retrieve_contexts(questions, configure(retriever="tfidf"))


def test_tfidf_needs_no_index(questions, tmp_path):
    settings = {"retriever": "tfidf", "corpus": "data/corpus/tiny", "index": str(tmp_path)}
    assert list_best(retrieve_contexts(questions, configure(**settings))[0]) == TITLES


def test_without_an_index_it_says_how_to_make_one(questions, tmp_path):
    with pytest.raises(UserError, match="make it with: make index"):
        retrieve_contexts(questions, configure(index=str(tmp_path)))


def test_k_and_the_token_budget_are_kept(questions):
    one, _ = retrieve_contexts(questions, configure(k=1))
    assert one.groupby("question_id").size().tolist() == [1] * 8
    short, _ = retrieve_contexts(questions, configure(k=8, max_tokens=40))
    sizes = short.groupby("question_id").size()
    assert sizes.between(1, 3).all()  # passages of about 17 words and signs


def test_scores_fall_with_the_rank(questions):
    contexts, _ = retrieve_contexts(questions, configure())
    for _, own in contexts.groupby("question_id"):
        assert own["rank"].tolist() == list(range(1, len(own) + 1))
        assert own["score"].is_monotonic_decreasing


def test_a_question_that_finds_nothing_gets_no_contexts():
    questions = make_questions("Xylophone?", ASKED[0], options=["", "", "", "", ""])
    contexts, results = retrieve_contexts(questions, configure(retriever="lexical"))
    assert set(contexts["question_id"]) == {"q1"}
    assert results["contexts"] == len(contexts)


# ------------------------------------------------------------------------------- known passages


def test_questions_whose_passage_is_known_measure_the_retrieval(labelled):
    config = configure(lexical_weight=0.3, depth=5)
    _, results = retrieve_contexts(labelled, config)
    library = open_library(Path("data/index/tiny"), (LEXICAL, DENSE))
    rankings = search_questions(library.indexes, labelled, config.queries, 5)
    expected = measure_hits(fuse_rankings(rankings, 0.3, 10), np.arange(8)).mean()
    assert results["ndcg_at_10"] == pytest.approx(expected)
    assert 0 < expected < 1
    assert results["lexical_weight"] == 0.3


def test_what_is_measured_does_not_depend_on_how_many_contexts_are_kept(labelled):
    measured = [
        retrieve_contexts(labelled, configure(retriever="dense", k=k))[1]["ndcg_at_10"] for k in (1, 8)
    ]
    assert measured[0] == measured[1]


def test_a_perfect_retrieval_measures_one(labelled):
    assert retrieve_contexts(labelled, configure(retriever="lexical"))[1]["ndcg_at_10"] == pytest.approx(1)


def test_questions_without_a_known_passage_do_not_count(labelled):
    some = labelled.copy()
    some.loc[some.index[1:], "passage_id"] = None
    some.loc[some.index[1], "passage_id"] = "of another corpus"
    assert retrieve_contexts(some, configure(retriever="lexical"))[1]["ndcg_at_10"] == pytest.approx(1)


def test_without_any_known_passage_nothing_is_measured(questions, labelled):
    assert "ndcg_at_10" not in retrieve_contexts(questions, configure())[1]
    strangers = labelled.assign(passage_id="of another corpus")
    assert "ndcg_at_10" not in retrieve_contexts(strangers, configure())[1]


# ---------------------------------------------------------------------------------------- tuning


def test_the_weight_is_chosen_by_the_questions_whose_passage_is_known(labelled):
    contexts, results = retrieve_contexts(labelled, configure(tune=True))
    measured = {
        weight: retrieve_contexts(labelled, configure(lexical_weight=float(weight)))[1]["ndcg_at_10"]
        for weight in WEIGHTS[::5]
    }
    assert results["ndcg_at_10"] >= max(measured.values())
    assert results["lexical_weight"] > 0.5  # the tiny encoder is a random one
    assert results["ndcg_at_10_cross_validated"] <= results["ndcg_at_10"]
    same, _ = retrieve_contexts(labelled, configure(lexical_weight=results["lexical_weight"]))
    assert same.equals(contexts)


def test_questions_without_a_known_passage_have_no_say_in_the_weight(labelled):
    some = labelled.copy()
    some.loc[some.index[[2, 5]], "passage_id"] = None
    known = retrieve_contexts(some.drop(index=some.index[[2, 5]]), configure(tune=True))[1]
    found = retrieve_contexts(some, configure(tune=True))[1]
    assert (known.pop("contexts"), found.pop("contexts")) == (18, 24)
    assert found == known


@pytest.mark.parametrize("n_known", [0, 1, 4])
def test_too_few_known_passages_to_choose_the_weight_by_are_refused(labelled, n_known):
    few = labelled.copy()
    few.loc[few.index[n_known:], "passage_id"] = None
    with pytest.raises(UserError, match=f"there are {n_known}; set lexical_weight instead"):
        retrieve_contexts(few, configure(tune=True))


# ------------------------------------------------------------------------------------- reranking


def test_a_reranker_orders_the_best_passages_anew(questions, monkeypatch):
    class Longest:
        def predict(self, pairs):
            assert {query for query, _ in pairs} == set(ASKED)  # the question without its options
            return np.array([float(len(text)) for _, text in pairs])

    monkeypatch.setattr(retrieve, "load_reranker", lambda name: Longest())
    settings = configure(reranker="models/longest", rerank_depth=4, k=4)
    contexts, results = retrieve_contexts(questions, settings)
    assert results["retriever"] == "lexical+dense+longest"
    assert set(contexts["retriever"]) == {"lexical+dense+longest"}
    plain, _ = retrieve_contexts(questions, replace(settings, reranker=""))
    for name, own in contexts.groupby("question_id"):
        lengths = own["text"].str.len().tolist()
        assert lengths == sorted(lengths, reverse=True)
        assert own["score"].tolist() == lengths
        assert set(own["text"]) == set(plain.loc[plain["question_id"] == name, "text"])


def test_the_reranker_reads_more_passages_than_are_kept(questions, monkeypatch):
    class Last:
        def predict(self, pairs):
            assert len(pairs) == 8 * 8
            return np.tile(np.arange(8.0), 8)

    monkeypatch.setattr(retrieve, "load_reranker", lambda name: Last())
    settings = configure(retriever="dense", reranker="last", rerank_depth=8, k=1)
    contexts, _ = retrieve_contexts(questions, settings)
    everything, _ = retrieve_contexts(questions, configure(retriever="dense", k=8))
    worst = everything[everything["rank"] == 8]
    assert contexts["passage_id"].tolist() == worst["passage_id"].tolist()


def test_a_cross_encoder_is_loaded_by_its_folder(questions):
    contexts, results = retrieve_contexts(questions, configure(reranker="reranker", rerank_depth=2, k=5))
    assert results["retriever"] == "lexical+dense+reranker"
    assert contexts.groupby("question_id").size().tolist() == [2] * 8


def test_tfidf_can_be_reranked_too(questions):
    settings = configure(retriever="tfidf", corpus="data/corpus/tiny", reranker="reranker", k=2)
    assert retrieve_contexts(questions, settings)[1]["retriever"] == "tfidf+reranker"
