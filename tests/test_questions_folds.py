"""Folds: what belongs together stays together, and every row is held out once."""

from pathlib import Path

import pandas as pd
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from science_exam.errors import UserError
from science_exam.questions.folds import assign_folds, merge_groups
from science_exam.questions.sources import read_questions
from science_exam.tables import FOLDS, OPTION_COLUMNS, QUESTIONS, check_table

SAMPLE = Path(__file__).parents[1] / "data" / "sample" / "sample.jsonl"


def unlike(number):
    """Five options that share no word with those of another number."""
    return [f"option{number}x{i} alpha{number}x{i} beta{number}x{i}" for i in range(5)]


def make_questions(*rows):
    """Rows of (prompt, options, answer, group); None takes something unlike every other row."""
    table = [
        {
            "question_id": f"q{i}",
            "prompt": prompt or f"prompt{i} gamma{i} delta{i}",
            **dict(zip(OPTION_COLUMNS, options or unlike(i), strict=True)),
            "answer": answer,
            "source": "test",
            "group": group or f"g{i}",
            "passage_id": None,
        }
        for i, (prompt, options, answer, group) in enumerate(rows)
    ]
    return check_table(pd.DataFrame(table), QUESTIONS, "test")


def merged(*rows):
    return merge_groups(make_questions(*rows), 0.5)["group"].tolist()


# -------------------------------------------------------------------------------------- groups


def test_rows_that_share_nothing_keep_their_groups():
    assert merged((None, None, 1, None), (None, None, 2, None)) == ["g0", "g1"]


def test_a_group_that_is_given_stays_whole():
    assert merged((None, None, 1, "a"), (None, None, 2, "b"), (None, None, 3, "a")) == ["a", "b", "a"]


def test_the_same_prompt_with_the_same_right_option_is_one_group_whatever_the_wrong_ones():
    first, second = ["right", *unlike(1)[1:]], [*unlike(2)[:3], "Right", unlike(2)[4]]
    assert merged(("Why so?", first, 1, None), ("why SO?", second, 4, None)) == ["g0", "g0"]


def test_the_same_prompt_with_other_options_is_not_one_group():
    rows = [("Which statement is correct?", unlike(i), 1, None) for i in range(3)]
    assert merged(*rows) == ["g0", "g1", "g2"]


def test_the_same_right_option_alone_is_not_one_group():
    assert merged((None, ["CO2", *unlike(0)[1:]], 1, None), (None, ["CO2", *unlike(1)[1:]], 1, None)) == [
        "g0",
        "g1",
    ]


@pytest.mark.parametrize("order", [(4, 3, 2, 1, 0), (1, 0, 2, 3, 4), (2, 3, 4, 0, 1)])
def test_the_order_of_the_options_does_not_matter(order):
    options = unlike(0)
    reordered = [options[i] for i in order]
    assert merged(("Why?", options, 1, None), ("How?", reordered, 1 + order.index(0), None)) == ["g0", "g0"]


def test_near_identical_rows_are_one_group_even_with_other_answers():
    prompt = "Which of the following particles carries the electromagnetic force between charges"
    other = prompt.replace("Which of", "What among")
    assert merged((prompt, unlike(0), 1, None), (other, unlike(0), 2, None)) == ["g0", "g0"]


def test_what_hangs_together_over_several_links_is_one_group_named_after_its_first_row():
    right = ["right", *unlike(9)[1:]]
    rows = [
        (None, None, 1, "z"),  # 0: the same group as 2
        (None, None, 1, "y"),
        ("Why so?", ["right", *unlike(2)[1:]], 1, "z"),  # 2: prompt and right option of 3
        ("Why so?", right, 1, "a"),
    ]
    assert merged(*rows) == ["z", "y", "z", "z"]


def test_rows_without_answer_are_grouped_too():
    options = unlike(0)
    assert merged(
        ("Why?", options, None, None), ("Why?", options[::-1], None, None), (None, None, None, None)
    ) == [
        "g0",
        "g0",
        "g2",
    ]


def test_merging_changes_nothing_but_the_group():
    questions = make_questions((None, None, 1, "a"), (None, None, 2, "a"))
    before = questions.copy()
    after = merge_groups(questions, 0.5)
    pd.testing.assert_frame_equal(questions, before)
    pd.testing.assert_frame_equal(after.drop(columns="group"), before.drop(columns="group"))


def test_a_selection_of_a_table_is_grouped_by_its_rows_and_not_by_its_index():
    rows = [("Why so?", ["right", *unlike(i)[1:]], 1, None) for i in range(4)]
    questions = make_questions((None, None, 1, None), *rows)
    assert merge_groups(questions.iloc[[0, 2, 4]], 0.5)["group"].tolist() == ["g0", "g2", "g2"]


# --------------------------------------------------------------------------------------- folds


def many(n, group_size=1):
    return make_questions(*((None, None, 1 + i % 5, f"g{i // group_size}") for i in range(n)))


def test_every_row_is_in_one_fold_in_the_order_of_the_questions():
    questions = many(40)
    folds = check_table(assign_folds(questions, 4, seed=0), FOLDS, "folds")
    assert folds["question_id"].tolist() == questions["question_id"].tolist()
    assert sorted(folds["fold"].unique()) == [0, 1, 2, 3]


