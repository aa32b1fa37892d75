from collections import Counter

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from science_exam.training.fast.rows import Group, Row, divide_step, group_rows, order_steps


def make_example(prompt: list[int], completion: list[int], group=None) -> dict:
    mask = [0] * len(prompt) + [1] * len(completion)
    example = {"input_ids": prompt + completion, "completion_mask": mask}
    return example if group is None else {**example, "group": group}


# Few different tokens, so that rows often begin alike.
token_lists = st.lists(st.integers(0, 1), min_size=1, max_size=8)
example_lists = st.lists(
    st.builds(make_example, token_lists, token_lists, st.sampled_from([None, "a", "b"])), max_size=12
)
groups_of_rows = example_lists.filter(bool).map(group_rows)


def make_group(n_rows: int, n_tokens: int, n_shared: int = 0) -> Group:
    """Rows with as many tokens each, the last a target."""
    return Group(tuple(Row(list(range(n_tokens)), n_tokens - 1) for _ in range(n_rows)), n_shared)


def test_consecutive_rows_of_one_question_share_what_they_begin_with():
    examples = [
        make_example([1, 2, 3, 4], [9], "q1"),
        make_example([1, 2, 3, 5, 6], [9, 8], "q1"),
        make_example([1, 2, 3, 4], [9], "q2"),
    ]
    groups = group_rows(examples)
    assert groups == [
        Group((Row([1, 2, 3, 4, 9], 4), Row([1, 2, 3, 5, 6, 9, 8], 5)), 3),
        Group((Row([1, 2, 3, 4, 9], 4),), 0),
    ]
    # Three shared, then 4, and 5, 6, 9: the last token of a row is never an input.
    assert [group.n_tokens for group in groups] == [3 + 1 + 3, 4]
    assert [group.n_targets for group in groups] == [3, 1]


def test_a_prompt_keeps_its_last_token_for_itself():
    same = make_example([1, 2, 3], [9], "q")
    shorter = make_example([1, 2], [3, 9], "q")
    assert [group.n_shared for group in group_rows([same, same])] == [2]
    assert [group.n_shared for group in group_rows([same, shorter])] == [1]
    assert [group.n_shared for group in group_rows([make_example([1], [9], "q")] * 2)] == [0]


def test_rows_without_a_group_and_rows_that_stand_apart_share_nothing():
    row, other = make_example([1, 2, 3], [9]), make_example([1, 2, 3], [9], "q")
    assert [len(group.rows) for group in group_rows([row, row, other, row, other])] == [1] * 5
    assert [len(group.rows) for group in group_rows([other, other], share_prefixes=False)] == [1, 1]


@given(example_lists)
def test_grouping_loses_no_row_and_shares_only_what_is_the_same(examples):
    groups = group_rows(examples)
    rows = [row for group in groups for row in group.rows]
    assert [row.ids for row in rows] == [example["input_ids"] for example in examples]
    assert [row.n_targets for row in rows] == [sum(example["completion_mask"]) for example in examples]
    for group in groups:
        assert len({tuple(row.ids[: group.n_shared]) for row in group.rows}) == 1
        assert all(group.n_shared < row.n_prompt for row in group.rows)
        assert group.n_shared == 0 or len(group.rows) > 1


@given(groups_of_rows, st.integers(1, 5), st.integers(0, 3), st.integers(0, 3))
def test_an_epoch_takes_every_group_once(groups, rows_per_step, seed, epoch):
    steps = order_steps(groups, rows_per_step, seed, epoch)
    taken = Counter(id(group) for step in steps for group in step)
    assert taken == Counter(id(group) for group in groups)
    n_rows = [[len(group.rows) for group in step] for step in steps]
    for rows in n_rows[:-1]:
        assert sum(rows) >= rows_per_step > sum(rows[:-1])  # full, and not before its last group
    assert sum(n_rows[-1][:-1]) < rows_per_step


def test_the_order_depends_on_seed_and_epoch_alone():
    groups = [make_group(1, 2 + number) for number in range(20)]
    first = order_steps(groups, 4, seed=1, epoch=0)
    assert [len(step) for step in first] == [4] * 5
    assert first == order_steps(groups, 4, seed=1, epoch=0)
    assert first != order_steps(groups, 4, seed=2, epoch=0)
    assert first != order_steps(groups, 4, seed=1, epoch=1)


@settings(max_examples=50)
@given(groups_of_rows, st.integers(1, 40), st.integers(1, 4))
def test_a_divided_step_loses_no_row_and_keeps_to_the_budget(groups, max_tokens, n_processes):
    shares = divide_step(groups, max_tokens, n_processes)
    assert len(shares) == n_processes
    lists = [held for share in shares for held in share]
    rows = Counter(id(row) for held in lists for group in held for row in group.rows)
    assert rows == Counter(id(row) for group in groups for row in group.rows)
    for held in lists:
        alone = len(held) == len(held[0].rows) == 1  # a row that is too long goes by itself
        assert alone or sum(group.n_tokens for group in held) <= max_tokens


@given(groups_of_rows, st.integers(1, 40), st.integers(2, 4))
def test_processes_differ_by_no_more_than_one_piece(groups, max_tokens, n_processes):
    shares = divide_step(groups, max_tokens, n_processes)
    pieces = [group.n_tokens for share in shares for held in share for group in held]
    loads = [sum(group.n_tokens for held in share for group in held) for share in shares]
    assert max(loads) - min(loads) <= max(pieces)


def test_a_step_divided_by_hand():
    groups = [make_group(1, n_tokens + 1) for n_tokens in (10, 60, 30, 50, 40)]
    [lists] = divide_step(groups, 100)
    # Longest first, each where there is room: 60 + 40, 50 + 30 + 10.
    assert [[group.n_tokens for group in held] for held in lists] == [[60, 40], [50, 30, 10]]
    first, second = divide_step(groups, 100, n_processes=2)
    # To whom has least: 60, 50 | then 40 to the second, 30 to the first, 10 to either.
    assert [[group.n_tokens for group in held] for held in first] == [[60, 30, 10]]
    assert [[group.n_tokens for group in held] for held in second] == [[50, 40]]


def test_more_processes_than_groups_leave_some_without_work():
    assert [len(share) for share in divide_step([make_group(1, 5)], 100, 3)] == [1, 0, 0]


@pytest.mark.parametrize(
    ("max_tokens", "n_rows", "n_shared"),
    [
        (40, [4], [10]),  # 10 + 4 × 7 = 38
        (37, [2, 2], [10, 10]),  # 10 + 2 × 7 = 24 each
        (20, [1, 1, 1, 1], [0, 0, 0, 0]),  # alone nothing is shared
        (1, [1, 1, 1, 1], [0, 0, 0, 0]),
    ],
)
def test_a_group_that_is_too_long_is_cut_in_half_until_it_fits(max_tokens, n_rows, n_shared):
    [lists] = divide_step([make_group(4, 18, n_shared=10)], max_tokens)
    pieces = [group for held in lists for group in held]
    assert [len(piece.rows) for piece in pieces] == n_rows
    assert [piece.n_shared for piece in pieces] == n_shared
