"""Vectors on disk: whole shards, seen as one long matrix; everything else is refused by name."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from small_library import write_vectors

from science_exam.errors import UserError
from science_exam.retrieval.vectors import SHARD_NAME, VectorShards, is_whole_shard, write_shard


@pytest.fixture
def path(tmp_path):
    return tmp_path / SHARD_NAME.format(0)


def make_vectors(rows, dim=4, seed=0):
    return np.random.default_rng(seed).standard_normal((rows, dim), dtype=np.float32)


def test_vectors_come_back_in_half_precision(path):
    vectors = make_vectors(5)
    write_shard(vectors, path)
    loaded = VectorShards(path.parent).load(0)
    assert loaded.dtype == np.float16
    np.testing.assert_array_equal(loaded, vectors.astype(np.float16))


def test_a_shard_is_written_whole_and_leaves_nothing_beside_it(path):
    write_shard(make_vectors(5), path)
    write_shard(make_vectors(5, seed=1), path)
    assert [file.name for file in path.parent.iterdir()] == ["part-00000000.npy"]
    np.testing.assert_array_equal(np.load(path), make_vectors(5, seed=1).astype(np.float16))


def test_a_write_that_fails_leaves_the_old_shard(path, monkeypatch):
    write_shard(make_vectors(5), path)
    before = path.read_bytes()

    def fill_the_disk(file, *_, **__):
        file.write(b"half a sha")
        raise OSError("no space left on device")

    monkeypatch.setattr(np, "save", fill_the_disk)
    with pytest.raises(OSError, match="no space"):
        write_shard(make_vectors(7), path)
    assert path.read_bytes() == before
    assert len(VectorShards(path.parent)) == 5  # what is left of the other is no shard


def test_shards_are_one_long_matrix(tmp_path):
    vectors = make_vectors(9)
    shards = write_vectors(tmp_path, vectors, 4, 0, 5)
    assert len(shards) == 9
    assert shards.dim == 4
    assert shards.sizes == [4, 0, 5]
    assert shards.starts == [0, 4, 4, 9]
    np.testing.assert_array_equal(shards.load(2), vectors[4:].astype(np.float16))


def test_an_empty_part_has_an_empty_shard(path):
    write_shard(make_vectors(0), path)
    assert is_whole_shard(path, 0)
    assert len(VectorShards(path.parent)) == 0
    assert list(VectorShards(path.parent).stream_chunks(3)) == []


@settings(max_examples=40, deadline=None)
@given(sizes=st.lists(st.integers(0, 9), min_size=1, max_size=5), max_rows=st.integers(1, 12))
def test_chunks_cover_every_row_once_and_in_order(tmp_path_factory, sizes, max_rows):
    vectors = make_vectors(sum(sizes))
    shards = write_vectors(tmp_path_factory.mktemp("shards"), vectors, *sizes)
    seen = 0
    for start, chunk in shards.stream_chunks(max_rows):
        assert start == seen
        assert 1 <= len(chunk) <= max_rows
        np.testing.assert_array_equal(chunk, vectors[start : start + len(chunk)].astype(np.float16))
        seen += len(chunk)
    assert seen == len(vectors)


# ------------------------------------------------------------------------------------- damaged


def damage_nothing_written(path):
    path.write_bytes(b"")


def damage_end_lost(path):
    path.write_bytes(path.read_bytes()[:-1])


def damage_all_but_header_lost(path):
    path.write_bytes(path.read_bytes()[:128])


def damage_header_lost(path):
    path.write_bytes(path.read_bytes()[:40])


def damage_not_numpy(path):
    path.write_bytes(b"<html>not found</html>" * 10)


def damage_single_precision(path):
    np.save(path, make_vectors(5))


def damage_flat(path):
    np.save(path, make_vectors(5).ravel().astype(np.float16))


def damage_pickled(path):
    np.save(path, np.array([{"of": "objects"}] * 5), allow_pickle=True)


DAMAGES = [function for name, function in sorted(globals().items()) if name.startswith("damage_")]
ANY_DAMAGE = pytest.mark.parametrize("damage", DAMAGES, ids=lambda damage: damage.__name__[7:])


@ANY_DAMAGE
def test_a_damaged_shard_is_refused_by_name(path, damage):
    write_shard(make_vectors(5), path)
    damage(path)
    with pytest.raises(UserError) as caught:
        VectorShards(path.parent)
    assert str(caught.value).startswith(f"{path}: expected ")


@ANY_DAMAGE
def test_a_damaged_shard_is_not_whole(path, damage):
    write_shard(make_vectors(5), path)
    assert is_whole_shard(path, 5)
    damage(path)
    assert not is_whole_shard(path, 5)


def test_a_shard_that_is_not_there_or_of_another_part_is_not_whole(path):
    assert not is_whole_shard(path, 0)
    write_shard(make_vectors(5), path)
    assert not is_whole_shard(path, 4)
    assert not is_whole_shard(path, 6)


def test_a_pickle_is_never_run(path, tmp_path):
    class Trap:
        def __reduce__(self):
            return (tmp_path.joinpath("sprung").touch, ())

    np.save(path, np.array([Trap()], dtype=object), allow_pickle=True)
    with pytest.raises(UserError):
        VectorShards(path.parent)
    assert not is_whole_shard(path, 1)
    assert not (tmp_path / "sprung").exists()


def test_shards_of_two_widths_are_refused(tmp_path):
    write_shard(make_vectors(3, dim=4), tmp_path / SHARD_NAME.format(0))
    write_shard(make_vectors(3, dim=6), tmp_path / SHARD_NAME.format(1))
    with pytest.raises(UserError, match=r"part-00000001\.npy: expected vectors of 4 numbers, found 6"):
        VectorShards(tmp_path)


def test_a_folder_without_vectors_says_how_to_make_them(tmp_path):
    with pytest.raises(UserError, match="no vectors there; make them with: make index"):
        VectorShards(tmp_path / "dense")
