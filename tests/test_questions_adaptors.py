"""Question files of every layout -> drafts: what is right, what is wrong, and what is left out."""

import bz2
import gzip
import json

import pandas as pd
import pytest

from science_exam.errors import UserError
from science_exam.questions.adaptors.mcql import repair_text
from science_exam.questions.adaptors.reading import read_drafts
from science_exam.questions.config import SourceConfig
from science_exam.questions.drafts import Tally
from science_exam.tables import CONTEXTS, OPTION_COLUMNS, QUESTIONS, write_table

HEADER = "id,prompt,A,B,C,D,E,answer"
ROW = "7,Why?,a,b,c,d,e,C"
OBJECT = {"prompt": "Why?", "A": "a", "B": "b", "C": "c", "D": "d", "E": "e", "answer": "C"}
MMLU_HEADER = "question,choice0,choice1,choice2,choice3,answer"


@pytest.fixture
def write(tmp_path):
    def write_file(name, content):
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        if isinstance(content, list):
            content = json.dumps(content)
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
        return path

    return write_file


def read(path, **settings):
    """Drafts, and how many rows were left out by reason."""
    dropped = Tally()
    drafts = list(read_drafts(SourceConfig(path=str(path), **settings), dropped))
    return drafts, {reason: count for (_, reason), count in dropped.counts.items()}


def refusal(path, **settings):
    with pytest.raises(UserError) as caught:
        read(path, **settings)
    return str(caught.value)


def parts(draft):
    return draft.prompt, draft.right, list(draft.wrong)


def lines(*rows):
    return "\n".join(row if isinstance(row, str) else json.dumps(row) for row in rows) + "\n"


# -------------------------------------------------------------------------------- competition


@pytest.mark.parametrize("layout", ["competition", "auto"])
@pytest.mark.parametrize("end", ["\n", "\r\n"])
@pytest.mark.parametrize("bom", [b"", b"\xef\xbb\xbf"])
def test_a_row_of_the_competition_makes_a_draft(write, layout, end, bom):
    path = write("quiz.csv", bom + end.join([HEADER, ROW, ROW.replace("C", "A"), ""]).encode())
    (first, second), dropped = read(path, format=layout)
    assert parts(first) == ("Why?", "c", ["a", "b", "d", "e"])
    assert (first.place, first.source, first.group) == ("quiz.csv: row 1", "quiz", "")
    assert (first.contexts, first.passage_id, first.generated) == ((), None, False)
    assert second.right == "a"
    assert dropped == {}


def test_other_columns_are_ignored_and_a_context_is_kept_and_names_the_group(write):
    rows = [",prompt,context,A,B,C,D,E,answer,useful"]
    rows += [f"{n},Why {n}?,{text},a,b,c,d,e,B,TRUE" for n, text in enumerate(["Ice.", "", "Ice."])]
    drafts, _ = read(write("quiz.csv", lines(*rows)))
    assert [draft.contexts for draft in drafts] == [("Ice.",), (), ("Ice.",)]
    assert drafts[0].group == drafts[2].group != ""
    assert drafts[1].group == ""


def test_rows_of_no_use_are_counted_by_their_reason_with_their_places(write):
    rows = [
        HEADER,
        "0,,a,b,c,d,e,A",
        "1,Why?,a,b,c,d,e,",
        "2,Why?,a,b,c,d,e,F",
        "3,Why?,,b,c,d,e,A",
        "4,Why?,a,b",
        "5,Why, really?,a,b,c,d,e,A",
        ROW,
    ]
    dropped = Tally()
    path = write("quiz.csv", lines(*rows))
    drafts = list(read_drafts(SourceConfig(path=str(path)), dropped))
    assert [draft.place for draft in drafts] == ["quiz.csv: row 7"]
    assert dropped.counts == {
        ("quiz", "no question"): 1,
        ("quiz", "no answer"): 1,
        ("quiz", "answer names no option"): 1,
        ("quiz", "no right option"): 1,
        ("quiz", "unreadable row"): 2,
    }
    assert dropped.places["quiz", "unreadable row"] == ["quiz.csv: row 5", "quiz.csv: row 6"]


