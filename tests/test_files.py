"""Files that are whole or not there, and their fingerprints."""

import hashlib

import pytest

from science_exam.files import hash_file, whole_file, write_text


def test_a_file_appears_when_the_block_ends_and_not_before(tmp_path):
    path = tmp_path / "new" / "folder" / "file.txt"
    with whole_file(path) as partial:
        partial.write_text("done")
        assert not path.exists()
        assert partial.parent == path.parent  # one file system, so that the replacing is one step
    assert path.read_text() == "done"
    assert list(path.parent.iterdir()) == [path]


def test_a_block_that_fails_leaves_the_old_file_as_it_was(tmp_path):
    path = tmp_path / "file.txt"
    path.write_text("old")
    with pytest.raises(RuntimeError, match="halfway"), whole_file(path) as partial:
        partial.write_text("ne")
        raise RuntimeError("halfway")
    assert path.read_text() == "old"


def test_a_block_that_fails_makes_no_file(tmp_path):
    path = tmp_path / "file.txt"
    with pytest.raises(RuntimeError), whole_file(path) as partial:
        partial.write_text("ne")
        raise RuntimeError
    assert not path.exists()


def test_an_old_file_is_replaced_and_a_partial_one_does_not_matter(tmp_path):
    path = tmp_path / "file.txt"
    path.write_text("old")
    (tmp_path / "file.txt.partial").write_text("left by a killed process, and longer")
    write_text(path, "new")
    assert path.read_text() == "new"
    assert list(tmp_path.iterdir()) == [path]


def test_names_that_differ_only_in_their_ending_do_not_share_a_partial_file(tmp_path):
    with whole_file(tmp_path / "a.csv") as first, whole_file(tmp_path / "a.parquet") as second:
        assert first != second
        first.write_text("1")
        second.write_text("2")
    assert (tmp_path / "a.csv").read_text() == "1"


def test_text_is_written_as_utf8(tmp_path):
    write_text(tmp_path / "file.txt", "Ångström …")
    assert (tmp_path / "file.txt").read_bytes() == "Ångström …".encode()


def test_the_hash_is_sha256_of_the_bytes(tmp_path):
    path = tmp_path / "file"
    path.write_bytes(b"abc")
    # FIPS 180-2, appendix B.1
    assert hash_file(path) == "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"


def test_a_file_of_many_blocks_and_an_empty_one_hash_alike(tmp_path):
    for content in (b"", b"x" * 3_000_001):
        path = tmp_path / "file"
        path.write_bytes(content)
        assert hash_file(path) == hashlib.sha256(content).hexdigest()
