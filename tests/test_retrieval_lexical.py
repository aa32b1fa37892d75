"""BM25 by hand, by another library, by shards; resume and damage."""

import json
import multiprocessing
import signal
import time
from itertools import count
from math import log

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from science_exam.errors import UserError
from science_exam.retrieval import lexical, postings
from science_exam.retrieval.hits import NO_ROW
from science_exam.retrieval.lexical import LexicalIndex, build_lexical_index
from science_exam.retrieval.postings import count_postings, hash_terms, map_postings
from science_exam.retrieval.terms import split_terms

PASSAGES = ["Light waves bend; light bends.", "Sound waves", "The atom of helium: proton, neutron, electron"]
WORDS = ["light", "wave", "atom", "proton", "the", "co2", "3.14", "quark", "spin", "field"]
TEXT = st.lists(st.sampled_from(WORDS), max_size=8).map(" ".join)


def build(texts, folder, shard_passages=1000):
    build_lexical_index([texts], folder, shard_passages)
    return LexicalIndex.open(folder)


def read_files(folder):
    return {path.name: path.read_bytes() for path in folder.iterdir()}


def test_scores_by_hand(tmp_path):
    # Terms: light wave bend light bend · sound wave · atom helium proton neutron electron
    hits = build(PASSAGES, tmp_path).search(["bending light waves"], k=3, k1=1.2, b=0.5)
    lengths, average = [5, 2, 5], 4
    norms = [1.2 * (0.5 + 0.5 * length / average) for length in lengths]
    once, twice = log(1 + (3 - 1 + 0.5) / 1.5), log(1 + (3 - 2 + 0.5) / 2.5)  # idf of df 1 and 2
    first = 2 * once * 2 / (2 + norms[0]) + twice / (1 + norms[0])  # light and bend twice, wave once
    second = twice / (1 + norms[1])
    assert hits.rows.tolist() == [[0, 1, NO_ROW]]
    np.testing.assert_allclose(hits.scores[0, :2], [first, second], rtol=1e-6)
    assert hits.scores[0, 2] == -np.inf


def test_a_repeated_word_of_the_query_counts_repeatedly(tmp_path):
    index = build(PASSAGES, tmp_path)
    once, twice = index.search(["sound", "sound sounds"], k=1).scores[:, 0]
    assert twice == pytest.approx(2 * once)


@settings(max_examples=40, deadline=None)
@given(
    st.lists(TEXT, min_size=1, max_size=30),
    st.lists(TEXT, min_size=1, max_size=4),
    st.sampled_from([0.5, 1.2, 2.0]),
    st.sampled_from([0.0, 0.4, 1.0]),
)
def test_scores_are_those_of_bm25s(tmp_path_factory, texts, queries, k1, b):
    bm25s = pytest.importorskip("bm25s")
    terms = [split_terms(text) for text in texts]
    if not any(terms):
        return  # bm25s cannot index nothing
    peer = bm25s.BM25(k1=k1, b=b, method="lucene")
    peer.index(terms, show_progress=False)
    hits = build(texts, tmp_path_factory.mktemp("index"), 7).search(queries, len(texts), k1, b)
    for number, query in enumerate(queries):
        known = peer.get_tokens_ids(split_terms(query))
        expected = peer.get_scores_from_ids(known) if known else np.zeros(len(texts))
        found = np.zeros(len(texts))
        rows = hits.rows[number][hits.rows[number] != NO_ROW]
        found[rows] = hits.scores[number, : len(rows)]
        np.testing.assert_allclose(found, expected, rtol=1e-5)
        assert (np.diff(hits.scores[number, : len(rows)]) <= 0).all()


