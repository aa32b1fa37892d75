"""Question files: every form that is documented, and every way to be wrong."""

import csv
import io
import json
import math
import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from science_exam.errors import UserError
from science_exam.questions.sources import read_questions
from science_exam.tables import CONTEXTS, OPTION_COLUMNS, QUESTIONS

HEADER = "id,prompt,A,B,C,D,E,answer"
ROW = "7,Why?,a,b,c,d,e,C"
OBJECT = {"prompt": "Why?", "A": "a", "B": "b", "C": "c", "D": "d", "E": "e", "answer": "C"}


@pytest.fixture
def write(tmp_path):
    def write_file(content, name="quiz.csv"):
        path = tmp_path / name
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
        return path

    return write_file


@pytest.fixture
def read_csv(write):
    return lambda *lines: read_questions(write("\r\n".join(lines) + "\r\n"))


@pytest.fixture
def read_json(write):
    def read(*objects):
        return read_questions(write("".join(json.dumps(o) + "\n" for o in objects), "quiz.jsonl"))

    return read


@pytest.fixture
def write_articles(write):
    return lambda *articles: write("".join(json.dumps(a) + "\n" for a in articles), "articles.jsonl")


def options_of(questions, row=0):
    return questions.loc[row, list(OPTION_COLUMNS)].tolist()


def refusal(path):
    with pytest.raises(UserError) as caught:
        read_questions(path)
    message = str(caught.value)
    assert message.startswith(str(path))
    assert "\n" not in message
    return message


# ---------------------------------------------------------------------------------------- CSV


def test_a_row_of_the_competition_becomes_a_row_of_the_table(read_csv):
    questions, contexts = read_csv(HEADER, ROW)
    assert list(questions.columns) == list(QUESTIONS.columns)
    assert questions.to_dict("records") == [
        {
            "question_id": "7",
            "prompt": "Why?",
            **dict(zip(OPTION_COLUMNS, "abcde", strict=True)),
            "answer": 3,
            "source": "quiz",
            "group": "7",
            "passage_id": None,
        }
    ]
    assert list(contexts.columns) == list(CONTEXTS.columns)
    assert len(contexts) == 0


@pytest.mark.parametrize("bom", [b"", b"\xef\xbb\xbf"])
@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
@pytest.mark.parametrize("last", [True, False])
def test_line_ends_and_byte_order_mark_do_not_matter(write, bom, end, last):
    lines = end.join([HEADER, ROW, ROW.replace("7", "8")]) + (end if last else "")
    questions, _ = read_questions(write(bom + lines.encode()))
    assert questions["question_id"].tolist() == ["7", "8"]
    assert questions["answer"].tolist() == [3, 3]
    assert options_of(questions, 1) == list("abcde")


@pytest.mark.parametrize("end", ["\n", "\r\n"])
def test_quoted_text_keeps_commas_quotes_and_line_breaks(write, end):
    row = f'7,"Which, ""really""?{end}  (two lines)","a{end}b",",","""",d,e,A'
    questions, _ = read_questions(write(f"{HEADER}{end}{row}{end}"))
    assert questions["prompt"].tolist() == [f'Which, "really"?{end}  (two lines)']
    assert options_of(questions) == [f"a{end}b", ",", '"', "d", "e"]


def test_white_space_around_a_value_is_taken_off(read_csv):
    questions, _ = read_csv(HEADER, " 7 ,  Why? ,\ta,b ,\u00a0c,d,e, c ")
    assert questions.loc[0, ["question_id", "prompt"]].tolist() == ["7", "Why?"]
    assert options_of(questions) == list("abcde")
    assert questions["answer"].tolist() == [3]


@pytest.mark.parametrize("nothing", ["", "NaN", "nan", "  ", '""'])
def test_a_missing_option_is_empty_text_since_a_hidden_row_must_be_answered(read_csv, nothing):
    questions, _ = read_csv(HEADER, f"7,Why?,a,{nothing},c,d,{nothing},C")
    assert options_of(questions) == ["a", "", "c", "d", ""]


@pytest.mark.parametrize("word", ["nano", "banana", "N/A", "None", "null", "0"])
def test_words_that_only_look_like_nothing_are_kept(read_csv, word):
    questions, _ = read_csv(HEADER, f"7,Why?,a,{word},c,d,e,C")
    assert options_of(questions)[1] == word