def test_empty_options_and_nan_are_empty_text_and_stay(write):
    ((draft,), _) = read(write("quiz.csv", lines(HEADER, "7,Why?,a,NaN,c,,None,C")))
    assert draft.wrong == ("a", "", "", "None")


def test_line_breaks_in_text_become_newlines_and_inner_spaces_stay(write):
    ((draft,), _) = read(write("quiz.csv", f'{HEADER}\r\n7," Why\r\n\r\n  so? ","a\r\nb",b,c,d,e,A\r\n'))
    assert (draft.prompt, draft.right) == ("Why\n\n  so?", "a\nb")


@pytest.mark.parametrize(
    "options",
    [
        {key: OBJECT[key] for key in "ABCDE"},
        dict(zip(OPTION_COLUMNS, "abcde", strict=True)),
        {"options": list("abcde")},
    ],
)
@pytest.mark.parametrize("answer", ["C", 3, "option_3"])
def test_json_lines_of_the_project_come_in_every_documented_form(write, options, answer):
    ((draft,), _) = read(write("quiz.jsonl", lines({"prompt": "Why?", **options, "answer": answer})))
    assert parts(draft) == ("Why?", "c", ["a", "b", "d", "e"])


def test_a_list_of_options_has_any_length_from_two(write):
    rows = [{"prompt": "Why?", "options": list("abcdefgh")[:n], "answer": 2} for n in (8, 2, 1)]
    drafts, dropped = read(write("quiz.jsonl", lines(*rows, {**rows[1], "answer": "C"})))
    assert [draft.wrong for draft in drafts] == [("a", *"cdefgh"), ("a",)]
    assert dropped == {"answer names no option": 2}  # of one option, there is no second


def test_an_article_beside_the_file_is_context_and_group(write):
    write("set/articles.jsonl", lines({"article_id": "ice", "sections": [{"text": "Ice floats."}]}))
    rows = [{**OBJECT, "article_id": "ice"}, {**OBJECT, "article_id": "fire"}]
    path = write("set/quiz.jsonl", lines(*rows))
    for source in (path, path.parent):  # the articles are no questions
        drafts, dropped = read(source)
        assert [(draft.contexts, draft.group) for draft in drafts] == [(("Ice floats.",), "ice")]
        assert dropped == {"unknown article": 1}


def test_json_rows_that_cannot_be_read_are_left_out(write):
    rows = [OBJECT, '{"prompt": ', "[1]", {**OBJECT, "A": {"text": "a"}}, '{"prompt": "\\ud83d"}', OBJECT]
    drafts, dropped = read(write("quiz.jsonl", lines(*rows)))
    assert [draft.place for draft in drafts] == ["quiz.jsonl: row 1", "quiz.jsonl: row 6"]
    assert sum(dropped.values()) == 4
    assert dropped["unreadable row"] >= 3


@pytest.mark.parametrize("header", ["id,prompt,A,B,C,D,E", "prompt,A,B,C,D,answer", "question,answer"])
def test_missing_columns_of_the_competition_are_named(write, header):
    message = refusal(write("quiz.csv", lines(header)), format="competition")
    assert "missing column" in message
    assert "found" in message


def test_keys_that_are_missing_in_json_are_named(write):
    message = refusal(write("quiz.jsonl", lines({"question": "Why?"})), format="competition")
    assert "found question" in message


# --------------------------------------------------------------------------------------- mmlu


def test_mmlu_is_read_with_and_without_a_header_at_any_depth(write, tmp_path):
    write("mmlu/dev/optics_dev.csv", lines(MMLU_HEADER, "What bends?,glass,light,air,sound,1"))
    write("mmlu/test/heat_test.csv", lines('"Hot, or not?",a,b,c,d,D', "Why?,A,B,C,D,A"))
    write("mmlu/README.md", "about these files")
    for layout in ("mmlu", "auto"):
        drafts, dropped = read(tmp_path / "mmlu", format=layout)
        assert [parts(draft) for draft in drafts] == [
            ("What bends?", "light", ["glass", "air", "sound"]),
            ("Hot, or not?", "d", ["a", "b", "c"]),
            ("Why?", "A", ["B", "C", "D"]),
        ]
        assert [draft.place for draft in drafts] == [
            "dev/optics_dev.csv: row 1",
            "test/heat_test.csv: row 1",
            "test/heat_test.csv: row 2",
        ]
        assert {(draft.source, draft.group) for draft in drafts} == {("mmlu", "")}
        assert dropped == {}


