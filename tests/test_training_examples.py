import pandas as pd
import pytest
from conftest import KINDS, LLAMA
from hypothesis import given, settings
from hypothesis import strategies as st

from science_exam.errors import UserError
from science_exam.prompt import build_prompt, encode_completions, encode_prompt, join_contexts
from science_exam.tables import FOLDS, check_table
from science_exam.training.config import TrainConfig
from science_exam.training.examples import build_examples, prepare_examples, split_fold


def split_ids(split):
    return [set(frame["question_id"]) for frame in (split.train, split.validation, split.held_out)]


@pytest.mark.parametrize("kind", KINDS)
def test_the_loss_mask_covers_exactly_the_answer_and_the_end(bases, question_set, kind):
    tokenizer = bases[kind].tokenizer
    questions = join_contexts(question_set.questions.head(6), question_set.contexts, 2)
    for question, row in zip(questions, build_examples(questions, tokenizer, 600), strict=True):
        assert set(row) == {"input_ids", "completion_mask", "group"}
        assert row["group"] == question.question_id
        ids, mask = row["input_ids"], row["completion_mask"]
        assert len(ids) == len(mask)
        start = mask.index(1)
        assert mask == [0] * start + [1] * (len(ids) - start)
        assert ids[:start] == encode_prompt(question, tokenizer, 600)  # as in answering
        assert ids[start:] == encode_completions(tokenizer)[question.answer - 1]
        assert tokenizer.decode(ids[start:-1]).strip() == f"option_{question.answer}"
        assert ids[-1] == tokenizer.eos_token_id


def test_rows_keep_the_budget_with_their_answer(bases, question_set):
    tokenizer = bases[LLAMA].tokenizer
    questions = join_contexts(question_set.questions, question_set.contexts, 2)
    bare = max(len(tokenizer(build_prompt(question))["input_ids"]) for question in questions)
    max_tokens = bare + 4 + 12  # 4 for the answer: some sentences fit, not all
    lengths = [len(row["input_ids"]) for row in build_examples(questions, tokenizer, max_tokens)]
    assert max_tokens - 12 <= max(lengths) <= max_tokens


def test_a_question_without_an_answer_is_named(bases, question_set):
    questions = question_set.questions.assign(answer=pd.array([1, None] * 20, dtype="Int64"))
    with pytest.raises(UserError, match="'hydrogen-2': expected an answer"):
        build_examples(join_contexts(questions, None, 0), bases[LLAMA].tokenizer, 600)


def test_a_question_that_cannot_fit_is_named(bases, question_set):
    with pytest.raises(UserError, match="'hydrogen-1' has"):
        build_examples(join_contexts(question_set.questions, None, 0), bases[LLAMA].tokenizer, 50)


def test_a_fold_is_prepared_in_as_many_orders_as_asked_for(bases, question_set):
    tokenizer = bases[LLAMA].tokenizer
    split = split_fold(question_set.questions, question_set.folds, 0, 0.1, seed=0)
    config = TrainConfig(max_tokens=600, max_contexts=1, permutations=3)
    rows = prepare_examples(split, question_set.contexts, tokenizer, config)
    asked = join_contexts(split.train, question_set.contexts, 1)
    assert len(rows) == 3 * len(asked)
    assert rows[::3] == build_examples(asked, tokenizer, 600)


def test_contexts_that_are_cut_in_training_are_said(bases, question_set, capsys):
    split = split_fold(question_set.questions, question_set.folds, 0, 0.0, seed=0)
    contexts = question_set.contexts.assign(text=question_set.contexts["text"] + " It is so." * 200)
    for table, said in ((question_set.contexts, False), (contexts, True)):
        prepare_examples(split, table, bases[LLAMA].tokenizer, TrainConfig(max_tokens=600, max_contexts=1))
        assert ("contexts: 100% of the prompts" in capsys.readouterr().out) == said


