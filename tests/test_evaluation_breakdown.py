"""Scores by source and by right option."""

import pandas as pd
from hypothesis import given, settings
from hypothesis import strategies as st

from science_exam.evaluation.breakdown import MIN_QUESTIONS, format_breakdowns
from science_exam.evaluation.report import score_rankings
from science_exam.tables import OPTION_COLUMNS, QUESTIONS, check_table


def make_questions(sources, answers):
    options = dict.fromkeys(OPTION_COLUMNS, "an option")
    ids = [f"q{number}" for number in range(len(answers))]
    frame = pd.DataFrame({"question_id": ids, "source": sources, "answer": answers, "group": ids})
    return check_table(frame.assign(prompt="Which?", **options, passage_id=None), QUESTIONS, "here")


def read_tables(text):
    """Title of the first column -> rows of cells."""
    tables = {}
    for table in text.split("\n\n"):
        head, _, *rows = ([cell.strip() for cell in line.strip("|").split("|")] for line in table.split("\n"))
        assert head[1:] == ["questions", "accuracy", "MAP@3"]
        tables[head[0]] = rows
    return tables


def test_each_right_option_has_its_own_scores():
    # Always A B C: right for A, second for B, third for C, not at all for E; nobody asked for D.
    questions = make_questions(["one"] * 5, [1, 2, 3, 5, 1])
    scores = score_rankings("always A B C", [[1, 2, 3]] * 5, questions["answer"])
    assert read_tables(format_breakdowns(scores, questions)) == {
        "right option": [
            ["A", "2", "1.000 [1.000, 1.000]", "1.000 [1.000, 1.000]"],
            ["B", "1", "0.000 [0.000, 0.000]", "0.500 [0.500, 0.500]"],
            ["C", "1", "0.000 [0.000, 0.000]", "0.333 [0.333, 0.333]"],
            ["E", "1", "0.000 [0.000, 0.000]", "0.000 [0.000, 0.000]"],
        ]
    }


def test_sources_are_sorted_by_size_and_small_ones_share_the_last_row():
    sources = ["b"] * 10 + ["few"] * 9 + ["a"] * 10 + ["most"] * 11 + ["one"]
    questions = make_questions(sources, [1] * 41)
    # In b every fifth is right, in few all, in a none, in most all, and the last is second.
    rankings = [[1]] * 2 + [[2]] * 8 + [[1]] * 9 + [[2]] * 10 + [[1]] * 11 + [[2, 1]]
    tables = read_tables(format_breakdowns(score_rankings("m", rankings, [1] * 41), questions))
    assert list(tables) == ["source", "right option"]
    shown = [(*row[:2], row[2].split()[0], row[3].split()[0]) for row in tables["source"]]
    assert shown == [
        ("most", "11", "1.000", "1.000"),
        ("a", "10", "0.000", "0.000"),
        ("b", "10", "0.200", "0.200"),
        ("others (2, of fewer than 10 each)", "10", "0.900", "0.950"),
    ]


def test_a_question_without_an_answer_counts_in_no_row():
    questions = make_questions(["one", "two"] * 10, [None, 1] * 10)
    scores = score_rankings("m", [[1]] * 10, [1] * 10)
    tables = read_tables(format_breakdowns(scores, questions))
    assert tables == {"right option": [["A", "10", "1.000 [1.000, 1.000]", "1.000 [1.000, 1.000]"]]}


@settings(deadline=None, max_examples=30)
@given(
    st.lists(
        st.tuples(st.sampled_from("xyz"), st.integers(1, 5), st.permutations(range(1, 6))),
        min_size=1,
        max_size=3 * MIN_QUESTIONS,
    )
)
def test_rows_of_a_table_add_up_to_all_questions(rows):
    sources, answers, rankings = zip(*rows, strict=True)
    questions = make_questions(sources, answers)
    scores = score_rankings("m", rankings, answers)
    for table in read_tables(format_breakdowns(scores, questions)).values():
        counts = [int(row[1]) for row in table]
        assert sum(counts) == len(rows)
        right = sum(n * float(row[2].split()[0]) for n, row in zip(counts, table, strict=True))
        assert abs(right - scores.right.sum()) <= 0.0005 * len(rows) + 1e-9