def test_an_mmlu_answer_outside_the_choices_is_left_out(write):
    path = write("heat_test.csv", lines(MMLU_HEADER, "Why?,a,b,c,d,4", "Why?,a,b,c,d,", "Why?,a,b,c,d,0"))
    drafts, dropped = read(path)
    assert [draft.right for draft in drafts] == ["a"]
    assert dropped == {"answer names no option": 1, "no answer": 1}


def test_an_mmlu_file_with_other_columns_is_refused(write):
    assert "missing columns question" in refusal(write("a.csv", lines("id,q,A,B,C,D")), format="mmlu")


# --------------------------------------------------------------------- mcql, review and sciq


def test_mcql_objects_are_read_and_their_broken_characters_mended(write):
    broken = "36 °C → 40 °C".encode().decode("latin-1")
    rows = [
        {"sentence": "Ice melts at", "answer": broken, "distractors": ["café", "1", "2"]},
        {"sentence": "Ice melts at", "answer": "", "distractors": ["1"]},
        {"sentence": "", "answer": "0", "distractors": ["1"]},
        {"sentence": "Ice melts at", "answer": "0", "distractors": "1"},
    ]
    drafts, dropped = read(write("mcql.json", rows))
    assert [parts(draft) for draft in drafts] == [("Ice melts at", "36 °C → 40 °C", ["café", "1", "2"])]
    assert dropped == {"no right option": 1, "no question": 1, "not multiple choice": 1}


@pytest.mark.parametrize("text", ["plain", "café", "36 °C → 40 °C", "½ Â", "à"])
def test_text_is_mended_back_to_what_it_was_and_sound_text_stays(text):
    assert repair_text(text.encode().decode("latin-1")) == text
    assert repair_text(text) == text


def test_review_questions_of_one_document_are_one_group(write):
    whole = {"question": "Why?", "options": ["a", "b", "c"], "answer_index": 2, "doc_id": "book/1"}
    rows = [
        whole,
        {**whole, "answer_index": None},
        {**whole, "options": None},
        {**whole, "options": []},
        {**whole, "options": ["a"], "answer_index": 0},
        {**whole, "answer_index": 3},
        {**whole, "answer_index": -1},
    ]
    path = write("review.jsonl.gz", gzip.compress(lines(*rows).encode()))
    drafts, dropped = read(path)
    assert [(*parts(draft), draft.group) for draft in drafts] == [("Why?", "c", ["a", "b"], "book/1")]
    assert drafts[0].source == "review"
    assert dropped == {
        "no answer": 1,
        "not multiple choice": 2,
        "fewer than two options": 1,
        "answer names no option": 2,
    }


def test_sciq_has_its_support_as_context_and_perhaps_no_wrong_options(write):
    bare = write("bare.csv", lines("question,correct_answer,support", "Why?,because,Ice floats.", "How?,so,"))
    drafts, _ = read(bare)
    assert [(draft.right, draft.wrong, draft.contexts) for draft in drafts] == [
        ("because", (), ("Ice floats.",)),
        ("so", (), ()),
    ]
    assert drafts[0].group.startswith("context-")
    assert drafts[1].group == ""
    row = {"question": "Why?", "correct_answer": "a", "support": "", "distractor1": "b", "distractor2": "c"}
    ((draft,), _) = read(write("full.jsonl", lines(row)))
    assert draft.wrong == ("b", "c")


@pytest.mark.parametrize("layout", ["instructions", "mcql", "review", "sciq"])
def test_a_file_of_another_layout_than_is_said_names_what_is_missing(write, layout):
    message = refusal(write("quiz.csv", lines(HEADER, ROW)), format=layout)
    assert f"of the layout {layout}" in message
    assert "found id, prompt" in message


# ---------------------------------------------------------------------------------- generated