@pytest.mark.parametrize(
    ("text", "answer"),
    [(letter, n) for n, letter in enumerate("ABCDE", 1)]
    + [(letter, n) for n, letter in enumerate("abcde", 1)]
    + [("1", 1), ("5", 5), ("option_4", 4), ("OPTION_2", 2)],
)
def test_an_answer_is_a_letter_a_number_or_an_option_name(read_csv, text, answer):
    assert read_csv(HEADER, f"7,Why?,a,b,c,d,e,{text}")[0]["answer"].tolist() == [answer]


@pytest.mark.parametrize("nothing", ["", "nan", " "])
def test_a_row_without_answer_is_a_question_of_a_test_set(read_csv, nothing):
    questions, _ = read_csv(HEADER, ROW, f"8,Why?,a,b,c,d,e,{nothing}")
    assert questions["answer"].isna().tolist() == [False, True]


def test_without_an_id_column_rows_are_numbered_from_0(read_csv):
    questions, _ = read_csv("prompt,A,B,C,D,E,answer", "Why?,a,b,c,d,e,A", "How?,a,b,c,d,e,B")
    assert questions["question_id"].tolist() == ["0", "1"]


def test_without_an_answer_column_no_row_has_an_answer(read_csv):
    questions, _ = read_csv("id,prompt,A,B,C,D,E", "7,Why?,a,b,c,d,e")
    assert questions["answer"].isna().all()


def test_columns_may_come_in_any_order_and_case(read_csv):
    questions, _ = read_csv("Answer,e,D,C,B,A,PROMPT,ID", "B,5,4,3,2,1,Why?,x")
    assert options_of(questions) == list("12345")
    assert questions.loc[0, ["question_id", "prompt", "answer"]].tolist() == ["x", "Why?", 2]


def test_a_context_column_becomes_the_contexts_table_and_the_group(read_csv):
    rows = ["1,Why?,a,b,c,d,e,A,Some text.", "2,How?,a,b,c,d,e,A,", "3,What?,a,b,c,d,e,A, Some text. "]
    questions, contexts = read_csv(f"{HEADER},context", *rows)
    assert contexts[["question_id", "rank", "text", "retriever"]].values.tolist() == [
        ["1", 1, "Some text.", "given"],
        ["3", 1, "Some text.", "given"],
    ]
    groups = questions["group"].tolist()
    assert groups[0] == groups[2] != groups[1]


def test_a_context_may_be_longer_than_the_csv_modules_limit(read_csv):
    text = "word " * 40_000  # 200 kB; the module's default limit is 128 KiB
    _, contexts = read_csv(f"{HEADER},context", f"{ROW},{text}")
    assert contexts["text"].tolist() == [text.strip()]


@pytest.mark.parametrize(
    "name",
    ["", "Unnamed: 0", "topic", "options", "article_id", "group", "source", "passage_id", "option_1"],
)
def test_other_columns_of_a_csv_are_ignored(read_csv, name):
    plain, _ = read_csv(HEADER, ROW)
    questions, contexts = read_csv(f"{HEADER},{name}", f"{ROW},something")
    assert questions.equals(plain)
    assert len(contexts) == 0


def test_blank_lines_between_rows_are_no_rows(read_csv):
    questions, _ = read_csv(HEADER, "", ROW, "", "", ROW.replace("7", "8"), "")
    assert questions["question_id"].tolist() == ["7", "8"]


# --------------------------------------------------------------------------------- JSON lines

OPTION_FORMS = {
    "letters": dict(zip("ABCDE", "vwxyz", strict=True)),
    "small letters": dict(zip("abcde", "vwxyz", strict=True)),
    "names": dict(zip(OPTION_COLUMNS, "vwxyz", strict=True)),
    "list": {"options": list("vwxyz")},
}


@pytest.mark.parametrize("form", OPTION_FORMS)
def test_options_come_as_letters_names_or_a_list(read_json, form):
    questions, _ = read_json({"prompt": "Why?", **OPTION_FORMS[form]})
    assert options_of(questions) == list("vwxyz")


