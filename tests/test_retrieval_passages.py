"""Passages over several parts as one long list."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from small_library import write_passages

from science_exam.errors import UserError
from science_exam.retrieval.passages import PassageStore

PARTS = [["zero", "one"], [], ["two"], ["three", "four", "five"], []]
TEXTS = [text for part in PARTS for text in part]


@pytest.fixture(scope="module")
def store(tmp_path_factory):
    return write_passages(tmp_path_factory.mktemp("corpus"), *PARTS)


def test_rows_are_counted_over_all_parts(store):
    assert len(store) == 6
    assert store.sizes == [2, 0, 1, 3, 0]
    assert store.starts == [0, 2, 2, 3, 6, 6]


def test_the_order_of_the_parts_is_that_of_their_names(tmp_path):
    store = write_passages(tmp_path, *[[str(number)] for number in range(12)])
    assert list(store.stream_texts()) == [[str(number)] for number in range(12)]


def test_texts_are_streamed_part_by_part(store):
    assert list(store.stream_texts()) == PARTS
    assert [store.read_texts(number) for number in range(5)] == PARTS


def test_a_part_is_a_passages_table(store):
    part = store.read_part(3)
    assert part["passage_id"].tolist() == ["p3", "p4", "p5"]
    assert part["text"].tolist() == ["three", "four", "five"]
    assert store.read_part(1).empty


def test_rows_are_found_by_the_passages_names(store):
    assert store.find_rows(["p4", "p0", "p2"]) == {"p0": 0, "p2": 2, "p4": 4}
    assert store.find_rows(["p5", "unknown", "p5"]) == {"p5": 5}
    assert store.find_rows([]) == {}


@settings(deadline=None)
@given(rows=st.lists(st.integers(0, 5), max_size=12))
def test_any_rows_are_fetched_in_any_order_and_more_than_once(store, rows):
    found = store.fetch(rows)
    assert found.index.tolist() == sorted(set(rows))
    assert found.loc[rows, "text"].tolist() == [TEXTS[row] for row in rows]
    assert found.loc[rows, "passage_id"].tolist() == [f"p{row}" for row in rows]


def test_rows_may_be_a_flat_array(store):
    assert store.fetch(np.array([5, 0], dtype=np.int32)).loc[[5, 0], "text"].tolist() == ["five", "zero"]


def test_fetching_nothing_gives_an_empty_table(store):
    found = store.fetch(np.empty(0, dtype=np.int64))
    assert found.empty
    assert found.loc[np.empty(0, dtype=np.int64), "text"].tolist() == []


def test_every_part_is_read_once_at_most(store, monkeypatch):
    read, read_part = [], PassageStore.read_part

    def count(self, number):
        read.append(int(number))
        return read_part(self, number)

    monkeypatch.setattr(PassageStore, "read_part", count)
    store.fetch([5, 0, 3, 1, 5])
    assert read == [0, 3]


def test_a_corpus_that_is_not_there_says_how_to_make_it(tmp_path):
    with pytest.raises(UserError, match="no table there; make them with: make corpus"):
        PassageStore(tmp_path / "passages")


def test_a_corpus_that_is_not_finished_is_refused(tmp_path):
    write_passages(tmp_path, *PARTS)
    (tmp_path / "passages" / "manifest.json").unlink()
    with pytest.raises(UserError, match="passages: not finished; make them with: make corpus"):
        PassageStore(tmp_path / "passages")


def test_other_tables_of_the_folder_are_no_passages(tmp_path, store):
    write_passages(tmp_path, ["only"])
    (tmp_path / "passages" / "repeated.parquet").write_bytes(store.parts[0].read_bytes())
    assert list(PassageStore(tmp_path / "passages").stream_texts()) == [["only"]]