def make_questions(n, group=None):
    return pd.DataFrame(
        {
            "question_id": [f"q{i}" for i in range(n)],
            "prompt": [f"Why {i}?" for i in range(n)],
            **{column: [column[-1]] * n for column in OPTION_COLUMNS},
            "answer": [2] * n,
            "source": ["rules"] * n,
            "group": [group or f"q{i}" for i in range(n)],
            "passage_id": [f"p{i}" for i in range(n)],
        }
    )


def make_contexts(*rows):
    frame = pd.DataFrame(rows, columns=["question_id", "rank", "text"])
    return frame.assign(passage_id=None, score=None, retriever="given")[list(CONTEXTS.columns)]


def write_parts(folder, table, *frames):
    names = [f"part-{number:05d}.parquet" for number in range(len(frames))]
    for name, frame in zip(names, frames, strict=True):
        write_table(frame, table, folder / name)
    (folder / "manifest.json").write_text(json.dumps({"outputs": dict.fromkeys(names, "")}))


@pytest.mark.parametrize("layout", ["generated", "auto"])
def test_generated_questions_keep_passage_group_and_contexts_by_rank(tmp_path, layout):
    folder = tmp_path / "made"
    write_parts(folder / "questions", QUESTIONS, make_questions(2, "heat"), make_questions(1, "ice"))
    first = make_contexts(("q0", 2, "second"), ("q0", 1, "first"))
    write_parts(folder / "contexts", CONTEXTS, first, make_contexts(("q0", 1, "other")))
    drafts, dropped = read(folder, format=layout)
    assert [(draft.place, draft.contexts, draft.group) for draft in drafts] == [
        ("questions/part-00000.parquet: row 1", ("first", "second"), "heat"),
        ("questions/part-00000.parquet: row 2", (), "heat"),
        ("questions/part-00001.parquet: row 1", ("other",), "ice"),
    ]
    assert parts(drafts[0]) == ("Why 0?", "2", ["1", "3", "4", "5"])
    assert {(draft.source, draft.passage_id[0], draft.generated) for draft in drafts} == {("made", "p", True)}
    assert dropped == {}


def test_a_finished_set_is_a_source_too(tmp_path):
    questions = make_questions(3).assign(group=["q0", "q1", "q1"], passage_id=None)
    questions["answer"] = pd.array([1, None, 5], dtype="Int64")
    write_table(questions, QUESTIONS, tmp_path / "set" / "questions.parquet")
    write_table(make_contexts(("q2", 1, "text")), CONTEXTS, tmp_path / "set" / "contexts.parquet")
    assert "not finished" in refusal(tmp_path / "set")
    (tmp_path / "set" / "manifest.json").write_text("{}")
    drafts, dropped = read(tmp_path / "set", name="mine")
    assert [(draft.right, draft.group, draft.contexts) for draft in drafts] == [
        ("1", "", ()),  # its own id is no group
        ("5", "q1", ("text",)),
    ]
    assert {(draft.source, draft.passage_id, draft.generated) for draft in drafts} == {("mine", None, False)}
    assert dropped == {"no answer": 1}


def test_generated_parts_that_do_not_belong_together_are_refused(tmp_path):
    write_parts(tmp_path / "questions", QUESTIONS, make_questions(1), make_questions(1))
    write_parts(tmp_path / "contexts", CONTEXTS, make_contexts(("q0", 1, "text")))
    assert "part-00001.parquet" in refusal(tmp_path)


def test_generated_questions_that_are_not_finished_are_refused(tmp_path):
    write_parts(tmp_path / "questions", QUESTIONS, make_questions(1))
    (tmp_path / "questions" / "manifest.json").unlink()
    assert "not finished" in refusal(tmp_path)


# --------------------------------------------------------------------------- sources as a whole


@pytest.mark.parametrize("compress", [gzip.compress, bz2.compress])
@pytest.mark.parametrize("name", ["quiz.csv", "quiz", "quiz.csv.gz", "quiz.txt"])
def test_compression_and_layout_are_told_by_the_content(write, compress, name):
    drafts, _ = read(write(name, compress(lines(HEADER, ROW, ROW).encode())))
    assert [draft.right for draft in drafts] == ["c", "c"]
    assert drafts[0].source == "quiz"