@pytest.mark.parametrize(
    ("answer", "number"), [("A", 1), ("e", 5), (2, 2), ("3", 3), ("option_4", 4), (None, None), ("", None)]
)
def test_a_json_answer_is_a_letter_a_number_or_an_option_name(read_json, answer, number):
    questions, _ = read_json({**OBJECT, "answer": answer})
    assert [None if questions["answer"].isna()[0] else questions["answer"][0]] == [number]


def test_an_answer_may_be_absent(read_json):
    questions, _ = read_json({key: value for key, value in OBJECT.items() if key != "answer"})
    assert questions["answer"].isna().all()


@pytest.mark.parametrize(
    ("keys", "name"),
    [({"id": 0}, "0"), ({"id": "x"}, "x"), ({"question_id": "y"}, "y"), ({"id": None}, "0"), ({}, "0")],
)
def test_an_id_is_text_or_a_number_or_the_place_in_the_file(read_json, keys, name):
    assert read_json({**OBJECT, **keys})[0]["question_id"].tolist() == [name]


@pytest.mark.parametrize("nothing", [None, "", "  ", "NaN", math.nan])
def test_a_missing_option_in_json_is_empty_text_in_every_form(read_json, nothing):
    by_letter, _ = read_json({**OBJECT, "B": nothing})
    by_list, _ = read_json({"prompt": "Why?", "options": ["a", nothing, "c", "d", "e"]})
    assert options_of(by_letter) == ["a", "", "c", "d", "e"]
    assert options_of(by_list) == ["a", "", "c", "d", "e"]


def test_options_may_be_numbers(read_json):
    questions, _ = read_json({"prompt": "How many?", "options": [0, 1, 2.5, -3, "4"]})
    assert options_of(questions) == ["0", "1", "2.5", "-3", "4"]


def test_several_contexts_are_ranked_in_their_order(read_json):
    _, contexts = read_json({**OBJECT, "id": "x", "context": ["best", " ", "second "]})
    assert contexts[["question_id", "rank", "text"]].values.tolist() == [["x", 1, "best"], ["x", 2, "second"]]


def test_nothing_in_a_list_of_contexts_is_no_context(read_json):
    _, contexts = read_json({**OBJECT, "context": [None, math.nan, "text"]})
    assert contexts[["rank", "text"]].values.tolist() == [[1, "text"]]


@pytest.mark.parametrize("context", [None, "", []])
def test_an_empty_context_is_no_context(read_json, context):
    questions, contexts = read_json({**OBJECT, "id": "x", "context": context})
    assert len(contexts) == 0
    assert questions["group"].tolist() == ["x"]


def test_a_group_is_given_or_the_article_or_the_context_or_the_question_itself(read_json, write_articles):
    write_articles({"article_id": "heat", "sections": [{"text": "Heat flows."}]})
    questions, _ = read_json(
        {**OBJECT, "id": "1", "group": "g", "article_id": "heat", "context": "text"},
        {**OBJECT, "id": "2", "article_id": "heat", "context": "text"},
        {**OBJECT, "id": "3", "context": "text"},
        {**OBJECT, "id": "4"},
    )
    groups = questions["group"].tolist()
    assert groups[:2] == ["g", "heat"]
    assert groups[2].startswith("context-")
    assert groups[3] == "4"


def test_a_question_that_names_an_article_gets_its_text(read_json, write_articles):
    write_articles(
        {"article_id": "ice", "title": "Ice", "sections": [{"path": "", "text": "Ice floats."}]},
        {"article_id": "heat", "sections": [{"text": "Heat flows."}, {"path": "Units", "text": "Joule."}]},
    )
    questions, contexts = read_json({**OBJECT, "id": "1", "article_id": "heat"})
    assert contexts[["question_id", "rank", "text"]].values.tolist() == [["1", 1, "Heat flows.\nJoule."]]
    assert questions["group"].tolist() == ["heat"]


def test_a_context_of_its_own_goes_before_the_article_and_needs_no_articles_file(read_json):
    questions, contexts = read_json({**OBJECT, "article_id": "heat", "context": "Given text."})
    assert contexts["text"].tolist() == ["Given text."]
    assert questions["group"].tolist() == ["heat"]


@pytest.mark.parametrize("context", [None, "", " ", []])
def test_an_empty_context_leaves_the_article_in_its_place(read_json, write_articles, context):
    write_articles({"article_id": "heat", "sections": [{"text": "Heat flows."}]})
    _, contexts = read_json({**OBJECT, "article_id": "heat", "context": context})
    assert contexts["text"].tolist() == ["Heat flows."]


