"""Ranked passages become contexts: best first, distinct, within the budget."""

import pytest
from small_library import make_hits, write_passages

from science_exam.retrieval.contexts import CANDIDATES, choose_contexts
from science_exam.tables import CONTEXTS, check_table

WATER = "water boils at one hundred degrees and freezes at zero"
TEXTS = [
    "Light\nLight travels faster than sound in air.",  # 0
    "Sound\nSound needs a medium and light does not.",  # 1
    f"Water\n{WATER}",  # 2
    f"Water\n{WATER} degrees",  # 3: 2 and one word more
    "Iron\nIron rusts in damp air.",  # 4
    "Gold\nGold does not rust.",  # 5
]
N_TOKENS = [50, 60, 30, 31, 10, 5]


@pytest.fixture(scope="module")
def store(tmp_path_factory):
    return write_passages(tmp_path_factory.mktemp("corpus"), TEXTS[:2], TEXTS[2:], n_tokens=N_TOKENS)


@pytest.fixture
def choose(store):
    """Contexts of one question with these rows as hits; the chosen rows."""

    def choose(*rows, k=10, max_tokens=0, max_overlap=0.6):
        hits = make_hits([(row, -number) for number, row in enumerate(rows)], k=len(rows) + 3)
        table = choose_contexts(["q"], hits, store, "lexical", k, max_tokens, max_overlap)
        assert table["rank"].tolist() == list(range(1, len(table) + 1))
        return [int(name[1:]) for name in table["passage_id"]]

    return choose


def test_each_context_is_a_row_of_the_contexts_table(store):
    hits = make_hits([(4, 0.75), (1, 0.5)], [(0, 0.25)])
    table = choose_contexts(["b", "a"], hits, store, "lexical+dense", 10, 0, 0.6)
    check_table(table, CONTEXTS, "test")
    assert list(table.itertuples(index=False, name=None)) == [
        ("b", 1, "p4", 0.75, "lexical+dense", TEXTS[4]),
        ("b", 2, "p1", 0.5, "lexical+dense", TEXTS[1]),
        ("a", 1, "p0", 0.25, "lexical+dense", TEXTS[0]),
    ]


def test_the_best_stand_first(choose):
    assert choose(5, 0, 4) == [5, 0, 4]


def test_at_most_k_are_kept(choose):
    assert choose(5, 0, 4, k=2) == [5, 0]
    assert choose(5, 0, 4, k=1) == [5]


def test_a_passage_that_repeats_a_better_one_is_left_out(choose):
    assert choose(2, 3, 4) == [2, 4]
    assert choose(3, 0, 2) == [3, 0]


def test_what_counts_as_repeated_is_a_setting(choose):
    # Word triples: 9 in passage 2 (11 words), and one more in passage 3: 9 / 10.
    assert choose(2, 3, max_overlap=0.95) == [2, 3]
    assert choose(2, 3, max_overlap=0.85) == [2]


def test_a_passage_left_out_takes_no_place_among_the_k_and_none_of_the_budget(choose):
    assert choose(2, 3, 4, k=2) == [2, 4]
    assert choose(2, 3, 4, max_tokens=40) == [2, 4]


def test_repeats_are_judged_against_every_better_context(choose):
    assert choose(2, 0, 1, 3) == [2, 0, 1]


def test_the_first_passage_beyond_the_budget_ends_the_list(choose):
    assert choose(0, 4, 1, 5, max_tokens=100) == [0, 4]  # 50 + 10; 60 more are too many, and 5 is not asked
    assert choose(0, 4, 1, 5, max_tokens=120) == [0, 4, 1]
    assert choose(0, 4, 1, 5, max_tokens=125) == [0, 4, 1, 5]  # to the token


def test_the_best_passage_is_kept_however_long(choose):
    assert choose(1, 5, max_tokens=7) == [1]
    assert choose(1, 5, max_tokens=1) == [1]


def test_no_budget_is_no_limit(choose):
    assert choose(0, 1, 2, 4, 5, max_tokens=0) == [0, 1, 2, 4, 5]


def test_hits_far_down_the_list_are_not_looked_at(tmp_path):
    assert CANDIDATES == 4
    store = write_passages(tmp_path, [*(f"{WATER} {number}" for number in range(8)), "Gold does not rust."])
    for places, expected in (([0, 1, 2, 3, 4, 5, 6, 8], ["p0", "p8"]), (range(9), ["p0"])):  # k=2: eight
        hits = make_hits([(row, 0) for row in places])
        assert choose_contexts(["q"], hits, store, "x", 2, 0, 0.6)["passage_id"].tolist() == expected


def test_questions_without_hits_get_no_rows(store):
    table = choose_contexts(["a", "b", "c"], make_hits([], [(4, 1)], [], k=2), store, "dense", 5, 0, 0.6)
    assert table["question_id"].tolist() == ["b"]


def test_no_hits_at_all_give_an_empty_table_of_the_same_kind(store):
    table = choose_contexts(["a", "b"], make_hits([], [], k=2), store, "dense", 5, 0, 0.6)
    assert table.empty
    assert list(table.columns) == list(CONTEXTS.columns)
    check_table(table, CONTEXTS, "test")


def test_questions_may_share_a_passage(store):
    table = choose_contexts(["a", "b"], make_hits([(4, 1)], [(4, 2)]), store, "dense", 5, 0, 0.6)
    assert table["passage_id"].tolist() == ["p4", "p4"]
    assert table["rank"].tolist() == [1, 1]
    assert table["score"].tolist() == [1, 2]