def test_a_folder_may_hold_several_layouts(write, tmp_path):
    write("all/b.csv", lines(MMLU_HEADER, "What bends?,glass,light,air,sound,1"))
    write("all/a.jsonl", lines(OBJECT))
    write("all/c/mcql.json", [{"sentence": "Ice is", "answer": "cold", "distractors": ["hot"]}])
    write("all/.hidden.csv", "nothing")
    drafts, _ = read(tmp_path / "all")
    assert [draft.right for draft in drafts] == ["c", "light", "cold"]


def test_a_source_has_the_name_it_is_given(write):
    dropped = Tally()
    source = SourceConfig(path=str(write("quiz.csv", lines(HEADER, ROW, "8,,a,b,c,d,e,A"))), name="mine")
    assert [draft.source for draft in read_drafts(source, dropped)] == ["mine"]
    assert dropped.total("mine") == 1


def test_max_rows_counts_rows_over_all_files_and_reads_no_further(write, tmp_path):
    write("all/a.csv", lines(HEADER, "7,,a,b,c,d,e,A", ROW))
    write("all/b.csv", lines(HEADER, ROW, '8,"never closed'))
    drafts, dropped = read(tmp_path / "all", max_rows=3)
    assert [draft.place for draft in drafts] == ["a.csv: row 2", "b.csv: row 1"]
    assert dropped == {"no question": 1}


def test_drafts_come_before_the_file_is_read_to_its_end(write):
    drafts = read_drafts(SourceConfig(path=str(write("a.csv", lines(HEADER, ROW, '8,"open')))), Tally())
    assert next(drafts).right == "c"
    with pytest.raises(UserError, match=r"row 2.*quotes"):
        next(drafts)


def test_an_unknown_layout_shows_the_known_ones_and_what_to_write(write):
    message = refusal(write("quiz.csv", lines("q,x,y,label", "Why?,a,b,0")))
    assert "found the columns q, x, y, label" in message
    for layout in ("competition", "mmlu", "instructions", "mcql", "review", "sciq"):
        assert layout in message
    assert "format: columns, columns: {prompt:" in message


@pytest.mark.parametrize(
    ("name", "content", "expected"),
    [
        ("quiz.csv", "", "found an empty file"),
        ("quiz.json", '[{"sentence": "Why?", "answer": "a", "distractors": ["b"]}, {"sen', "row 2.*JSON"),
        ("quiz.json", '[{"sentence": "Why?", "answer": "a", "distractors": ["b"]}] x', "end of the file"),
        ("quiz.jsonl", '{"prompt": \n', "row 1: not valid JSON"),
        ("quiz.json", '{\n "data": []\n}', "row 1: not valid JSON"),
        ("quiz.csv", lines(HEADER, ROW, '8,"Why"?,a,b,c,d,e,A'), r"row 2 \(from line 3\).*closed quotes"),
        ("quiz.csv", lines(HEADER, ROW).encode() + b"8,\xff\n", "line 3: expected UTF-8"),
        ("quiz.csv", lines(HEADER, ROW).encode("utf-16"), "expected UTF-8"),
        ("quiz.csv", gzip.compress(lines(HEADER, *[ROW] * 99).encode(), mtime=0)[:-20], "read to its end"),
        ("quiz.parquet", b"PAR1 but no more", "whole Parquet file"),
        ("quiz.csv", lines(HEADER + ",A", ROW + ",A"), "twice"),
    ],
)
def test_a_damaged_file_is_an_error_for_the_user(write, name, content, expected):
    path = write(name, content)
    with pytest.raises(UserError, match=expected):
        read(path)
    assert str(path) in refusal(path)


@pytest.mark.parametrize("path", ["", "missing.csv", "someone/dataset"])
def test_a_path_that_is_not_there_says_so(path):
    message = refusal(path)
    assert "no such file or folder" in message
    assert "format: hub" in message


def test_a_folder_without_question_files_says_so(write, tmp_path):
    write("all/README.md", "nothing")
    assert "no .csv" in refusal(tmp_path / "all")
