"""submission.csv: what the competition takes."""

import csv

import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from science_exam.errors import UserError
from science_exam.kaggle.submission import read_submission, write_submission
from science_exam.tables import PROBABILITY_COLUMNS


def predictions(rows):
    """Rows of question id -> five probabilities."""
    columns = ["question_id", *PROBABILITY_COLUMNS]
    return pd.DataFrame([[name, *values] for name, values in rows.items()], columns=columns)


@pytest.fixture
def submit(tmp_path):
    def read(content):
        path = tmp_path / "submission.csv"
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
        return read_submission(path)

    return read


def refusal(submit, content):
    with pytest.raises(UserError) as caught:
        submit(content)
    assert "submission.csv: " in str(caught.value)
    assert "\n" not in str(caught.value)
    return str(caught.value)


def test_the_three_likeliest_options_are_written_in_the_order_of_the_rows(tmp_path):
    path = tmp_path / "out" / "submission.csv"
    write_submission(predictions({"9": [0.1, 0.4, 0.2, 0.05, 0.25], "0": [0.5, 0.1, 0.1, 0.2, 0.1]}), path)
    # Equal scores go to the lower option.
    assert path.read_bytes() == b"id,prediction\n9,B E C\n0,A D B\n"
    assert list(path.parent.iterdir()) == [path]


def test_a_submission_is_read_as_it_was_written(tmp_path):
    write_submission(predictions({"7": [0.1, 0.4, 0.2, 0.05, 0.25]}), tmp_path / "submission.csv")
    assert read_submission(tmp_path / "submission.csv") == {"7": [2, 5, 3]}


@settings(max_examples=50, deadline=None)
@given(
    names=st.lists(st.text(st.characters(exclude_categories=["C", "Z"]), min_size=1), min_size=1, unique=True)
)
def test_any_id_comes_back(tmp_path_factory, names):
    path = tmp_path_factory.mktemp("submission") / "submission.csv"
    write_submission(predictions({name: [0, 0, 0.2, 0, 0.8] for name in names}), path)
    assert read_submission(path) == {name: [5, 3, 1] for name in names}


@pytest.mark.parametrize(
    ("text", "ranking"), [("A", [1]), ("E D", [5, 4]), ("C A B", [3, 1, 2]), (" B C ", [2, 3])]
)
def test_one_to_three_letters_are_a_prediction(submit, text, ranking):
    assert submit(f"id,prediction\n0,{text}\n") == {"0": ranking}


@pytest.mark.parametrize("bom", [b"", b"\xef\xbb\xbf"])
@pytest.mark.parametrize("end", [b"\n", b"\r\n"])
def test_line_ends_and_byte_order_mark_do_not_matter(submit, bom, end):
    assert submit(bom + end.join([b"id,prediction", b"0,A B C", b"1,B", b""])) == {"0": [1, 2, 3], "1": [2]}


@pytest.mark.parametrize(
    "text", ["", "F", "A B C D", "A A", "A B A", "AB", "a b c", "A,B", "A  B", "1 2 3", "nan"]
)
def test_what_is_no_prediction_is_named_by_row_and_column(submit, text):
    message = refusal(submit, f'id,prediction\n0,A\n1,"{text}"\n')
    assert "row 2, column prediction: expected one to three different letters A-E" in message
    assert f"found {text!r}" in message


@pytest.mark.parametrize(
    "header", ["id,answer", "prediction,id", "id", "id,prediction,extra", "ID,Prediction"]
)
def test_another_header_says_which_is_expected(submit, header):
    assert "expected id,prediction" in refusal(submit, f"{header}\n0,A\n")


def test_an_empty_file_says_which_header_is_expected(submit):
    assert "expected id,prediction" in refusal(submit, "")


def test_an_id_that_stands_twice_is_named(submit):
    message = refusal(submit, "id,prediction\n0,A\n1,B\n0,C\n")
    assert "row 3, column id: '0'" in message


def test_a_row_with_too_many_fields_is_refused(submit):
    # "A,B,C" for "A B C": the first letter alone would score as if nothing were wrong.
    assert "row 1" in refusal(submit, "id,prediction\n0,A,B,C\n")


def test_a_row_with_too_few_fields_is_refused(submit):
    assert "row 2, column prediction" in refusal(submit, "id,prediction\n0,A\n1\n")


def test_a_file_that_is_not_utf8_is_an_error_for_the_user(submit):
    assert "UTF-8" in refusal(submit, "id,prediction\né,A\n".encode("latin-1"))


def test_a_field_without_end_is_an_error_for_the_user(submit):
    limit = csv.field_size_limit(100)
    try:
        assert "expected CSV" in refusal(submit, f"id,prediction\n{'0' * 101},A\n")
    finally:
        csv.field_size_limit(limit)


def test_a_submission_that_is_not_there_is_named(tmp_path):
    with pytest.raises(UserError, match=r"nothing\.csv: no such submission"):
        read_submission(tmp_path / "nothing.csv")
