"""What is said about a built set."""

from collections import Counter

import pytest

from science_exam.questions.building.statistics import N_EXAMPLES, Example, Statistics, describe_spread


def count_rows(rows, seed=0):
    statistics = Statistics(seed)
    for number, (options, answer) in enumerate(rows):
        statistics.add("quiz", Example(f"q{number}", "What is it?", options, answer), n_contexts=number % 2)
    return statistics


def test_balance_and_baselines_are_counted_row_by_row():
    statistics = count_rows(
        [
            (["aaa", "bb", "c", "dd", "ee"], 1),
            (["aaa", "bbb", "c", "dd", "ee"], 2),
            (["aa", "b", "cc", "dd", "ee"], 2),
        ]
    )
    assert statistics.rows == {"quiz": 3}
    assert statistics.longest["quiz"] == pytest.approx(1 + 1 / 2)
    assert statistics.shortest["quiz"] == 1
    assert statistics.position_shares() == pytest.approx([1 / 3, 2 / 3, 0, 0, 0])
    assert statistics.n_contexts == {0: 2, 1: 1}
    assert statistics.prompt_words == {3: 3}


def test_examples_are_all_rows_of_a_small_set_and_ten_of_a_large_one():
    assert len(count_rows([(list("abcde"), 1)] * 4).examples) == 4
    assert len(count_rows([(list("abcde"), 1)] * 400).examples) == N_EXAMPLES


def test_every_row_has_the_same_chance_to_be_an_example():
    rows = [(list("abcde"), 1)] * 40
    drawn = Counter(row.question_id for seed in range(400) for row in count_rows(rows, seed).examples)
    assert len(drawn) == 40
    assert 60 < min(drawn.values()) <= max(drawn.values()) < 145  # 100 on average


def test_lengths_are_summed_up_by_their_middle_their_rim_and_their_end():
    assert describe_spread(Counter({3: 60, 10: 35, 99: 5})) == "median 3, 95% have at most 10, the longest 99"
