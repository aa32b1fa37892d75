"""Rows of files of every kind, one at a time, with their places."""

import bz2
import gzip
import itertools
import json

import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from science_exam.errors import UserError
from science_exam.questions.rows import arrays
from science_exam.questions.rows.readers import (
    list_columns,
    read_csv,
    read_json_lines,
    read_rows,
    tell_kind,
)
from science_exam.questions.rows.values import RowError, find_option, to_text

pytestmark = pytest.mark.usefixtures("no_collection")

VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(), lambda inner: st.lists(inner), max_leaves=4
)
OBJECTS = st.dictionaries(st.text(), VALUES, max_size=3)


@pytest.fixture
def write(tmp_path):
    def write_file(content, name="file"):
        path = tmp_path / name
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
        return path

    return write_file


def values_of(rows):
    return [values for _, values in rows]


@pytest.mark.parametrize("compress", [bytes, gzip.compress, bz2.compress])
@pytest.mark.parametrize(
    ("content", "kind"),
    [
        ("a,b\n1,2\n", "CSV"),
        ("[what] melts?,a,b,c,d,A\n", "CSV"),
        ("{x},a,b\n", "CSV"),
        ('{"a": 1}\n', "JSON lines"),
        ('\ufeff\n{ "a": 1}\n', "JSON lines"),
        ('[{"a": 1}]', "JSON array"),
        ("\n [\n ]", "JSON array"),
    ],
)
def test_the_kind_is_told_by_the_content_whatever_compression(write, compress, content, kind):
    assert tell_kind(write(compress(content.encode()))) == kind


@pytest.mark.parametrize("kind", ["csv", "jsonl", "json", "parquet"])
def test_every_kind_gives_the_same_columns_and_rows(tmp_path, kind):
    frame = pd.DataFrame({"a": ["x", "y"], "b": ["ü", "z,"]})
    path = tmp_path / "file"
    {
        "csv": lambda: frame.to_csv(path, index=False),
        "jsonl": lambda: frame.to_json(path, orient="records", lines=True),
        "json": lambda: frame.to_json(path, orient="records"),
        "parquet": lambda: frame.to_parquet(path),
    }[kind]()
    assert list_columns(path) == ["a", "b"]
    assert values_of(read_rows(path)) == frame.to_dict("records")


def test_the_columns_of_json_are_the_keys_of_all_first_rows(write):
    path = write('{"a": 1}\nbroken\n{"b": 2, "a": 3}\n')
    assert list_columns(path) == ["a", "b"]


def test_rows_come_before_the_rest_of_the_file_is_read(write):
    row = "a question," * 8
    content = "c0,c1,c2,c3,c4,c5,c6,c7,end\n" + f"{row}x\n" * 5000
    whole = gzip.compress(content.encode())
    rows = read_csv(write(whole[: len(whole) // 2]))  # cut off, which is seen when it is come to
    where, values = next(rows)
    assert (where, values["end"]) == ("row 1 (line 2)", "x")
    with pytest.raises(UserError, match="read to its end"):
        list(rows)


def test_rows_that_cannot_be_read_come_as_their_fault_and_others_follow(write):
    first, *faults, last = values_of(read_csv(write("a,b\n1,2\n1\n1,2,3\n3,4\n")))
    assert (first, last) == ({"a": "1", "b": "2"}, {"a": "3", "b": "4"})
    assert [type(fault) for fault in faults] == [RowError, RowError]
    deep = "[" * 100_000
    digits = f'{{"a": {"9" * 5000}}}'
    rows = list(read_json_lines(write(f'{{"a": 1}}\n{{"a"\n[1]\n{deep}\n{digits}\n\n{{"a": 2}}\n')))
    assert [where for where, _ in rows] == ["row 1", "row 2", "row 3", "row 4", "row 5", "row 7"]
    assert [isinstance(values, RowError) for _, values in rows] == [False, True, True, True, True, False]


def test_the_line_that_is_not_utf8_is_found_far_into_a_compressed_file(write):
    content = b"a,b\n" + b"1,2\n" * 100_000 + b"\xe9,2\n" + b"1,2\n"
    for compress in (bytes, gzip.compress, bz2.compress):
        with pytest.raises(UserError, match="line 100002: expected UTF-8"):
            list(read_csv(write(compress(content))))


@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
def test_line_ends_are_kept_over_the_edges_of_buffers(write, end):
    text = f"{end}x" * 3  # pieces are read of 8,192 bytes; some edge falls between \r and \n
    rows = [f'{"y" * n},"{text}"' for n in range(1, 300)]
    found = values_of(read_csv(write(end.join(["a,b", *rows, ""]))))
    assert [values["b"] for values in found] == [text] * 299
    assert [len(values["a"]) for values in found] == list(range(1, 300))


# --------------------------------------------------------------------------------- JSON arrays


@given(objects=st.lists(OBJECTS, max_size=6), indent=st.sampled_from([None, 1]), chunk=st.integers(1, 40))
def test_an_array_is_read_alike_in_pieces_of_any_size(tmp_path_factory, objects, indent, chunk):
    path = tmp_path_factory.mktemp("array") / "file.json"
    path.write_text(json.dumps(objects, indent=indent), encoding="utf-8")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(arrays, "CHUNK_CHARS", chunk)
        assert list(arrays.read_array(path)) == objects


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ('[{"a": 1}, {"a": ', "row 2: expected an object: not valid JSON"),
        ('[{"a": 1}', "row 1: expected ']', found 'the end of the file'"),
        ('[{"a": 1},]', "row 2: expected an object: not valid JSON"),
        ('[{"a": 1}] {}', "row 1: expected the end of the file behind the array"),
        ('[{"a": 1} {"a": 2}]', "row 1: expected ']', found '{'"),
        (f'[{{"a": {"9" * 5000}}}]', "row 1: expected an object: not valid JSON"),
        (f"[{'[' * 100_000}", "row 1: expected an object: not valid JSON"),
    ],
)
def test_a_broken_array_is_named_with_its_row(write, content, message):
    path = write(content)
    with pytest.raises(UserError) as caught:
        list(arrays.read_array(path))
    assert str(caught.value).startswith(f"{path}: {message}")


def test_the_first_values_of_an_array_need_not_wait_for_its_end(write):
    path = write('[{"a": 1}, {"a": 2}, {"a": 3}, broken')
    assert list(itertools.islice(arrays.read_array(path), 3)) == [{"a": 1}, {"a": 2}, {"a": 3}]


# -------------------------------------------------------------------------------------- values


@pytest.mark.parametrize(
    ("value", "text"),
    [(None, ""), (float("nan"), ""), ("NaN", ""), (" x ", "x"), (0, "0"), (2.5, "2.5"), ("None", "None")],
)
def test_a_value_as_text(value, text):
    assert to_text(value, "a") == text


@pytest.mark.parametrize("value", [["x"], {"x": 1}, b"x", "\ud83d"])
def test_what_is_no_text_names_its_column(value):
    with pytest.raises(RowError, match="column a: expected text"):
        to_text(value, "a")


@pytest.mark.parametrize(
    ("name", "first", "position"),
    [("A", 1, 0), ("d", 1, 3), ("E", 1, None), ("1", 1, 0), ("0", 0, 0), ("0", 1, None), ("ß", 1, None)],
)
def test_an_option_is_found_by_its_letter_or_its_number(name, first, position):
    assert find_option(name, 4, first) == position
