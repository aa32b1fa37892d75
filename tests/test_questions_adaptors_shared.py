"""Real question files that are not part of the project: every row of every layout.

They lie in ../shared/data on the machines of the team; a fresh clone has none.
"""

from collections import Counter
from pathlib import Path

import pytest

from science_exam.errors import UserError
from science_exam.questions.adaptors.reading import read_drafts
from science_exam.questions.config import SourceConfig
from science_exam.questions.drafts import Tally

QUESTIONS = Path(__file__).parents[2] / "shared" / "data" / "questions"

pytestmark = pytest.mark.skipif(
    not QUESTIONS.is_dir(), reason=f"needs {QUESTIONS}, which is not in the project"
)

# How many drafts have how many wrong options; no row of any file is left out.
SOURCES = {
    "kaggle/train.csv": {4: 200},
    "kaggle/train.lf.csv": {4: 200},
    "kaggle/train_with_context.csv": {4: 200},
    "stem_1k_v1.csv": {4: 1000},
    "6000_train_examples.csv": {4: 6000},
    "train_expanded.csv": {4: 2551},
    "stem_dataset_2023_09_15.csv": {4: 6162},
    "mmlu/dev": {3: 285},
    "mmlu/test": {3: 14042},
    "mmlu": {3: 14327},
    "llm_adapters/AQuA": {4: 254},
    "llm_adapters/ARC-Challenge/test.json": {2: 4, 3: 1165, 4: 3},
    "llm_adapters/ARC-Challenge/train.json": {2: 1, 3: 1117, 4: 1},
    "llm_adapters/ARC-Easy/test.json": {2: 7, 3: 2365, 4: 4},
    "llm_adapters/ARC-Easy/train.json": {2: 6, 3: 2241, 4: 4},
    "llm_adapters/openbookqa": {3: 5457},
    "llm_adapters": {2: 18, 3: 12345, 4: 266},
    "mcql/mcql_biology-olvl.json": {3: 1832},
    "mcql/mcql_biology.json": {3: 1946},
    "mcql/mcql_chem-olvl.json": {3: 900},
    "mcql/mcql_chem.json": {3: 1409},
    "mcql/mcql_physics-olvl.json": {3: 895},
    "mcql/mcql_physics.json": {3: 580},
    "mcql": {3: 7562},
    "openstax_review.jsonl.gz": {2: 5, 3: 2066, 4: 10},
    "sciq/test.csv": {0: 884},
    "sciq/validation.csv": {0: 887},
    "sciq": {0: 1771},
}
# Files without answers or questions.
REFUSED = {
    "kaggle/test.csv": "missing column answer",
    "kaggle/sample_submission.csv": "found the columns id, prediction",
}


def read(name):
    dropped = Tally()
    return list(read_drafts(SourceConfig(path=str(QUESTIONS / name)), dropped)), dropped


@pytest.mark.parametrize("name", SOURCES)
def test_every_row_makes_a_draft(name):
    drafts, dropped = read(name)
    assert Counter(len(draft.wrong) for draft in drafts) == SOURCES[name]
    assert dropped.counts == {}
    assert len({draft.place for draft in drafts}) == len(drafts)
    for draft in drafts:
        assert draft.prompt and draft.right
        assert "\r\n" not in "".join([draft.prompt, *draft.options, *draft.contexts])


@pytest.mark.parametrize("name", REFUSED)
def test_files_that_nothing_can_be_learned_from_are_refused(name):
    with pytest.raises(UserError, match=REFUSED[name]):
        read(name)


def test_every_file_is_among_them():
    files = {path for path in QUESTIONS.rglob("*") if path.is_file()}
    seen = [QUESTIONS / name for name in (*SOURCES, *REFUSED)]
    assert {file for file in files if not any(file.is_relative_to(path) for path in seen)} == set()


@pytest.mark.parametrize(
    ("name", "n_contexts", "n_groups"),
    [
        ("kaggle/train_with_context.csv", 200, 200),
        ("stem_1k_v1.csv", 1000, 1000),
        ("sciq", 1771, 1771),
        ("openstax_review.jsonl.gz", 0, 612),
        ("mmlu", 0, 1),
    ],
)
def test_contexts_and_groups_are_those_of_the_file(name, n_contexts, n_groups):
    drafts, _ = read(name)
    assert sum(len(draft.contexts) for draft in drafts) == n_contexts
    assert len({draft.group for draft in drafts}) == n_groups


def test_no_broken_characters_are_left_in_mcql():
    drafts, _ = read("mcql")
    texts = [text for draft in drafts for text in (draft.prompt, *draft.options)]
    assert sum(any("\x80" <= c <= "\x9f" for c in text) for text in texts) == 0
    assert sum("°C" in text for text in texts) > 100
    assert sum("Â" in text or "â" in text for text in texts) == 0
