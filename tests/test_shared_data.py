"""Real question files that are not part of the project: formats, baselines and folds.

They lie in ../shared/data on the machines of the team; a fresh clone has none.
"""

import re
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from science_exam.evaluation.report import score_longest_option
from science_exam.questions.folds import assign_folds, merge_groups
from science_exam.questions.sources import read_questions
from science_exam.tables import OPTION_COLUMNS

QUESTIONS = Path(__file__).parents[2] / "shared" / "data" / "questions"
NEAR_DUPLICATE = 0.5

pytestmark = pytest.mark.skipif(
    not QUESTIONS.is_dir(), reason=f"needs {QUESTIONS}, which is not in the project"
)


@pytest.fixture(scope="module")
def read():
    """Read a file once: questions and contexts."""
    known = {}

    def read_once(name):
        if name not in known:
            known[name] = read_questions(QUESTIONS / name)
        return known[name]

    return read_once


def find_overlaps(texts):
    """Pairs of texts whose word triples overlap by `NEAR_DUPLICATE`, by comparing all with all."""
    from scipy.sparse import csr_array

    words = [re.findall(r"\w+", text.lower()) for text in texts]
    triples = [{tuple(w[i : i + 3]) for i in range(max(1, len(w) - 2))} for w in words]
    columns = {triple: i for i, triple in enumerate(set().union(*triples))}
    sizes = np.array([len(t) for t in triples])
    flat = [columns[triple] for t in triples for triple in t]
    matrix = csr_array((np.ones(len(flat)), flat, [0, *sizes.cumsum()]), shape=(len(texts), len(columns)))
    shared = (matrix @ matrix.T).tocoo()  # (texts, texts) numbers of shared triples
    rows, others = shared.coords
    union = sizes[rows] + sizes[others] - shared.data
    near = (rows < others) & (shared.data / union >= NEAR_DUPLICATE)
    return list(zip(rows[near].tolist(), others[near].tolist(), strict=True))


def test_the_official_file_reads_alike_with_both_line_ends(read):
    questions, contexts = read("kaggle/train.csv")
    unix, _ = read("kaggle/train.lf.csv")
    assert len(questions) == 200
    assert len(contexts) == 0
    changes = {"source": "same", "prompt": unix["prompt"]}
    pd.testing.assert_frame_equal(questions.assign(source="same"), unix.assign(**changes))
    assert questions["answer"].notna().all()
    assert questions["question_id"].tolist() == [str(i) for i in range(200)]


def test_the_official_test_file_has_no_answers(read):
    questions, _ = read("kaggle/test.csv")
    assert len(questions) == 200
    assert questions["answer"].isna().all()


def test_the_official_file_with_contexts_has_one_for_every_question(read):
    questions, contexts = read("kaggle/train_with_context.csv")
    assert contexts["question_id"].tolist() == questions["question_id"].tolist()


@pytest.mark.parametrize(
    ("name", "n_questions", "n_contexts"),
    [
        ("stem_1k_v1.csv", 1000, 1000),
        ("6000_train_examples.csv", 6000, 0),
        ("train_expanded.csv", 2551, None),
        ("stem_dataset_2023_09_15.csv", 6162, 0),
    ],
)
def test_files_that_others_made_are_read_whole(read, name, n_questions, n_contexts):
    questions, contexts = read(name)
    assert len(questions) == n_questions
    assert n_contexts is None or len(contexts) == n_contexts


# Options of equal length keep their order. The 0.584 and 0.468 in ../shared/data/README.md come from an
# unstable sort, which orders ties by accident; its accuracies are of the stable one.
@pytest.mark.parametrize(
    ("name", "accuracy", "map3"), [("kaggle/train.csv", 0.415, 0.5825), ("stem_1k_v1.csv", 0.315, 0.470)]
)
def test_the_longest_option_scores_what_was_counted_before(read, name, accuracy, map3):
    scores = score_longest_option(read(name)[0])
    assert scores.right.mean() == pytest.approx(accuracy)
    assert scores.reciprocal.mean() == pytest.approx(map3)


@pytest.mark.parametrize("name", ["stem_1k_v1.csv", "6000_train_examples.csv"])
def test_folds_of_real_files_split_nothing_that_belongs_together(read, name):
    questions, contexts = read(name)
    grouped = merge_groups(questions, NEAR_DUPLICATE)
    fold = assign_folds(grouped, 5, seed=0)["fold"].to_numpy()

    sizes = np.bincount(fold, minlength=5)
    assert sizes.max() - sizes.min() <= 0.02 * len(questions)

    options = questions[list(OPTION_COLUMNS)].to_numpy()
    whole = [" ".join([p, *sorted(o)]) for p, o in zip(questions["prompt"], options, strict=True)]
    overlaps = find_overlaps(whole)
    assert overlaps  # each of these files has some
    group = grouped["group"].to_numpy()
    assert [(i, j) for i, j in overlaps if group[i] != group[j]] == []
    assert [(i, j) for i, j in overlaps if fold[i] != fold[j]] == []

    fold_of = dict(zip(questions["question_id"], fold, strict=True))
    folds_of_text = contexts["question_id"].map(fold_of).groupby(contexts["text"]).nunique()
    assert (folds_of_text == 1).all()