@settings(max_examples=40, deadline=None)
@given(
    st.lists(TEXT, max_size=40),
    st.lists(TEXT, max_size=4),
    st.integers(1, 15),
    st.integers(1, 12),
    st.integers(1, 9),
)
def test_shards_give_what_one_index_gives(tmp_path_factory, texts, queries, shard_passages, part, k):
    one = build(texts, tmp_path_factory.mktemp("one"))
    folder = tmp_path_factory.mktemp("many")
    build_lexical_index((texts[i : i + part] for i in range(0, len(texts), part)), folder, shard_passages)
    many = LexicalIndex.open(folder)
    assert len(many) == len(one) == len(texts)
    assert len(many.shards) == -(-len(texts) // shard_passages)
    expected, found = one.search(queries, k), many.search(queries, k, n_threads=2)
    assert np.array_equal(found.rows, expected.rows)
    assert np.array_equal(found.scores, expected.scores)


def test_equal_scores_are_ordered_by_row(tmp_path):
    hits = build(["light"] * 10, tmp_path, 3).search(["light"], k=4)
    assert hits.rows.tolist() == [[0, 1, 2, 3]]
    assert len(set(hits.scores[0].tolist())) == 1


@pytest.mark.parametrize("k", [1, 3, 10, 40, 200])
def test_the_best_of_many_scores(k, monkeypatch):
    monkeypatch.setattr(lexical, "GROUPS", 16)
    rng = np.random.default_rng(k)
    for levels in (2, 5, 10_000):  # few levels: many equal scores
        scores = (rng.integers(0, levels, 150) / levels).astype(np.float32)
        expected = [row for row in np.lexsort((np.arange(150), -scores)) if scores[row] > 0][:k]
        assert lexical._choose_best(scores, k).tolist() == expected


def test_counts_and_chunks(monkeypatch):
    """A chunk of two passages at a time gives what one chunk gives."""
    texts = ["light light", "", "atom light", "the", "wave atom atom"]
    whole = count_postings(texts)
    monkeypatch.setattr(postings, "CHUNK", 2)
    chunked = count_postings(texts)
    for name in vars(whole):
        np.testing.assert_array_equal(getattr(chunked, name), getattr(whole, name))
    assert whole.lengths.tolist() == [2, 0, 2, 0, 3]
    (start, stop), absent = whole.locate(hash_terms(["light", "absent"]))
    assert whole.rows[start:stop].tolist() == [0, 2] and whole.counts[start:stop].tolist() == [2, 1]
    assert absent.tolist() == [0, 0]


def test_a_term_may_come_often(tmp_path):
    """More often than a byte can say, in one passage of the second chunk."""
    index = build(["light wave", "light " * 300], tmp_path, 2)
    assert index.shards[0].counts.dtype == np.uint16
    assert 300 in index.shards[0].counts
    assert index.search(["light"], k=2, b=0.0).rows.tolist() == [[1, 0]]


def test_passages_and_queries_without_terms(tmp_path):
    index = build(["", "the of", "light", "…"], tmp_path, 2)
    hits = index.search(["", "the", "unheard", "light"], k=2)
    assert hits.rows.tolist() == [[NO_ROW] * 2] * 3 + [[2, NO_ROW]]
    nothing = build(["", "the"], tmp_path / "none").search(["light"], k=2)
    assert nothing.rows.tolist() == [[NO_ROW] * 2]
    assert index.search([], k=2).rows.shape == (0, 2)


@pytest.mark.parametrize("stream", [[], [[]], [[], []]])
def test_an_empty_corpus(tmp_path, stream):
    build_lexical_index(stream, tmp_path, 10)
    index = LexicalIndex.open(tmp_path)
    assert len(index) == 0
    assert index.search(["light"], k=2).rows.tolist() == [[NO_ROW] * 2]


def test_progress_sees_every_shard(tmp_path):
    seen = []
    build(["light"] * 5, tmp_path, 2).search(
        ["light"], 1, progress=lambda shards: seen.extend(shards) or shards
    )
    assert len(seen) == 3


def numbered(n):
    """A stream of `n` passages in parts of five."""
    return [
        [f"light wave number{row} spin{row % 7}" for row in range(i, min(i + 5, n))] for i in range(0, n, 5)
    ]


def test_killed_after_any_shard_it_ends_the_same(tmp_path, monkeypatch):
    build_lexical_index(numbered(23), tmp_path / "whole", 6)
    expected = read_files(tmp_path / "whole")
    assert len(expected) == 5
    save = np.save
    for last in range(4):
        folder, saved = tmp_path / f"killed-{last}", count()

        def save_some(file, array, saved=saved, stop=6 * last + 3):
            """Six arrays a shard; killed in the middle of one."""
            if next(saved) == stop:
                raise KeyboardInterrupt
            save(file, array)

        monkeypatch.setattr(np, "save", save_some)
        with pytest.raises(KeyboardInterrupt):
            build_lexical_index(numbered(23), folder, 6)
        with pytest.raises(UserError, match="not finished"):
            LexicalIndex.open(folder)
        kept = {path: path.stat().st_mtime_ns for path in folder.glob("*.postings")}
        assert len(kept) == last and len(list(folder.glob("*.partial"))) == 1
        monkeypatch.setattr(np, "save", save)
        build_lexical_index(numbered(23), folder, 6)
        assert read_files(folder) == expected
        assert {path: path.stat().st_mtime_ns for path in kept} == kept  # not made again


def stream_blocks(pause_seconds=0.0):
    for number in range(40):
        time.sleep(pause_seconds)
        yield [f"light number{number} spin{row}" for row in range(100)]


def build_slowly(folder):
    build_lexical_index(stream_blocks(pause_seconds=0.05), folder, 300)


@pytest.mark.slow
def test_killed_by_the_system_it_ends_the_same(tmp_path):
    killed, whole = tmp_path / "killed", tmp_path / "whole"
    process = multiprocessing.get_context("spawn").Process(target=build_slowly, args=(killed,))
    process.start()
    while not (killed / "shard-00002.postings").exists():
        assert process.is_alive()
        time.sleep(0.01)
    process.kill()
    process.join()
    assert process.exitcode == -signal.SIGKILL
    assert not (killed / "index.json").exists()
    for folder in (killed, whole):
        build_lexical_index(stream_blocks(), folder, 300)
    assert read_files(killed) == read_files(whole)


def test_a_shard_of_other_passages_is_not_taken_over(tmp_path):
    build_lexical_index(numbered(20), tmp_path, 6)
    with pytest.raises(UserError, match="other passages"):
        build_lexical_index(numbered(20), tmp_path, 7)
    other = numbered(20)
    other[3][0] += " more"
    with pytest.raises(UserError, match="shard-00002"):
        build_lexical_index(other, tmp_path, 6)
    with pytest.raises(UserError, match="shard-00003"):
        build_lexical_index(numbered(18), tmp_path, 6)


def test_the_same_words_cut_elsewhere_are_other_passages():
    assert count_postings(["ab", "c"]).digest.tolist() != count_postings(["a", "bc"]).digest.tolist()


@pytest.mark.parametrize(
    ("damage", "message"),
    [
        (lambda path: path.write_bytes(b""), "damaged"),
        (lambda path: path.write_bytes(path.read_bytes()[:-1]), "damaged.*bytes where"),
        (lambda path: path.write_bytes(path.read_bytes()[:100]), "damaged"),
        (lambda path: path.write_bytes(path.read_bytes() + b"x"), "damaged"),
        (lambda path: path.write_bytes(b"x" * 1000), "damaged"),
        (lambda path: path.unlink(), "shard-00001.postings: not found"),
    ],
)
def test_a_damaged_shard_is_refused_and_mended(tmp_path, damage, message):
    build_lexical_index(numbered(20), tmp_path, 6)
    expected = read_files(tmp_path)
    damage(tmp_path / "shard-00001.postings")
    with pytest.raises(UserError, match=message) as error:
        LexicalIndex.open(tmp_path)
    assert str(tmp_path) in str(error.value) and "make index" in str(error.value)
    build_lexical_index(numbered(20), tmp_path, 6)
    assert read_files(tmp_path) == expected


def test_a_damaged_manifest_is_refused(tmp_path):
    build_lexical_index(numbered(20), tmp_path, 6)
    (tmp_path / "index.json").write_bytes(b"")
    with pytest.raises(UserError, match="damaged"):
        LexicalIndex.open(tmp_path)
    (tmp_path / "index.json").write_text(json.dumps({"shards": 3, "passages": 20}))
    with pytest.raises(UserError, match="18 passages"):
        LexicalIndex.open(tmp_path)


def test_no_index(tmp_path):
    with pytest.raises(UserError, match="there is no index; make it with: make index"):
        LexicalIndex.open(tmp_path / "absent")


def test_the_arrays_are_mapped(tmp_path):
    """What a shard's file holds is not read when the index is opened."""
    index = build(PASSAGES, tmp_path)
    base = index.shards[0].rows
    while isinstance(base, np.ndarray) and not isinstance(base, np.memmap):
        base = base.base
    assert isinstance(base, np.memmap)
    assert map_postings(tmp_path / "shard-00000.postings").rows.flags.writeable is False
