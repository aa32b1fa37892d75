"""The fallback, by itself as in the notebook's first cell: whatever test.csv holds, a whole submission."""

import ast
import csv
import sys
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from science_exam.kaggle.session import bootstrap, fallback, report
from science_exam.kaggle.session.fallback import (
    find_files,
    find_test,
    rank_by_length,
    read_test,
    write_rankings,
)
from science_exam.kaggle.submission import check_submission

HEADER = "id,prompt,A,B,C,D,E\n"
COMPETITION = "kaggle-llm-science-exam"


def write(path, text):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return path


def answer(path: Path, to: Path) -> list[list[str]]:
    """The lines of the submission that the first cell writes."""
    rows = read_test(path)
    write_rankings([(row.id, rank_by_length(row.options)) for row in rows], to)
    check_submission(to, [row.id for row in rows])
    with to.open(encoding="utf-8", newline="") as file:
        return list(csv.reader(file))


@pytest.mark.parametrize("module", [fallback, report, bootstrap])
def test_what_the_notebook_holds_as_text_imports_the_standard_library_alone(module):
    tree = ast.parse(Path(module.__file__).read_text(encoding="utf-8"))
    names = {alias.name for node in ast.walk(tree) if isinstance(node, ast.Import) for alias in node.names}
    names |= {node.module for node in ast.walk(tree) if isinstance(node, ast.ImportFrom)}
    assert {name.split(".")[0] for name in names} <= set(sys.stdlib_module_names)


def test_the_longest_options_come_first_and_equal_ones_in_their_order(tmp_path):
    path = write(tmp_path / "test.csv", HEADER + "7,Why?,aa,bbbb,,cc,ddd\n")
    assert answer(path, tmp_path / "s.csv") == [["id", "prediction"], ["7", "B E A"]]


def test_ids_are_kept_to_the_letter(tmp_path):
    ids = ["007", " 8", "1e5", 'say "x", y', "é", "NaN", "-0"]
    path = tmp_path / "test.csv"
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["id", "prompt", *"ABCDE"])
        writer.writerows([name, "q", *"abcde"] for name in ids)
    assert [row[0] for row in answer(path, tmp_path / "s.csv")[1:]] == ids


@pytest.mark.parametrize(
    ("text", "ids"),
    [
        (b"\xef\xbb\xbf" + HEADER.encode().replace(b"\n", b"\r\n") + b"1,q,a,b,c,d,e\r\n", ["1"]),
        (HEADER + "1,q,a,b,c,d,e\n1,q,a,b,c,d,e\n2,q,a,b,c,d,e\n", ["1", "2"]),
        ("prompt,A,B,C,D,E\nq,a,b,c,d,e\nq,a,b,c,d,e\n", ["0", "1"]),
        (HEADER + ",q,a,b,c,d,e\n5,q,a\n\n6,,,,,,,,too,many\n", ["0", "5", "6"]),
        (HEADER + '1,"two\nlines",a,b,c,d,e\n2,q,a,b,c,d,e\n', ["1", "2"]),
        (HEADER.encode() + b"1,\xff\x00,a,b,c,d,e\n", ["1"]),
        (HEADER, []),
    ],
    ids=["crlf and bom", "twice", "no ids", "gaps", "line breaks", "no text", "empty"],
)
def test_every_row_gets_an_answer_however_it_is_written(tmp_path, text, ids):
    path = write(tmp_path / "test.csv", text)
    assert [row[0] for row in answer(path, tmp_path / "s.csv")[1:]] == ids


def test_options_that_are_nan_are_empty(tmp_path):
    [row] = read_test(write(tmp_path / "test.csv", HEADER + "1,q,NaN,nan,None,NA,e\n"))
    assert row.options == ("", "", "None", "NA", "e")


@given(st.binary(max_size=300))
def test_no_bytes_stop_the_reading(tmp_path_factory, content):
    folder = tmp_path_factory.mktemp("wild")
    answer(write(folder / "test.csv", HEADER.encode() + content), folder / "s.csv")


@pytest.mark.parametrize("place", [COMPETITION, f"competitions/{COMPETITION}", f"a/b/{COMPETITION}/c"])
def test_the_competitions_file_is_found_wherever_it_is_mounted(tmp_path, place):
    write(tmp_path / "old/test.csv", HEADER)
    write(tmp_path / "other/test.csv", "id,text\n1,x\n")
    wanted = write(tmp_path / place / "test.csv", HEADER)
    assert find_test([tmp_path / "absent", tmp_path], COMPETITION) == wanted


def test_without_a_test_file_the_message_says_what_to_attach(tmp_path):
    with pytest.raises(FileNotFoundError, match="add the competition"):
        find_test([tmp_path], COMPETITION)


def test_files_behind_links_are_found_and_circles_end(tmp_path):
    write(tmp_path / "elsewhere/test.csv", HEADER)
    (tmp_path / "input").mkdir()
    (tmp_path / "input/data").symlink_to(tmp_path / "elsewhere")
    (tmp_path / "elsewhere/back").symlink_to(tmp_path / "input")
    assert find_files([tmp_path / "input"], "test.csv") == [tmp_path / "input/data/test.csv"]


def test_roots_come_from_the_environment(monkeypatch):
    monkeypatch.setenv("EXAM_INPUT", "/a:/b")
    assert fallback.list_inputs() == [Path("/a"), Path("/b")]
    monkeypatch.delenv("EXAM_INPUT")
    assert Path("/kaggle/input") in fallback.list_inputs()