def test_blank_lines_and_a_byte_order_mark_do_not_matter_in_json_lines(write):
    line = json.dumps(OBJECT)
    path = write(f"\ufeff{line}\r\n\r\n  \n{line}", "quiz.jsonl")
    assert read_questions(path)[0]["question_id"].tolist() == ["0", "1"]


def test_the_two_formats_agree(read_csv, read_json):
    from_csv, _ = read_csv(HEADER, ROW)
    from_json, _ = read_json({**OBJECT, "id": 7})
    assert from_csv.equals(from_json)


# ------------------------------------------------------------------------------- what is wrong


def test_a_missing_file_says_how_to_give_one(tmp_path):
    assert "no such file" in refusal(tmp_path / "missing.csv")
    assert "QUESTIONS=" in refusal(tmp_path / "missing.jsonl")


def test_a_folder_is_no_file(tmp_path):
    (tmp_path / "folder.csv").mkdir()
    assert "no such file" in refusal(tmp_path / "folder.csv")


@pytest.mark.parametrize("name", ["quiz.txt", "quiz", "quiz.csv.gz", "quiz.json", "quiz.parquet"])
def test_an_unknown_ending_names_the_known_ones(write, name):
    assert "expected a file that ends in .csv or .jsonl" in refusal(write("x", name))


@pytest.mark.parametrize(
    ("header", "missing"),
    [
        ("id,A,B,C,D,E,answer", "prompt"),
        ("id,prompt,A,B,C,D,answer", "E"),
        ("question,options", "prompt, A, B, C, D, E"),
        ("id;prompt;A;B;C;D;E;answer", "prompt, A, B, C, D, E"),
        ("", "prompt, A, B, C, D, E"),
    ],
)
def test_missing_columns_are_named_with_what_is_expected_and_found(write, header, missing):
    message = refusal(write(f"{header}\r\n{ROW}\r\n"))
    assert f"missing columns {missing};" in message
    assert f"expected {HEADER}" in message
    assert f"found {header or 'none'}" in message


@pytest.mark.parametrize("header", [f"{HEADER},A", f"{HEADER},Prompt", f"id,{HEADER}"])
def test_a_column_that_stands_twice_is_refused(write, header):
    width = header.count(",") + 1
    message = refusal(write(f"{header}\r\n{','.join(['A'] * width)}\r\n"))
    assert "header" in message
    assert "expected" in message


def test_too_many_fields_are_counted(write):
    message = refusal(write(f"{HEADER}\r\n{ROW}\r\n8,Why, really?,a,b,c,d,e,C\r\n"))
    assert "row 2 (line 3)" in message
    assert "expected 8 columns, found 9" in message


def test_too_few_fields_name_the_first_column_that_lacks(write):
    message = refusal(write(f"{HEADER}\r\n{ROW}\r\n8,Why?,a,b\r\n"))
    assert "row 2 (line 3), column C: expected 8 columns" in message


def test_the_line_is_that_of_the_file_where_a_row_spans_lines(write):
    message = refusal(write(f'{HEADER}\n7,"Why\n\n?",a,b,c,d,e,A\n8,How?,a,b,c,d,e,F\n'))
    assert "row 2 (line 5), column answer" in message


@pytest.mark.parametrize("answer", ["F", "6", "0", "AB", "A B C", "option_6", "option_", "-", "yes", "ß"])
def test_an_answer_outside_a_to_e_is_named(write, answer):
    message = refusal(write(f"{HEADER}\r\n{ROW}\r\n8,Why?,a,b,c,d,e,{answer}\r\n"))
    assert "row 2 (line 3), column answer: expected A-E" in message
    assert f"found {answer!r}" in message


@pytest.mark.parametrize("answer", [True, 0, 6, [1], {"A": 1}, "F"])
def test_an_answer_that_is_none_in_json_is_named(write, answer):
    message = refusal(write(json.dumps({**OBJECT, "answer": answer}) + "\n", "quiz.jsonl"))
    assert "row 1, column answer: expected " in message


