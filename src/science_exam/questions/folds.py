"""Folds: made once and stored, stratified by answer, never splitting what belongs together."""

import warnings
from collections.abc import Iterable

import numpy as np
import pandas as pd

from science_exam.errors import UserError
from science_exam.questions.repeats.duplicates import find_near_duplicates
from science_exam.tables import OPTION_COLUMNS


def merge_groups(questions: pd.DataFrame, near_duplicate: float) -> pd.DataFrame:
    """`questions` with `group` widened to all that belongs together.

    Rows that already share a group (one article, one context), rows with the same prompt and right
    option, and near-identical rows end in one group, named after its first row's.

    Args:
        questions: a questions table.
        near_duplicate: similarity from which rows are near-identical (`find_near_duplicates`).
    """
    options = questions[list(OPTION_COLUMNS)].to_numpy()  # (rows, 5)
    answers = questions["answer"].fillna(1).astype(int).to_numpy()
    right_options = pd.Series(options[np.arange(len(options)), answers - 1], index=questions.index)
    # Prompts alone ("Which statement is correct?") over-flag, so the options count everywhere;
    # sorted, so that a reordering changes nothing.
    whole = [" ".join([p, *sorted(o)]) for p, o in zip(questions["prompt"], options, strict=True)]
    pairs = [
        *find_near_duplicates(whole, near_duplicate),
        *_link_equal(questions["prompt"].str.lower() + "\n" + right_options.str.lower()),
    ]
    return questions.assign(group=join_groups(questions["group"], pairs))


def join_groups(groups: pd.Series, pairs: Iterable[tuple[int, int]]) -> pd.Series:
    """Groups that some pair connects as one, named after its first row's.

    Args:
        groups: of each row.
        pairs: positions of rows that belong together.
    """
    from scipy.sparse import coo_array
    from scipy.sparse.csgraph import connected_components

    rows, columns = np.array([*_link_equal(groups), *pairs], dtype=np.int64).reshape(-1, 2).T
    n = len(groups)
    graph = coo_array((np.ones(len(rows), dtype=np.int8), (rows, columns)), shape=(n, n))
    component = connected_components(graph, directed=False)[1]
    return groups.groupby(component).transform("first")


def assign_folds(questions: pd.DataFrame, n_folds: int, seed: int) -> pd.DataFrame:
    """The folds table: groups stay whole, folds hold about as many rows of every answer.

    Args:
        questions: a questions table with its groups merged.
        n_folds: number of folds, 2 or more.
        seed: shuffles the groups.

    Raises:
        UserError: fewer groups than folds.
    """
    from sklearn.model_selection import StratifiedGroupKFold

    n_groups = questions["group"].nunique()
    if questions["answer"].isna().all():  # a test set, which nothing is trained on: no reason to stop
        n_folds = min(n_folds, n_groups)
    if n_folds == 1:
        return questions[["question_id"]].assign(fold=0)
    if n_groups < n_folds:
        raise UserError(
            f"{len(questions)} questions form only {n_groups} groups that may not be split, "
            f"expected at least folds={n_folds}; lower folds or add questions"
        )
    answers = questions["answer"].fillna(0).astype(int).to_numpy()
    splitter = StratifiedGroupKFold(n_splits=n_folds, shuffle=True, random_state=seed)
    if np.bincount(answers).max() < n_folds:  # no answer could be spread over all folds
        answers = np.zeros_like(answers)
    folds = np.empty(len(questions), dtype=int)
    groups = questions["group"].to_numpy()
    with warnings.catch_warnings():  # fewer rows of an answer than folds: balance is best effort
        warnings.simplefilter("ignore", UserWarning)
        for fold, (_, held_out) in enumerate(splitter.split(questions, answers, groups)):
            folds[held_out] = fold
    _fill_empty_folds(folds, groups, n_folds)
    return pd.DataFrame({"question_id": questions["question_id"], "fold": folds})


def _fill_empty_folds(folds: np.ndarray, groups: np.ndarray, n_folds: int) -> None:
    """Give every empty fold the smallest group of the fold that has the most groups, in place."""
    for empty in set(range(n_folds)) - set(folds.tolist()):
        sizes = pd.Series(groups).groupby([folds, groups]).size()  # by fold and group
        fullest = sizes.groupby(level=0).size().idxmax()
        folds[groups == sizes[fullest].idxmin()] = empty


def _link_equal(values: pd.Series) -> list[tuple[int, int]]:
    """(row, first row with the same value) of every row."""
    _, first, inverse = np.unique(values.astype(object), return_index=True, return_inverse=True)
    return list(enumerate(first[inverse].tolist()))
