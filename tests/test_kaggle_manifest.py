"""The manifest of a bundle, and the tree that is made of bundles."""

import pytest

from science_exam.errors import UserError
from science_exam.kaggle.manifest import (
    MARKER,
    Manifest,
    Member,
    describe_file,
    find_faults,
    find_manifests,
    read_manifest,
    restore_tree,
    write_manifest,
)

# echo -n hello | sha256sum
HELLO = "2cf24dba5fb0a30e26e83b2ac5b9e29e1b161e5c1fa7425e73043362938b9824"


@pytest.fixture
def bundle(tmp_path):
    """A folder with two files, and its manifest."""
    folder = tmp_path / "input" / "bundle"
    folder.mkdir(parents=True)
    (folder / "a__b.txt").write_text("hello")
    (folder / "c.txt").write_text("there")
    files = (
        describe_file(folder / "a__b.txt", "runs/a/b.txt"),
        describe_file(folder / "c.txt", "runs/c.txt"),
    )
    manifest = Manifest("exam", "runs", files)
    write_manifest(manifest, folder)
    return folder, manifest


def test_a_member_says_name_place_size_and_hash(bundle):
    folder, _ = bundle
    assert describe_file(folder / "a__b.txt", "runs/a/b.txt") == Member("a__b.txt", "runs/a/b.txt", 5, HELLO)


def test_what_is_written_is_read(bundle):
    folder, manifest = bundle
    assert read_manifest(folder / MARKER) == manifest


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"kernel": 1, "bundle": 2, "files": [{"name": 3}]}'])
def test_anything_else_is_refused(tmp_path, text):
    (tmp_path / MARKER).write_text(text)
    with pytest.raises(UserError, match="expected the manifest of a bundle"):
        read_manifest(tmp_path / MARKER)


def test_bundles_are_found_at_any_depth_and_unreadable_ones_left_out(bundle, tmp_path):
    folder, manifest = bundle
    (tmp_path / "input" / "other").mkdir()
    (tmp_path / "input" / "other" / MARKER).write_text("{")
    assert find_manifests([tmp_path / "input", tmp_path / "absent"]) == {folder: manifest}


def test_faults_are_told_apart(bundle):
    folder, manifest = bundle
    assert find_faults(folder, manifest) == {}
    (folder / "a__b.txt").write_text("hullo")
    (folder / "c.txt").unlink()
    assert find_faults(folder, manifest) == {
        "a__b.txt": "has other contents than when it was bundled",
        "c.txt": "is missing",
    }
    (folder / "a__b.txt").write_text("hi")
    assert find_faults(folder, manifest)["a__b.txt"] == "has 2 bytes instead of 5"


def test_files_are_linked_to_their_places_but_for_the_damaged(bundle, tmp_path):
    folder, manifest = bundle
    for _ in range(2):  # a second time over the first
        restore_tree(folder, manifest, tmp_path / "tree", {"c.txt"})
    assert (tmp_path / "tree" / "runs" / "a" / "b.txt").read_text() == "hello"
    assert not (tmp_path / "tree" / "runs" / "c.txt").exists()


def test_no_place_leads_out_of_the_tree(bundle, tmp_path):
    folder, _ = bundle
    outside = Manifest("exam", "runs", (Member("c.txt", "runs/../../c.txt", 5, HELLO),))
    with pytest.raises(UserError, match="leads out of the tree"):
        restore_tree(folder, outside, tmp_path / "tree", set())
