"""TF-IDF by hand, by scikit-learn, by any cut of the stream."""

from math import log, sqrt

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from science_exam.retrieval import tfidf
from science_exam.retrieval.hits import NO_ROW
from science_exam.retrieval.terms import split_terms
from science_exam.retrieval.tfidf import search_tfidf

WORDS = ["light", "wave", "atom", "proton", "the", "co2", "3.14", "quark", "spin", "field"]
TEXT = st.lists(st.sampled_from(WORDS), max_size=8).map(" ".join)


def stream(*parts):
    """A stream that can be started again, as a corpus can."""
    return lambda: iter(parts)


def test_scores_by_hand():
    texts = ["Light waves bend; light bends.", "Sound waves", "the atom"]
    hits = search_tfidf(stream(texts), ["light waves"], k=3)
    light, wave = log(4 / 2) + 1, log(4 / 3) + 1  # df 1 and 2 of 3 passages
    query = np.array([light, wave]) / sqrt(light**2 + wave**2)
    first = np.array([2 * light, wave]) / sqrt(4 * light**2 + wave**2)  # bend is no word of the query
    assert hits.rows.tolist() == [[0, 1, NO_ROW]]
    np.testing.assert_allclose(hits.scores[0, :2], [query @ first, query[1]], rtol=1e-6)
    assert hits.scores[0, 2] == -np.inf


def test_pairs_by_hand():
    texts = ["light waves", "waves light", "light of waves", "light sound waves", "sound"]
    hits = search_tfidf(stream(texts[:2], texts[2:]), ["light waves"], k=5, bigrams=True)
    word, pair = log(6 / 5) + 1, log(6 / 3) + 1  # df 4 and 2: stop words do not part a pair
    with_pair = 1.0
    without = 2 * word**2 / sqrt(2 * word**2) / sqrt(2 * word**2 + pair**2)
    assert hits.rows.tolist() == [[0, 2, 1, 3, NO_ROW]]
    np.testing.assert_allclose(hits.scores[0, :4], [with_pair, with_pair, without, without], rtol=1e-6)


def search_with_sklearn(texts, queries, bigrams):
    """(queries, texts) cosines."""
    from sklearn.feature_extraction.text import CountVectorizer, TfidfVectorizer

    ngrams = {"ngram_range": (1, 2 if bigrams else 1), "analyzer": "word", "lowercase": False}
    own = {**ngrams, "tokenizer": split_terms, "token_pattern": None}
    vocabulary = CountVectorizer(**own).fit(queries).vocabulary_
    vectorizer = TfidfVectorizer(vocabulary=vocabulary, **own).fit(texts)
    return (vectorizer.transform(queries) @ vectorizer.transform(texts).T).toarray()


@settings(max_examples=40, deadline=None)
@given(
    st.lists(TEXT, min_size=1, max_size=30),
    st.lists(TEXT, min_size=1, max_size=5).filter(lambda queries: any(map(split_terms, queries))),
    st.booleans(),
    st.integers(1, 12),
)
def test_scores_are_those_of_scikit_learn(texts, queries, bigrams, part):
    parts = [texts[i : i + part] for i in range(0, len(texts), part)]
    expected = search_with_sklearn(texts, queries, bigrams)
    hits = search_tfidf(stream(*parts), queries, len(texts), bigrams)
    for number, rows in enumerate(hits.rows):
        found = np.zeros(len(texts))
        found[rows[rows != NO_ROW]] = hits.scores[number][rows != NO_ROW]
        np.testing.assert_allclose(found, expected[number], rtol=1e-5)


@settings(max_examples=40, deadline=None)
@given(
    st.lists(TEXT, max_size=40),
    st.lists(TEXT, max_size=4),
    st.booleans(),
    st.integers(1, 12),
    st.sampled_from([1, 8, 1 << 22]),
    st.integers(1, 9),
)
def test_any_cut_gives_the_same(texts, queries, bigrams, part, max_products, k):
    whole = search_tfidf(stream(texts), queries, k, bigrams)
    parts = [texts[i : i + part] for i in range(0, len(texts), part)]
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(tfidf, "MAX_PRODUCTS", max_products)
        cut = search_tfidf(stream(*parts), queries, k, bigrams)
    assert np.array_equal(cut.rows, whole.rows)
    assert np.array_equal(cut.scores, whole.scores)


def test_equal_scores_are_ordered_by_row():
    hits = search_tfidf(stream(["light"] * 3, ["light"] * 3), ["light"], k=4)
    assert hits.rows.tolist() == [[0, 1, 2, 3]]


@pytest.mark.parametrize("bigrams", [False, True])
def test_nothing_to_find(bigrams):
    def search(parts, queries):
        return search_tfidf(stream(*parts), queries, 2, bigrams).rows.tolist()

    nothing = [NO_ROW, NO_ROW]
    assert search([], ["light"]) == [nothing]
    assert search([[]], ["light"]) == [nothing]
    assert search([["light"]], []) == []
    assert search([["light"]], ["", "the"]) == [nothing] * 2
    assert search([["", "the"]], ["light waves"]) == [nothing]
    assert search([["sound", "light"]], ["", "light", "heat"]) == [nothing, [1, NO_ROW], nothing]


def test_the_stream_is_started_twice():
    started = []

    def open_stream():
        started.append(True)
        return iter([["light"]])

    search_tfidf(open_stream, ["light"], k=1)
    assert len(started) == 2