@pytest.mark.parametrize("prompt", ["", "   ", "NaN", '"\r\n"'])
def test_an_empty_prompt_is_named(write, prompt):
    message = refusal(write(f"{HEADER}\r\n{ROW}\r\n8,{prompt},a,b,c,d,e,A\r\n"))
    assert "row 2 (line" in message
    assert "column prompt: expected a question, found nothing" in message


@pytest.mark.parametrize("change", [{"prompt": None}, {"prompt": " "}])
def test_an_empty_prompt_in_json_is_named(write, change):
    lines = json.dumps(OBJECT) + "\n" + json.dumps({**OBJECT, **change})
    message = refusal(write(lines, "quiz.jsonl"))
    assert "row 2, column prompt: expected a question, found nothing" in message


def test_ids_that_stand_twice_name_both_rows(write):
    message = refusal(write(f"{HEADER}\r\n{ROW}\r\n8,How?,a,b,c,d,e,A\r\n{ROW}\r\n"))
    assert re.search(r"row 3\b.*column (question_)?id\b", message)
    assert "'7'" in message
    assert "row 1" in message


def test_ids_that_stand_twice_are_counted_in_lines_of_the_json_file(write):
    line = json.dumps({**OBJECT, "id": "x"})
    message = refusal(write(f"\n\n{line}\n\n{line}\n", "quiz.jsonl"))
    assert "row 5" in message
    assert "row 3" in message


@pytest.mark.parametrize("content", [b"", b"\xef\xbb\xbf", b"\r\n\r\n"])
def test_an_empty_csv_says_what_is_expected(write, content):
    assert f"expected {HEADER}" in refusal(write(content))


@pytest.mark.parametrize(
    ("name", "content"), [("quiz.csv", HEADER), ("quiz.csv", HEADER + "\n\n"), ("quiz.jsonl", "\n \n")]
)
def test_a_file_without_questions_says_so(write, name, content):
    assert "expected at least one question, found none" in refusal(write(content, name))


@pytest.mark.parametrize(
    "rows",
    [
        [ROW, '8,"How?,a,b,c,d,e,A', "9,What?,a,b,c,d,e,A"],  # never closed
        [ROW, '8,"How"?,a,b,c,d,e,A', "9,What?,a,b,c,d,e,A"],  # closed inside the field
        [ROW, '8,"How?,a,b,c,d,e,A', '9,"What?",a,b,c,d,e,A'],  # closed by the next row's quote
    ],
)
def test_a_quote_that_is_not_closed_names_the_row_where_it_stands(write, rows):
    message = refusal(write("\r\n".join([HEADER, *rows, ""])))
    assert "row 2" in message
    assert "quote" in message or "expected" in message


def test_a_quote_that_is_not_closed_in_the_header_is_an_error_for_the_user(write):
    assert "header" in refusal(write(f'"{HEADER}\r\n{ROW}\r\n'))


@pytest.mark.parametrize("name", ["quiz.csv", "quiz.jsonl"])
def test_text_that_is_not_utf8_is_named_by_its_row(write, name):
    rows = {
        "quiz.csv": [HEADER, ROW, ROW.replace("7,Why", "8,Café")],
        "quiz.jsonl": [json.dumps(OBJECT), json.dumps({**OBJECT, "prompt": "Café"}, ensure_ascii=False)],
    }[name]
    message = refusal(write("\n".join(rows).encode("latin-1"), name))
    assert "UTF-8" in message
    assert re.search(rf"row 2\b|line {len(rows)}\b", message)


def test_text_in_utf16_says_that_utf8_is_expected(write):
    assert "expected UTF-8" in refusal(write(f"{HEADER}\n{ROW}\n".encode("utf-16")))


@pytest.mark.parametrize("line", ['{"prompt": "Why?"', "{'prompt': 'Why?'}", "Why?", '{"prompt": "Why?"}}'])
def test_broken_json_is_named_by_its_row(write, line):
    message = refusal(write(f"{json.dumps(OBJECT)}\n{line}\n", "quiz.jsonl"))
    assert "row 2" in message
    assert "JSON" in message


def test_broken_json_names_no_line_but_its_own(write):
    # json counts lines within the one line that it was given.
    message = refusal(write(f'{json.dumps(OBJECT)}\n{{"prompt": "Why?"\n', "quiz.jsonl"))
    assert not re.search(r"line [13]\b", message.replace("row 2 (line 2)", ""))


