"""Questions -> token ids with a mask over the answer."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from tqdm import tqdm

from science_exam.choices import build_choices, check_choices, is_encoder
from science_exam.errors import UserError
from science_exam.judgements import build_judgements, check_judgements
from science_exam.prompt import (
    Question,
    check_prompts,
    describe_cuts,
    encode_completions,
    encode_prompts,
    join_contexts,
    thin_out,
)
from science_exam.training import processes
from science_exam.training.base import read_model_type
from science_exam.training.config import TrainConfig
from science_exam.training.permutations import permute_options


def build_examples(questions: Sequence[Question], tokenizer, max_tokens: int) -> list[dict]:
    """One row a question: `input_ids` (prompt + answer) and `completion_mask` (1 on the answer).

    `group` is the question's id: consecutive rows that share it are one question in several orders of
    its options, and begin alike.

    Raises:
        UserError: a question without an answer, or one that cannot fit.
    """
    completions = encode_completions(tokenizer)
    rows = []
    for question, prompt in zip(questions, encode_prompts(questions, tokenizer, max_tokens), strict=True):
        if question.answer is None:
            raise UserError(f"question {question.question_id!r}: expected an answer to train on")
        completion = completions[question.answer - 1]
        mask = [0] * len(prompt) + [1] * len(completion)
        ids = prompt + completion
        rows.append({"input_ids": ids, "completion_mask": mask, "group": question.question_id})
    return rows


@dataclass(frozen=True)
class FoldSplit:
    """Questions tables of one fold: disjoint, and no group stands in two of them."""

    train: pd.DataFrame
    validation: pd.DataFrame  # chooses the checkpoint; empty unless asked for
    held_out: pd.DataFrame  # scored, never looked at before


def split_fold(
    questions: pd.DataFrame, folds: pd.DataFrame, fold: int, validation_fraction: float, seed: int
) -> FoldSplit:
    """Hold out one fold, and set a share of the other groups aside for validation.

    Args:
        questions: a questions table; rows without an answer are left out of training.
        folds: its folds table.
        fold: the one to hold out.
        validation_fraction: share of the training groups; 0 sets none aside.
        seed: of the choice of validation groups.

    Raises:
        UserError: no such fold, questions without a fold, or nothing left to train on.
    """
    known = sorted(folds["fold"].unique().tolist())
    if fold not in known:
        raise UserError(f"fold={fold}: expected one of {', '.join(map(str, known))}")
    fold_of = folds.set_index("question_id")["fold"].reindex(questions["question_id"])
    if fold_of.isna().any():
        raise UserError(
            f"question {fold_of.index[fold_of.isna()][0]!r} has no fold: the folds table is of "
            f"another question set; make both again with: make questions"
        )
    inside = (fold_of == fold).to_numpy()
    rest = questions[~inside & questions["answer"].notna().to_numpy()]
    if questions["answer"][inside].isna().all():
        raise UserError(f"fold={fold}: none of its questions has an answer, so nothing could be scored")
    if rest.empty:
        raise UserError("no question with an answer is left to train on")
    aside = choose_groups(rest["group"], validation_fraction, seed)
    if aside.all():
        raise UserError(
            f"validation_fraction={validation_fraction}: the training rows form too few groups, "
            f"nothing would be left to train on; lower it or set it to 0"
        )
    return FoldSplit(rest[~aside], rest[aside], questions[inside])


def prepare_examples(split: FoldSplit, contexts: pd.DataFrame, tokenizer, config: TrainConfig) -> list[dict]:
    """The rows to train a fold on, in as many orders of the options as `config` asks for.

    Returns:
        Rows of `build_examples`, of `build_judgements` where options are judged one by one, or of
        `build_choices` where the base is an encoder.

    Raises:
        UserError: a question, also one that is only to be answered, cannot fit.
    """
    check, build = check_prompts, build_examples
    if is_encoder(read_model_type(config.base.path)):
        check, build = check_choices, build_choices
    elif config.objective == "binary":
        check, build = check_judgements, build_judgements
    for frame in (split.validation, split.held_out):
        check(join_contexts(frame, None, 0), tokenizer, config.max_tokens)
    asked = join_contexts(split.train, contexts, config.max_contexts)
    cuts = describe_cuts(thin_out(asked), tokenizer, config.max_tokens) if build is build_examples else ""
    if cuts and processes.rank() == 0:
        tqdm.write(f"contexts: {cuts}")
    permuted = permute_options(asked, config.permutations, config.seed)
    return build(permuted, tokenizer, config.max_tokens)


def choose_groups(groups: pd.Series, fraction: float, seed: int) -> np.ndarray:
    """(rows,) True on whole groups that together hold at least `fraction` of the rows."""
    order = np.random.default_rng(seed).permutation(np.sort(groups.unique()))
    rows_before = groups.value_counts().loc[order].cumsum().shift(fill_value=0)  # of each group
    return groups.isin(order[(rows_before < fraction * len(groups)).to_numpy()]).to_numpy()
