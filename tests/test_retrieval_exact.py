"""Exact search finds what brute force finds, however the vectors are cut."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from small_library import write_vectors

from science_exam.retrieval import exact
from science_exam.retrieval.hits import NO_ROW
from science_exam.retrieval.vectors import VectorShards

DIM = 6
PATHS = ["faiss", "torch"]


def search(path, shards, queries, k, chunk_rows=exact.CHUNK_ROWS):
    """Exact search by one of its two ways; the way of the GPU runs on the CPU here."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(exact, "CHUNK_ROWS", chunk_rows)
        patch.setattr(exact, "GPU_QUERIES", 3)
        if path == "torch":
            patch.setattr(exact, "_find_best_cpu", exact._find_best_gpu)
        return exact.search_exact(shards, queries, k, device="cpu")


def make_numbers(rows, seed, distinct=1000):
    """Small whole numbers, whose products are exact in any order of summing."""
    pool = np.random.default_rng(seed).integers(-9, 10, (distinct, DIM))
    return pool[np.random.default_rng(seed + 1).integers(0, distinct, rows)].astype(np.float32)


def rank_by_force(vectors, queries, k):
    """(rows, scores), each (queries, k); equal scores by row."""
    scores = queries @ vectors.T
    rows = np.broadcast_to(np.arange(len(vectors)), scores.shape)
    best = np.lexsort((rows, -scores), axis=1)[:, :k]
    return best, np.take_along_axis(scores, best, axis=1)


@pytest.mark.parametrize("path", PATHS)
@settings(max_examples=40, deadline=None)
@given(
    sizes=st.lists(st.integers(0, 30), min_size=1, max_size=4).filter(sum),
    chunk_rows=st.integers(1, 40),
    k=st.integers(1, 40),
    seed=st.integers(0, 9),
)
def test_it_finds_what_brute_force_finds(tmp_path_factory, path, sizes, chunk_rows, k, seed):
    vectors, queries = make_numbers(sum(sizes), seed), make_numbers(7, seed + 100)
    shards = write_vectors(tmp_path_factory.mktemp("shards"), vectors, *sizes)
    hits = search(path, shards, queries, k, chunk_rows)
    expected_rows, expected_scores = rank_by_force(vectors, queries, k)
    found = min(k, len(vectors))
    assert hits.rows.shape == hits.scores.shape == (7, k)
    np.testing.assert_array_equal(hits.scores[:, :found], expected_scores)
    # Of several vectors with the last score any may be the last; all before it are certain.
    certain = expected_scores > expected_scores[:, -1:]
    np.testing.assert_array_equal(hits.rows[:, :found][certain], expected_rows[certain])
    np.testing.assert_array_equal(
        np.take_along_axis(queries @ vectors.T, hits.rows[:, :found], axis=1), expected_scores
    )


@pytest.mark.parametrize("path", PATHS)
def test_fewer_vectors_than_hits_are_filled_up(tmp_path, path):
    vectors = np.eye(3, DIM)
    hits = search(path, write_vectors(tmp_path, vectors, 2, 1), np.float32([[1, 2, 3, 0, 0, 0]]), k=5)
    assert hits.rows.tolist() == [[2, 1, 0, NO_ROW, NO_ROW]]
    assert hits.scores.tolist() == [[3, 2, 1, -np.inf, -np.inf]]
    assert hits.rows.dtype == np.int64
    assert hits.scores.dtype == np.float32


@pytest.mark.parametrize("path", PATHS)
def test_equal_scores_are_ordered_by_row_over_shards_and_chunks(tmp_path, path):
    vectors = np.zeros((9, DIM))
    vectors[[1, 4, 7, 8], 0] = 2
    vectors[[0, 5], 0] = 3
    shards = write_vectors(tmp_path, vectors, 5, 4)
    hits = search(path, shards, np.float32([[1, 0, 0, 0, 0, 0]]), k=6, chunk_rows=3)
    assert hits.rows.tolist() == [[0, 5, 1, 4, 7, 8]]


@pytest.mark.parametrize("path", PATHS)
def test_empty_shards_take_no_rows(tmp_path, path):
    shards = write_vectors(tmp_path, np.eye(2, DIM), 0, 1, 0, 1, 0)
    hits = search(path, shards, np.float32([[0, 1, 0, 0, 0, 0]]), k=1)
    assert hits.rows.tolist() == [[1]]


def test_an_empty_index_has_no_hits(tmp_path):
    shards = write_vectors(tmp_path, np.empty((0, DIM)), 0)
    assert search("faiss", shards, np.ones((2, DIM), np.float32), k=2).rows.tolist() == [[NO_ROW] * 2] * 2


def test_both_ways_agree_on_unit_vectors(tmp_path):
    random = np.random.default_rng(0)
    vectors, queries = random.standard_normal((500, 32)), random.standard_normal((50, 32))
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    queries /= np.linalg.norm(queries, axis=1, keepdims=True)
    shards = write_vectors(tmp_path, vectors, 200, 300)
    by_faiss, by_torch = (search(path, shards, queries.astype(np.float32), 10, 128) for path in PATHS)
    np.testing.assert_allclose(by_torch.scores, by_faiss.scores, atol=1e-6)
    assert (by_torch.rows == by_faiss.rows).mean() > 0.99  # near ties may change places


def test_the_device_decides_which_way_is_taken(tmp_path, monkeypatch):
    taken = []

    def find(queries, chunk, k, device):
        taken.append(device)
        return np.zeros((len(queries), k), np.int64), np.zeros((len(queries), k), np.float32)

    monkeypatch.setattr(exact, "_find_best_gpu", find)
    shards = write_vectors(tmp_path, np.eye(3, DIM), 3)
    exact.search_exact(shards, np.ones((1, DIM), np.float32), 1, device="cuda:1")
    exact.search_exact(shards, np.ones((1, DIM), np.float32), 1)
    assert taken == ["cuda:1"]


def test_progress_sees_every_chunk(tmp_path, monkeypatch):
    monkeypatch.setattr(exact, "CHUNK_ROWS", 2)
    write_vectors(tmp_path, np.eye(5, DIM), 3, 2)
    seen = []

    def watch(chunks):
        for chunk in chunks:
            seen.append(chunk[0])
            yield chunk

    exact.search_exact(VectorShards(tmp_path), np.ones((1, DIM), np.float32), 1, progress=watch)
    assert seen == [0, 2, 3]