@pytest.mark.parametrize("line", ["[1, 2]", '"Why?"', "3", "null"])
def test_a_line_that_is_no_object_says_what_is_expected(write, line):
    message = refusal(write(f"{json.dumps(OBJECT)}\n{line}\n", "quiz.jsonl"))
    assert "row 2: expected a JSON object" in message


@pytest.mark.parametrize("options", [["a", "b", "c", "d"], list("abcdef"), "abcde", {"A": "a"}, []])
def test_options_that_are_no_five_are_named(write, options):
    message = refusal(write(json.dumps({"prompt": "Why?", "options": options}), "quiz.jsonl"))
    assert "row 1, column options: expected a list of 5" in message


def test_an_option_that_is_absent_in_json_is_named(write):
    absent = {key: value for key, value in OBJECT.items() if key != "D"}
    message = refusal(write(json.dumps(absent), "quiz.jsonl"))
    assert re.search(r"row 1, column (option_4|D): expected an option", message)


@pytest.mark.parametrize("key", ["prompt", "context", "A", "id"])
def test_an_object_in_place_of_text_is_refused(write, key):
    message = refusal(write(json.dumps({**OBJECT, key: {"text": "Why?"}}), "quiz.jsonl"))
    assert re.search(rf"row 1, column {key}: expected", message, re.IGNORECASE)


@pytest.mark.parametrize("key", ["prompt", "context", "A"])
def test_half_a_surrogate_pair_is_an_error_for_the_user(write, key):
    # JSON can say it, UTF-8 and so every file after this one cannot.
    message = refusal(write(json.dumps({**OBJECT, key: "half a pair: \ud83d"}), "quiz.jsonl"))
    assert "row 1" in message


# --------------------------------------------------------------------- the articles beside a file


def refusal_of_articles(write, articles, article_id="heat"):
    path = write(json.dumps({**OBJECT, "article_id": article_id}) + "\n", "quiz.jsonl")
    if articles is not None:
        write(articles, "articles.jsonl")
    with pytest.raises(UserError) as caught:
        read_questions(path)
    assert "articles.jsonl" in str(caught.value)
    return str(caught.value)


def test_articles_that_are_not_there_are_named(write):
    assert "no such file" in refusal_of_articles(write, None)


def test_an_article_that_is_not_there_is_named_with_the_row_that_wants_it(write):
    message = refusal_of_articles(write, '{"article_id": "ice", "sections": []}\n')
    assert "quiz.jsonl: row 1, column article_id: 'heat' is not in" in message


@pytest.mark.parametrize(
    "line",
    [
        '{"title": "Heat", "sections": []}',
        '{"article_id": "heat"}',
        '{"article_id": "heat", "sections": "Heat flows."}',
        '{"article_id": "heat", "sections": ["Heat flows."]}',
        '{"article_id": "heat", "sections": [{"path": ""}]}',
        '{"article_id": "heat", "sections": [{"text": null}]}',
        "[]",
        "{",
    ],
)
def test_a_broken_article_is_named_by_file_and_row(write, line):
    sound = '{"article_id": "ice", "sections": [{"text": "Ice floats."}]}'
    message = refusal_of_articles(write, f"{sound}\n{line}\n")
    assert re.search(r"articles\.jsonl: row 2\b", message)


def test_articles_that_are_not_utf8_are_named_and_not_the_questions(write):
    line = '{"article_id": "heat", "sections": [{"text": "Café"}]}'.encode("latin-1")
    message = refusal_of_articles(write, line)
    assert "UTF-8" in message
    assert "quiz.jsonl: expected UTF-8" not in message


# ---------------------------------------------------------------------------------- properties

# Any text that UTF-8 can carry, with more of what CSV has trouble with.
WILD = st.text(
    st.one_of(
        st.characters(exclude_categories=["Cs"]), st.sampled_from("\",\n\r;\t'\\ \x00\x0b\x1c\ufeff\u2028")
    ),
    max_size=12,
)


def strip(text):
    """What reading does to a value, as documented: stripped, and NaN is nothing."""
    return "" if text.strip().lower() == "nan" else text.strip()


