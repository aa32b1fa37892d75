"""What base_reading.py trains on and asks: two evaluation sets, and the rows that each arm learns from.

The official 200 questions and stem_1k come with a context each. Adapters that answer one of them are trained
on stem_1k: on its other folds, or on all of it without what gives an official question away.
"""

import hashlib
import random
from collections.abc import Callable
from dataclasses import asdict, dataclass
from functools import lru_cache
from pathlib import Path

import pandas as pd

from science_exam.errors import UserError
from science_exam.files import hash_file
from science_exam.prompt import join_contexts
from science_exam.questions.building.finishing import finish_drafts
from science_exam.questions.config import AugmentConfig, QuestionsConfig
from science_exam.questions.drafts import Draft
from science_exam.questions.folds import assign_folds, merge_groups
from science_exam.questions.repeats.leaks import LeakCheck, list_rows
from science_exam.questions.sources import read_questions
from science_exam.questions.store import read_question_set
from science_exam.tables import CONTEXTS, QUESTIONS, list_parts, read_table

OFFICIAL, STEM = "official", "stem_1k"
FILES = {OFFICIAL: "kaggle/train_with_context.csv", STEM: "stem_1k_v1.csv"}
FOLDS = QuestionsConfig()  # how `make questions` makes groups and folds

ZERO_SHOT, GIVEN, CLOSED, RETRIEVED = "zero-shot", "given", "closed book", "retrieved"
PERMUTED, MIXED, GENERATED, OTHERS = "permuted", "permuted and mixed", "generated", "others"
PERMUTED_GENERATED = "permuted, generated"
ARMS = (ZERO_SHOT, CLOSED, GIVEN, RETRIEVED, PERMUTED, MIXED, GENERATED, PERMUTED_GENERATED, OTHERS)
EXTRA_OF = {GENERATED: GENERATED, PERMUTED_GENERATED: GENERATED, OTHERS: OTHERS}  # arm: its further rows

# The files that decide what is read from a folder; parts stand behind their manifest.
DECIDING_FILES = {
    "data": tuple(f"questions/{name}" for name in FILES.values()),
    "generated": ("manifest.json",),
    "others": ("manifest.json",),
    "others_contexts": ("contexts.parquet",),
    "retrieved": ("contexts.parquet",),
    "retrieved_official": ("contexts.parquet",),
}

MAX_CONTEXTS = 5  # a question
N_PERMUTATIONS = 4  # of the options of each question; they take the place of the row as it came
MIXED_CONTEXTS = 2  # the right passage and another one: three do not fit into 1,024 tokens
SAMPLE_SEED = 0  # of the rows that are taken from a larger set, the same for all seeds of a training


@dataclass(frozen=True)
class Sources:
    """Where everything is; "" for what is not there.

    Attributes:
        data: folder that holds questions/.
        generated: folder of generated questions (make generate).
        others: folder of a built set (make questions).
        others_contexts: folder of contexts retrieved for it; its own when empty.
        other_sources: the sources of that set to take; all when empty.
        retrieved: folder of contexts retrieved for stem_1k (make retrieve).
        retrieved_official: the same for the official questions.
        max_extra: rows at most of the generated and of the other questions; 0 takes all.
        max_rows: rows of each evaluation set, for a trial; 0 takes all.
    """

    data: str
    generated: str = ""
    others: str = ""
    others_contexts: str = ""
    other_sources: tuple[str, ...] = ()
    retrieved: str = ""
    retrieved_official: str = ""
    max_extra: int = 0
    max_rows: int = 0

    def identify(self) -> dict[str, object]:
        """The fields; in place of a folder its name and what its files hash to, wherever it lies."""
        told = asdict(self)
        for name, files in DECIDING_FILES.items():
            if told[name]:
                folder = Path(told[name])
                told[name] = f"{folder.name} {hash_files([folder / file for file in files])}"
        return told


@dataclass(frozen=True)
class Asked:
    """A questions table and its contexts table."""

    questions: pd.DataFrame
    contexts: pd.DataFrame

    def keep(self, mask) -> "Asked":
        """The questions under a mask (rows,)."""
        return Asked(self.questions[mask].reset_index(drop=True), self.contexts)


@dataclass(frozen=True)
class Library:
    """Everything that was read.

    Attributes:
        sets: the evaluation sets with their given contexts.
        fold_of: (rows,) fold of every question of stem_1k.
        clean: (rows,) True on the questions of stem_1k that give no official question away.
        retrieved: contexts tables of the evaluation sets that have one.
        extra: generated and other questions that give away none of either set.
    """

    sets: dict[str, Asked]
    fold_of: pd.Series
    clean: pd.Series
    retrieved: dict[str, pd.DataFrame]
    extra: dict[str, Asked]

    def select_asked(self, name: str, fold: int | None) -> Asked:
        """The questions of an evaluation set that are scored: of one fold, or all."""
        return self.sets[name] if fold is None else self.sets[name].keep(self.fold_of == fold)

    def select_training(self, fold: int | None) -> Asked:
        """What may be learned from stem_1k when that fold, or (None) the official set, is asked."""
        return self.sets[STEM].keep(self.clean if fold is None else self.fold_of != fold)


def hash_files(files: list[Path]) -> str:
    """Eight hexadecimal digits that tell the contents of files apart."""
    if missing := [file for file in files if not file.is_file()]:
        raise UserError(f"{missing[0]}: no such file; check the folders on the command line")
    return hashlib.sha256("".join(map(hash_file, files)).encode()).hexdigest()[:8]