def test_folds_are_balanced_in_size_and_answers_where_that_is_possible():
    questions = many(100)
    folds = assign_folds(questions, 5, seed=0)
    table = pd.crosstab(folds["fold"].to_numpy(), questions["answer"].to_numpy())
    assert (table == 4).all(axis=None)  # 20 rows of each answer over 5 folds


def test_the_same_seed_gives_the_same_folds_and_another_seed_others():
    questions = many(50, group_size=2)
    first = assign_folds(questions, 5, seed=1)
    pd.testing.assert_frame_equal(first, assign_folds(questions, 5, seed=1))
    assert not first.equals(assign_folds(questions, 5, seed=2))


def test_fewer_groups_than_folds_say_what_to_do():
    with pytest.raises(UserError) as caught:
        assign_folds(many(12, group_size=4), 5, seed=0)
    assert "12 questions form only 3 groups" in str(caught.value)
    assert "folds=5" in str(caught.value)


def test_as_many_groups_as_folds_are_enough():
    folds = assign_folds(many(12, group_size=4), 3, seed=0)
    assert sorted(folds["fold"].value_counts()) == [4, 4, 4]


@pytest.mark.parametrize("n", [5, 10, 20])
def test_a_small_set_with_few_rows_of_every_answer_is_split_all_the_same(n):
    # Ten questions with two of each answer: no answer has as many rows as there are folds.
    folds = assign_folds(many(n), 5, seed=0)
    assert folds["fold"].value_counts().tolist() == [n // 5] * 5


def test_a_set_without_answers_is_split_evenly():
    questions = many(20).assign(answer=pd.array([None] * 20, dtype="Int64"))
    assert assign_folds(questions, 4, seed=0)["fold"].value_counts().tolist() == [5] * 4


def test_no_fold_is_empty_while_there_are_enough_groups():
    # Five groups of 3, 1, 3, 1 and 3 rows for five folds: one each.
    groups, answers = "aaabcccdeee", [3, 1, 2, 4, 1, 1, 1, 1, 2, 2, 2]
    rows = [(None, None, answer, group) for group, answer in zip(groups, answers, strict=True)]
    for seed in range(10):
        folds = assign_folds(make_questions(*rows), 5, seed)
        assert folds["fold"].nunique() == 5, f"seed {seed}"


# Few prompts, options, answers and groups, so that every kind of link arises by chance.
ROWS = st.lists(
    st.tuples(
        st.sampled_from([None, None, None, "Why so?", "Which statement is correct?"]),
        st.sampled_from([None, None, None, unlike("a"), unlike("a")[::-1], ["right", *unlike("b")[1:]]]),
        st.sampled_from([1, 1, 2, 3, 4, 5, None]),
        st.sampled_from([None, None, None, "shared", "other"]),
    ),
    min_size=8,
    max_size=24,
)


@settings(max_examples=40, deadline=None)
@given(rows=ROWS, n_folds=st.integers(2, 3), seed=st.integers(0, 3))
def test_whatever_the_rows_nothing_that_belongs_together_is_split(rows, n_folds, seed):
    questions = make_questions(*rows)
    grouped = merge_groups(questions, 0.5)
    assume(grouped["group"].nunique() >= n_folds)
    assume(grouped["answer"].fillna(0).value_counts().max() >= n_folds)  # its own test above
    folds = assign_folds(grouped, n_folds, seed)
    assert folds["question_id"].tolist() == questions["question_id"].tolist()
    assert folds["fold"].between(0, n_folds - 1).all()

    fold = folds["fold"].tolist()
    records = questions.to_dict("records")
    for i, a in enumerate(records):
        for j, b in enumerate(records[:i]):
            options = [{row[c] for c in OPTION_COLUMNS} for row in (a, b)]
            right = [
                row[f"option_{row['answer']}"] if isinstance(row["answer"], int) else None for row in (a, b)
            ]
            same_prompt = a["prompt"] == b["prompt"]
            if (
                a["group"] == b["group"]
                or (same_prompt and options[0] == options[1])
                or (same_prompt and right[0] is not None and right[0] == right[1])
            ):
                assert fold[i] == fold[j], (a, b)


@settings(max_examples=25, deadline=None)
@given(data=st.data())
def test_reordering_the_options_of_any_row_changes_no_group(data):
    # A row without answer has no right option to follow.
    rows = [(prompt, options, answer or 1, group) for prompt, options, answer, group in data.draw(ROWS)]
    shuffled = []
    for i, (prompt, options, answer, group) in enumerate(rows):
        order = data.draw(st.permutations(range(5)))
        options = options or unlike(i)
        shuffled.append((prompt, [options[k] for k in order], 1 + order.index(answer - 1), group))
    assert merged(*rows) == merged(*shuffled)


# -------------------------------------------------------------------------------------- sample


def test_the_sample_is_split_evenly_and_by_article():
    questions = merge_groups(read_questions(SAMPLE)[0], 0.5)
    folds = assign_folds(questions, 5, seed=0)["fold"].to_numpy()
    assert (questions["group"].groupby(questions["group"]).size() <= 10).all()
    assert pd.Series(folds).groupby(questions["group"].to_numpy()).nunique().max() == 1
    sizes = pd.Series(folds).value_counts()
    assert sizes.max() - sizes.min() <= 4
    table = pd.crosstab(folds, questions["answer"].to_numpy())
    assert (table.max() - table.min() <= 5).all()
