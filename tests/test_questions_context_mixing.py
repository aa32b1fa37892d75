"""Which contexts a question is read with, and in which order."""

import random
from collections import Counter

import pytest

from science_exam.questions.building.context_mixing import Context, list_rows, mix_contexts
from science_exam.questions.config import AugmentConfig

GOLD = Context("Argon is a noble gas that makes up about one percent of air.", passage_id="gold")
TWIN = Context("Argon is a noble gas that makes up about one percent of dry air.", "lexical", "twin", 9.0)
SAME = Context("Another text under the same name.", "lexical", "gold", 8.0)
FOUND = [
    TWIN,
    SAME,
    *(
        Context(f"Passage {n} is about something else entirely.", "lexical", f"p{n}", 7.0 - n)
        for n in range(4)
    ),
]
MIXED = AugmentConfig(contexts="mixed", index="data/index/a", max_contexts=3)
RETRIEVED = AugmentConfig(contexts="retrieved", index="data/index/a", max_contexts=3)


def mix(config, given=(GOLD,), found=FOUND, seed=0):
    return mix_contexts(given, found, config, random.Random(seed))


def names(contexts):
    return [context.passage_id for context in contexts]


def test_given_contexts_stay_as_they_came_up_to_the_limit():
    given = [Context(str(n)) for n in range(5)]
    assert mix(AugmentConfig(max_contexts=2), given) == given[:2]


def test_retrieved_contexts_take_the_place_of_the_given_one():
    assert names(mix(RETRIEVED)) == ["twin", "gold", "p0"]


def test_mixed_contexts_hold_the_given_one_among_others_that_say_something_else():
    assert sorted(names(mix(MIXED))) == ["gold", "p0", "p1"]


def test_the_given_one_stands_at_every_rank_equally_often():
    ranks = Counter(names(mix(MIXED, seed=seed)).index("gold") for seed in range(300))
    assert sorted(ranks) == [0, 1, 2]
    assert min(ranks.values()) > 70


def test_without_a_given_context_those_that_are_found_have_to_do():
    assert names(mix(MIXED, given=())) == ["twin", "gold", "p0"]


def test_with_nothing_found_the_given_one_stands_alone():
    assert names(mix(MIXED, found=())) == ["gold"]


@pytest.mark.parametrize(("dropout", "expected"), [(0.0, 0), (1.0, 1000)])
def test_dropout_takes_all_contexts_of_a_question(dropout, expected):
    config = AugmentConfig(context_dropout=dropout)
    assert sum(not mix(config, seed=seed) for seed in range(1000)) == expected


def test_dropout_takes_the_share_that_was_asked_for():
    config = AugmentConfig(context_dropout=0.25)
    assert 200 < sum(not mix(config, seed=seed) for seed in range(1000)) < 300


def test_rows_are_ranked_in_the_order_of_reading():
    rows = list_rows("q1", [GOLD, TWIN])
    assert [(row["question_id"], row["rank"], row["passage_id"], row["score"]) for row in rows] == [
        ("q1", 1, "gold", None),
        ("q1", 2, "twin", 9.0),
    ]