PROMPTS = WILD.filter(strip)
ROWS = st.lists(
    st.tuples(WILD.filter(strip), PROMPTS, *[WILD] * 5, st.sampled_from([*"ABCDEabcde", ""]), WILD),
    min_size=1,
    max_size=4,
    unique_by=lambda row: strip(row[0]),
)


def expected_questions(rows):
    return [
        (
            strip(question_id),
            strip(prompt),
            *map(strip, options),
            " ABCDE".index(answer.upper() or " ") or None,
        )
        for question_id, prompt, *options, answer, _ in rows
    ]


def found_questions(questions):
    columns = questions[["question_id", "prompt", *OPTION_COLUMNS]].itertuples(index=False)
    answers = (
        None if missing else int(a)
        for a, missing in zip(questions["answer"].fillna(0), questions["answer"].isna(), strict=True)
    )
    return [(*row, answer) for row, answer in zip(columns, answers, strict=True)]


@settings(max_examples=50, deadline=None)
@given(
    rows=ROWS,
    end=st.sampled_from(["\n", "\r\n", "\r"]),
    bom=st.booleans(),
    quote_all=st.booleans(),
    with_ids=st.booleans(),
)
def test_whatever_csv_writer_writes_is_read_back(tmp_path_factory, rows, end, bom, quote_all, with_ids):
    # Before Python 3.13 csv.writer leaves a carriage return unquoted where lines end otherwise.
    lone = any("\r" in value or "\n" in value for row in rows for value in row)
    text = io.StringIO(newline="")
    writer = csv.writer(
        text, lineterminator=end, quoting=csv.QUOTE_ALL if quote_all or lone else csv.QUOTE_MINIMAL
    )
    first = 0 if with_ids else 1
    writer.writerow([*HEADER.split(","), "context"][first:])
    writer.writerows(row[first:] for row in rows)
    path = tmp_path_factory.mktemp("csv") / "quiz.csv"
    path.write_bytes(text.getvalue().encode("utf-8-sig" if bom else "utf-8"))

    questions, contexts = read_questions(path)
    expected = expected_questions(rows if with_ids else [(str(i), *row[1:]) for i, row in enumerate(rows)])
    assert found_questions(questions) == expected
    texts = [(row[0], strip(raw[-1])) for row, raw in zip(expected, rows, strict=True) if strip(raw[-1])]
    assert list(zip(contexts["question_id"], contexts["text"], strict=True)) == texts


@settings(max_examples=50, deadline=None)
@given(
    rows=ROWS,
    form=st.sampled_from(["letters", "names", "list"]),
    ascii_only=st.booleans(),
    end=st.sampled_from(["\n", "\r\n"]),
)
def test_whatever_json_writes_is_read_back(tmp_path_factory, rows, form, ascii_only, end):
    names = {"letters": "ABCDE", "names": OPTION_COLUMNS}.get(form)
    lines = [
        json.dumps(
            {
                "id": question_id,
                "prompt": prompt,
                **(dict(zip(names, options, strict=True)) if names else {"options": options}),
                "answer": answer,
                "context": context,
            },
            ensure_ascii=ascii_only,
        )
        for question_id, prompt, *options, answer, context in rows
    ]
    path = tmp_path_factory.mktemp("json") / "quiz.jsonl"
    path.write_bytes((end.join(lines) + end).encode())
    questions, contexts = read_questions(path)
    assert found_questions(questions) == expected_questions(rows)
    assert contexts["text"].tolist() == [strip(row[-1]) for row in rows if strip(row[-1])]


BROKEN = st.one_of(
    st.binary(max_size=60),
    st.text('",\n\r{}[]:1aA\\', max_size=60).map(str.encode),
    st.text('",\n\r{}[]:1aA\\é', max_size=60).map(lambda text: text.encode("utf-16")),
)


@settings(max_examples=50, deadline=None)
@given(content=BROKEN, name=st.sampled_from(["quiz.csv", "quiz.jsonl"]), with_header=st.booleans())
def test_any_bytes_are_read_or_refused_with_one_line(tmp_path_factory, content, name, with_header):
    path = tmp_path_factory.mktemp("bytes") / name
    path.write_bytes((HEADER + "\r\n").encode() * with_header + content)
    try:
        read_questions(path)
    except UserError as error:
        assert str(error).startswith(str(path))
        assert "\n" not in str(error)