@lru_cache(maxsize=1)  # once in each process
def read_library(sources: Sources) -> Library:
    """Read the sets; what gives an evaluation question away is left out of the extra questions."""
    sets = {name: _read_set(Path(sources.data) / "questions" / FILES[name], sources) for name in FILES}
    stem = merge_groups(sets[STEM].questions, FOLDS.near_duplicate)
    sets[STEM] = Asked(stem, sets[STEM].contexts)
    folders = {STEM: sources.retrieved, OFFICIAL: sources.retrieved_official}
    return Library(
        sets=sets,
        fold_of=assign_folds(stem, FOLDS.folds, FOLDS.seed)["fold"],
        clean=find_clean(stem, sets[OFFICIAL].questions),
        retrieved={name: read_retrieved(folder, sets[name]) for name, folder in folders.items() if folder},
        extra=_read_extra(sources, pd.concat([asked.questions for asked in sets.values()])),
    )


def find_clean(questions: pd.DataFrame, evaluation: pd.DataFrame) -> pd.Series:
    """(rows,) True where a question gives no evaluation question away, judged by words."""
    leaks = LeakCheck(evaluation).find(list_rows(questions))
    return pd.Series([leak is None for leak in leaks], index=questions.index)


def read_retrieved(folder: str, asked: Asked) -> pd.DataFrame:
    """The contexts table in a folder, which must be of these questions."""
    contexts = read_table(CONTEXTS, Path(folder) / "contexts.parquet", "make it with: make retrieve")
    ids = asked.questions["question_id"]
    if n_without := int((~ids.isin(contexts["question_id"])).sum()):
        raise UserError(f"{folder}: {n_without} of {len(ids)} questions have no contexts; retrieve again")
    return contexts[contexts["question_id"].isin(ids)]


def permute_options(
    asked: Asked,
    n_permutations: int,
    seed: int,
    find_contexts: Callable[[pd.DataFrame], pd.DataFrame] | None = None,
) -> Asked:
    """Every question with its options in several orders, as `make questions` writes them.

    Over five permutations the right option stands at each of the five places once.

    Args:
        asked: questions with answers.
        n_permutations: of each, 1 to 5; question "7" becomes "7-1", "7-2", …
        seed: of the orders.
        find_contexts: of passages to mix the given one with; None keeps the given ones.
    """
    config = AugmentConfig(
        permutations=n_permutations,
        contexts="mixed" if find_contexts else "given",
        index="found elsewhere" if find_contexts else "",
        max_contexts=MIXED_CONTEXTS if find_contexts else MAX_CONTEXTS,
    )
    made = finish_drafts(_make_drafts(asked), 0, config, seed, find_contexts)
    return Asked(made.questions, made.contexts)


def find_distractors(asked: Asked, retrieved: pd.DataFrame | None, seed: int) -> Callable:
    """A search as `finish_drafts` takes it: retrieved contexts, or else one of another question."""

    def find(permuted: pd.DataFrame) -> pd.DataFrame:
        names = permuted["question_id"].str.removesuffix("-1")
        if retrieved is not None:
            renamed = dict(zip(names, permuted["question_id"], strict=True))
            found = retrieved[retrieved["question_id"].isin(renamed)]
            return found.assign(question_id=found["question_id"].map(renamed))
        rng, firsts = random.Random(f"distractors {seed}"), asked.contexts[asked.contexts["rank"] == 1]
        firsts = firsts[firsts["question_id"].isin(names)]  # of the training rows alone
        drawn = firsts.iloc[[rng.randrange(len(firsts)) for _ in range(len(permuted))]]
        return drawn.assign(question_id=permuted["question_id"].to_numpy())

    return find


def _make_drafts(asked: Asked) -> list[Draft]:
    drafts = []
    for question in join_contexts(asked.questions, asked.contexts, MAX_CONTEXTS):
        wrong = list(question.options)
        right = wrong.pop(question.answer - 1)
        name = question.question_id
        drafts.append(
            Draft(name, "", question.prompt, right, tuple(wrong), question.contexts, name, question_id=name)
        )
    return drafts


def _read_set(path: Path, sources: Sources) -> Asked:
    questions, contexts = read_questions(path)
    asked = Asked(questions, contexts)
    return asked.keep(questions.index < sources.max_rows) if sources.max_rows else asked


def _read_extra(sources: Sources, evaluation: pd.DataFrame) -> dict[str, Asked]:
    extra = {}
    if sources.generated:
        folder = Path(sources.generated)
        extra[GENERATED] = Asked(*(_read_parts(table, folder) for table in (QUESTIONS, CONTEXTS)))
    if sources.others:
        made = read_question_set(Path(sources.others), sources.others_contexts)
        wanted = made.questions["source"].isin(sources.other_sources or made.questions["source"].unique())
        extra[OTHERS] = Asked(made.questions, made.contexts).keep(wanted)
    return {name: _sample(asked, evaluation, sources.max_extra) for name, asked in extra.items()}


def _read_parts(table, folder: Path) -> pd.DataFrame:
    parts = list_parts(folder / table.name, "make them with: make generate")
    return pd.concat([read_table(table, part) for part in parts], ignore_index=True)


def _sample(asked: Asked, evaluation: pd.DataFrame, max_rows: int) -> Asked:
    """At most `max_rows` questions, drawn from those that give none of the evaluation away."""
    clean = asked.keep(find_clean(asked.questions, evaluation))
    n_rows = min(max_rows or len(clean.questions), len(clean.questions))
    return Asked(clean.questions.sample(n_rows, random_state=SAMPLE_SEED), clean.contexts)
