"""Drafts -> rows of the questions and contexts tables."""

import pandas as pd
import pytest

from science_exam.questions.building.finishing import finish_drafts
from science_exam.questions.config import AugmentConfig
from science_exam.questions.drafts import Draft
from science_exam.tables import CONTEXTS, OPTION_COLUMNS, QUESTIONS, check_table

DRAFTS = [
    Draft(
        place=f"a.csv: row {n}", source="a", prompt=f"Question {n}?", right=f"right {n}",
        wrong=tuple(f"wrong {n}{letter}" for letter in "abcd"), contexts=(f"Text {n}.",), group=f"g{n}",
        passage_id=f"p{n}", question_id=f"a-{n}",
    )
    for n in range(10)
]  # fmt: skip


def right_options(questions):
    return [row[f"option_{row['answer']}"] for row in questions.to_dict("records")]


def find_two(questions):
    """A search that finds two passages for every question, listed worst first."""
    rows = [
        {"question_id": name, "rank": rank, "passage_id": f"f{rank}", "score": 1 / rank, "retriever": "fake",
         "text": f"Found text number {rank}."}
        for name in questions["question_id"]
        for rank in (2, 1)
    ]  # fmt: skip
    return pd.DataFrame(rows)


def test_every_draft_becomes_a_row_with_its_options_placed_and_its_context():
    finished = finish_drafts(DRAFTS, 0, AugmentConfig(), seed=0)
    check_table(finished.questions, QUESTIONS, "here")
    check_table(finished.contexts, CONTEXTS, "here")
    assert finished.questions["question_id"].tolist() == [f"a-{n}" for n in range(10)]
    assert right_options(finished.questions) == [f"right {n}" for n in range(10)]
    assert sorted(finished.questions["answer"]) == sorted([1, 2, 3, 4, 5] * 2)
    assert finished.contexts["text"].tolist() == [f"Text {n}." for n in range(10)]
    assert finished.contexts["passage_id"].tolist() == [f"p{n}" for n in range(10)]


def test_permutations_follow_one_another_in_one_group_with_the_same_contexts():
    finished = finish_drafts(DRAFTS, 0, AugmentConfig(permutations=3), seed=0)
    questions = finished.questions
    assert questions["question_id"].tolist()[:4] == ["a-0-1", "a-0-2", "a-0-3", "a-1-1"]
    assert questions["group"].tolist()[:4] == ["g0", "g0", "g0", "g1"]
    for _, rows in questions.groupby("group"):
        assert rows["answer"].nunique() == 3
        assert len({frozenset(options) for options in rows[list(OPTION_COLUMNS)].to_numpy().tolist()}) == 1
    assert finished.contexts.groupby("question_id")["text"].agg(list).loc["a-1-2"] == ["Text 1."]


def test_rows_do_not_depend_on_the_chunk_they_come_in():
    whole = finish_drafts(DRAFTS, 0, AugmentConfig(permutations=2, context_dropout=0.5), seed=4)
    parts = [
        finish_drafts(part, first, AugmentConfig(permutations=2, context_dropout=0.5), seed=4)
        for first, part in ((0, DRAFTS[:3]), (3, DRAFTS[3:]))
    ]
    pd.testing.assert_frame_equal(
        whole.questions, pd.concat([part.questions for part in parts], ignore_index=True)
    )
    assert whole.contexts["question_id"].tolist() == [
        name for part in parts for name in part.contexts["question_id"]
    ]


@pytest.mark.parametrize("permutations", [1, 2])
def test_found_contexts_are_read_best_first_in_place_of_the_given_one(permutations):
    config = AugmentConfig(contexts="retrieved", index="data/index/a", permutations=permutations)
    contexts = finish_drafts(DRAFTS[:1], 0, config, seed=0, find_contexts=find_two).contexts
    assert contexts["passage_id"].tolist() == ["f1", "f2"] * permutations
    assert contexts["rank"].tolist() == [1, 2] * permutations


def test_mixed_contexts_keep_the_given_one():
    config = AugmentConfig(contexts="mixed", index="data/index/a")
    contexts = finish_drafts(DRAFTS[:2], 0, config, seed=0, find_contexts=find_two).contexts
    for number, rows in contexts.groupby("question_id"):
        assert set(rows["passage_id"]) == {f"p{number[-1]}", "f1", "f2"}
