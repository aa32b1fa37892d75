"""A cross-encoder orders the best hits anew."""

import numpy as np
import pytest
from small_library import list_hits, make_hits, save_reranker, write_passages

from science_exam.errors import UserError
from science_exam.retrieval.hits import NO_ROW
from science_exam.retrieval.rerank import load_reranker, rerank_hits

TEXTS = ["zero", "one", "two", "three", "four", "five"]
SCORES = {"zero": 0.0, "one": -1.0, "two": 2.0, "three": 3.5, "four": 2.0, "five": -7.0}


class Stub:
    """Scores by hand; keeps the pairs it was asked about."""

    def __init__(self, as_column=False):
        self.pairs, self.as_column = [], as_column

    def predict(self, pairs):
        self.pairs += pairs
        scores = np.array([SCORES[text] * (-1 if query == "worst" else 1) for query, text in pairs])
        return scores[:, None] if self.as_column else scores


@pytest.fixture(scope="module")
def store(tmp_path_factory):
    return write_passages(tmp_path_factory.mktemp("corpus"), TEXTS[:4], TEXTS[4:])


HITS = make_hits([(1, 9), (2, 8), (5, 7), (3, 6)], [(0, 5), (3, 4)])


def test_hits_stand_in_the_rerankers_order_with_its_scores(store):
    hits = rerank_hits(HITS, ["best", "worst"], store, Stub(), depth=4)
    assert hits.rows.tolist() == [[3, 2, 1, 5], [0, 3, NO_ROW, NO_ROW]]
    assert hits.scores.tolist() == [[3.5, 2, -1, -7], [0, -3.5, -np.inf, -np.inf]]


def test_only_the_first_hits_are_read_and_kept(store):
    stub = Stub()
    assert list_hits(rerank_hits(HITS, ["best", "best"], store, stub, depth=2)) == [[2, 1], [3, 0]]
    assert stub.pairs == [("best", "one"), ("best", "two"), ("best", "zero"), ("best", "three")]


def test_equal_scores_keep_their_order(store):
    hits = make_hits([(4, 9), (1, 8), (2, 7)])
    assert list_hits(rerank_hits(hits, ["best"], store, Stub(), depth=9)) == [[4, 2, 1]]


def test_many_equal_scores_keep_their_order_too(tmp_path):
    store = write_passages(tmp_path, ["four", "five"] * 60)
    hits = make_hits([(row, 0) for row in range(119, -1, -1)])
    expected = [*range(118, -1, -2), *range(119, -1, -2)]
    assert list_hits(rerank_hits(hits, ["best"], store, Stub(), depth=120)) == [expected]


def test_scores_in_a_column_are_taken_too(store):
    hits = rerank_hits(HITS, ["best", "worst"], store, Stub(as_column=True), depth=4)
    assert list_hits(hits) == [[3, 2, 1, 5], [0, 3]]


def test_without_any_hit_the_reranker_is_not_asked(store):
    stub = Stub()
    hits = rerank_hits(make_hits([], [], k=3), ["best", "best"], store, stub, depth=2)
    assert list_hits(hits) == [[], []]
    assert hits.rows.shape == (2, 2)
    assert stub.pairs == []


def test_a_passage_that_two_questions_share_is_read_with_both(store):
    stub = Stub()
    rerank_hits(make_hits([(3, 1)], [(3, 1)]), ["best", "worst"], store, stub, depth=1)
    assert stub.pairs == [("best", "three"), ("worst", "three")]


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return save_reranker(tmp_path_factory.mktemp("reranker"), words=TEXTS)


def test_a_real_cross_encoder_is_loaded_from_its_folder(folder, store):
    reranker = load_reranker(folder, "cpu")
    hits = rerank_hits(HITS, ["how many?", "which number?"], store, reranker, depth=4)
    for number, query in enumerate(["how many?", "which number?"]):
        rows = [row for row in HITS.rows[number] if row != NO_ROW]
        scores = {row: float(reranker.predict([(query, TEXTS[row])])[0]) for row in rows}
        assert len(set(scores.values())) == len(rows)
        assert list_hits(hits)[number] == sorted(rows, key=lambda row: -scores[row])
        assert hits.scores[number][: len(rows)] == pytest.approx(
            sorted(scores.values(), reverse=True), abs=1e-5
        )


@pytest.mark.parametrize("name", ["no-such/reranker", "no/such/folder"])
def test_an_unknown_reranker_is_refused(name):
    with pytest.raises(UserError) as caught:
        load_reranker(name)
    assert str(caught.value).startswith(f"reranker {name!r}: cannot be loaded")


def test_a_folder_without_a_model_is_no_reranker(tmp_path):
    with pytest.raises(UserError, match="cannot be loaded"):
        load_reranker(str(tmp_path))