@pytest.mark.parametrize("part", ["train", "validation", "held_out"])
def test_a_fold_with_a_question_that_cannot_fit_is_refused_before_training(bases, question_set, part):
    split = split_fold(question_set.questions, question_set.folds, 0, 0.1, seed=0)
    long = getattr(split, part)["question_id"].iloc[-1]
    prompts = question_set.questions["prompt"].where(
        question_set.questions["question_id"] != long, "so " * 900
    )
    split = split_fold(question_set.questions.assign(prompt=prompts), question_set.folds, 0, 0.1, seed=0)
    with pytest.raises(UserError, match=f"question {long!r} has"):
        prepare_examples(split, question_set.contexts, bases[LLAMA].tokenizer, TrainConfig(max_tokens=600))


def test_no_validation_means_all_the_other_folds(question_set):
    split = split_fold(question_set.questions, question_set.folds, 2, 0.0, seed=0)
    assert (len(split.train), len(split.validation), len(split.held_out)) == (32, 0, 8)
    fold_of = question_set.folds.set_index("question_id")["fold"]
    assert set(fold_of[split.held_out["question_id"]]) == {2}
    assert 2 not in set(fold_of[split.train["question_id"]])


@settings(deadline=None)
@given(fold=st.integers(0, 4), fraction=st.floats(0.01, 0.6), seed=st.integers(0, 5))
def test_parts_are_disjoint_whole_and_keep_groups_together(question_set, fold, fraction, seed):
    split = split_fold(question_set.questions, question_set.folds, fold, fraction, seed)
    train, validation, held_out = split_ids(split)
    assert train | validation | held_out == set(question_set.questions["question_id"])
    assert len(train) + len(validation) + len(held_out) == 40
    groups = [set(frame["group"]) for frame in (split.train, split.validation, split.held_out)]
    assert not (groups[0] & groups[1] or groups[0] & groups[2] or groups[1] & groups[2])
    # At least the share asked for, at most one group of two rows more.
    assert fraction * 32 <= len(validation) < fraction * 32 + 2


def test_the_seed_chooses_the_validation_groups_and_the_row_order_does_not(question_set):
    def validation(questions, seed):
        return split_ids(split_fold(questions, question_set.folds, 0, 0.3, seed))[1]

    shuffled = question_set.questions.sample(frac=1, random_state=1)
    assert validation(question_set.questions, 0) == validation(shuffled, 0)
    assert validation(question_set.questions, 0) != validation(question_set.questions, 1)


def test_rows_without_an_answer_are_held_out_but_not_trained_on(question_set):
    questions = question_set.questions.assign(answer=pd.array([1, None] * 20, dtype="Int64"))
    split = split_fold(questions, question_set.folds, 0, 0.25, seed=0)
    assert split.train["answer"].notna().all()
    assert split.validation["answer"].notna().all()
    assert (len(split.train) + len(split.validation), len(split.held_out)) == (16, 8)


def test_an_unknown_fold_is_refused_with_those_there_are(question_set):
    with pytest.raises(UserError, match="fold=5: expected one of 0, 1, 2, 3, 4"):
        split_fold(question_set.questions, question_set.folds, 5, 0.0, seed=0)


def test_the_folds_of_another_question_set_are_refused(question_set):
    with pytest.raises(UserError, match="'iron-2' has no fold"):
        split_fold(question_set.questions, question_set.folds.iloc[:-1], 0, 0.0, seed=0)


def test_nothing_left_to_train_on_is_refused(question_set):
    outside = (question_set.folds["fold"] != 0).to_numpy()
    questions = question_set.questions.assign(answer=question_set.questions["answer"].mask(outside))
    with pytest.raises(UserError, match="left to train on"):
        split_fold(questions, question_set.folds, 0, 0.0, seed=0)


def test_a_held_out_fold_without_answers_is_refused_before_training(question_set):
    inside = (question_set.folds["fold"] == 0).to_numpy()
    questions = question_set.questions.assign(answer=question_set.questions["answer"].mask(inside))
    with pytest.raises(UserError, match="fold=0"):
        split_fold(questions, question_set.folds, 0, 0.0, seed=0)


def test_validation_that_takes_every_group_is_refused(question_set):
    questions = question_set.questions.head(4)  # two elements: one held out, one group left
    folds = pd.DataFrame({"question_id": questions["question_id"], "fold": [0, 0, 1, 1]})
    with pytest.raises(UserError, match="left to train on"):
        split_fold(questions, check_table(folds, FOLDS, "here"), 0, 0.1, seed=0)
