"""One job of base_reading.py: an adapter is trained as `make train` does it and asked as `make predict` does.

Libraries, data and encoded rows are loaded once in each process, the base anew for every job.
"""

import hashlib
import json
import math
import sys
import tempfile
import time
import warnings
from contextlib import redirect_stdout
from dataclasses import asdict, dataclass
from functools import lru_cache
from pathlib import Path
from statistics import mean

from reading_sets import (
    CLOSED,
    EXTRA_OF,
    GENERATED,
    GIVEN,
    MAX_CONTEXTS,
    MIXED,
    N_PERMUTATIONS,
    OTHERS,
    PERMUTED,
    PERMUTED_GENERATED,
    RETRIEVED,
    STEM,
    ZERO_SHOT,
    Asked,
    Library,
    Sources,
    find_distractors,
    permute_options,
    read_library,
)

from science_exam.errors import UserError
from science_exam.evaluation.report import score_longest_option, score_predictions
from science_exam.files import hash_file
from science_exam.prompt import check_prompts, join_contexts
from science_exam.training.base import list_small_files
from science_exam.training.config import BaseConfig, LoraConfig, TrainConfig
from science_exam.training.examples import build_examples

# Beside the contexts answered with.
LONGEST, SHUFFLED, ORDERS = "longest option", "given, options shuffled", "given, five orders"
ALPHA_PER_RANK = 2
SHUFFLE_SEED, N_SHUFFLES = 0, 5
N_VIEWS = 5  # orders of the options whose probabilities are averaged, as with make predict ARGS="views=5"
NO_CHECKPOINTS = 10**9  # steps between two
MEMORY_BUDGET_GB = 4.0  # of a training with engine=fast, which shares the GPU; 32 rows take about 1.6
TAIL_STEPS = 10  # over which the last loss is averaged

# What is read for an arm, or to answer with contexts of that name, beside what all read.
READ_BY_ALL = ("data", "max_rows")
READ_BY = {
    RETRIEVED: ("retrieved", "retrieved_official"),
    MIXED: ("retrieved",),
    GENERATED: ("generated", "max_extra"),
    PERMUTED_GENERATED: ("generated", "max_extra"),
    OTHERS: ("others", "others_contexts", "other_sources", "max_extra"),
}


@dataclass(frozen=True)
class Settings:
    """What may be searched, named as on the command line."""

    base: str
    learning_rate: float
    r: int
    epochs: float  # passes over the rows of arm "given"; the other arms take as many steps
    batch_size: int
    steps: int  # instead of epochs, unless 0
    max_tokens: int
    engine: str


@dataclass(frozen=True)
class Job:
    """One adapter (or none: zero-shot), trained and asked."""

    arm: str
    asked: str  # OFFICIAL or STEM
    fold: int | None  # of stem_1k, held out
    seed: int
    settings: Settings


def list_read(arm: str, view: str) -> tuple[str, ...]:
    """The fields of `Sources` that decide how an arm answers with the contexts of a view."""
    return (*READ_BY_ALL, *READ_BY.get(arm, ()), *READ_BY.get(view, ()))


def select_read(job: Job, identified: dict[str, object]) -> dict[str, object]:
    """Those of the identified sources that the job reads."""
    read = list_read(job.arm, CLOSED if job.arm == CLOSED else RETRIEVED)
    return {name: value for name, value in identified.items() if name in read}


def name_job(job: Job, identified: dict[str, object]) -> str:
    """What tells a job from any other: its settings, the sources that it reads and the base's files."""
    hashes = [hash_file(file) for file in list_small_files(job.settings.base)]
    told = [asdict(job), select_read(job, identified), hashes]
    return hashlib.sha256(json.dumps(told).encode()).hexdigest()[:16]


def run_job(
    sources: Sources, identified: dict[str, object], answer_batch_size: int, named: tuple[str, Job]
) -> dict:
    """Train and answer a job; returns its line of the results file, which begins with its name."""
    from science_exam.training import model

    warnings.simplefilter("ignore", FutureWarning)  # of the libraries, every time
    name, job = named
    clock, library = time.perf_counter(), read_library(sources)
    asked = library.select_asked(job.asked, job.fold)
    config = make_config(job, n_rows=len(library.select_training(job.fold).questions))
    tokenizer = model.load_tokenizer(job.settings.base)
    check_prompts(join_contexts(asked.questions, None, 0), tokenizer, job.settings.max_tokens)
    learner, trained = model.load_base(config.base), {}
    if job.arm != ZERO_SHOT:
        learner = model.add_adapter(learner, config.lora, config.seed)
        trained = train(learner, tokenizer, library, sources, job, config)
    loaded = time.perf_counter()
    scores = {}
    for view, seen in list_views(library, job).items():
        answerer = make_answerer(learner, tokenizer, view, job.settings.max_tokens, answer_batch_size)
        predictions = answerer.predict(seen.questions, seen.contexts, "test", job.arm)
        scores[view] = list_scores(score_predictions(view, predictions, seen.questions), seen)
    scores[LONGEST] = list_scores(score_longest_option(asked.questions), asked)
    seconds = {"train": round(loaded - clock, 1), "answer": round(time.perf_counter() - loaded, 1)}
    told = {"job": name, **asdict(job), "sources": select_read(job, identified)}
    return {**told, **trained, "seconds": seconds, "scores": scores}


def make_config(job: Job, n_rows: int) -> TrainConfig:
    """The job in the words of `make train`; `n_rows`: of arm "given"."""
    by_epochs = math.ceil(n_rows / job.settings.batch_size) * job.settings.epochs
    return TrainConfig(
        base=BaseConfig(path=job.settings.base),
        lora=LoraConfig(r=job.settings.r, alpha=ALPHA_PER_RANK * job.settings.r),
        max_contexts=MAX_CONTEXTS,
        max_tokens=job.settings.max_tokens,
        max_steps=job.settings.steps or round(by_epochs),
        batch_size=job.settings.batch_size,
        accumulation_steps=1,
        learning_rate=job.settings.learning_rate,
        engine=job.settings.engine,
        memory_budget_gb=MEMORY_BUDGET_GB,
        gradient_checkpointing=False,
        checkpoint_steps=NO_CHECKPOINTS,
        report_to="none",
        seed=job.seed,
    )


def train(learner, tokenizer, library: Library, sources: Sources, job: Job, config: TrainConfig) -> dict:
    """Train the adapter in place; returns how many rows, steps and seconds, and the last loss."""
    from science_exam.training import engine

    asked = make_rows(library, job)
    max_contexts = 0 if job.arm == CLOSED else MAX_CONTEXTS
    rows = encode_rows(asked, tokenizer, max_contexts, config.max_tokens)
    n_asked = len(asked.questions)
    if extra := EXTRA_OF.get(job.arm):
        rows = rows + encode_extra(sources, extra, job.settings.base, config.max_tokens)
        n_asked += len(library.extra[extra].questions)
    logs: list[list[dict]] = []  # each holds the whole log so far
    clock = time.perf_counter()
    with tempfile.TemporaryDirectory() as folder, redirect_stdout(sys.stderr):  # stdout is for the tables
        done = engine.train_adapter(learner, tokenizer, rows, config, Path(folder), logs.append)
    losses = [entry["loss"] for entry in logs[-1] if "loss" in entry]
    return {
        "rows": done.n_rows,
        "left_out": n_asked - done.n_rows,  # too long
        "passes": round(done.steps * config.batch_size / done.n_rows, 2),
        "steps": done.steps,
        "rows_per_second": round(done.rows_per_second, 1),
        "training_seconds": round(time.perf_counter() - clock, 1),
        "loss": round(mean(losses[-TAIL_STEPS:]), 4),
    }


def make_rows(library: Library, job: Job) -> Asked:
    """The rows of stem_1k as the arm learns from them."""
    asked, retrieved = library.select_training(job.fold), library.retrieved.get(STEM)
    if job.arm == RETRIEVED:
        return Asked(asked.questions, retrieved)
    if job.arm in (PERMUTED, PERMUTED_GENERATED):
        return permute_options(asked, N_PERMUTATIONS, job.seed)
    if job.arm == MIXED:
        search = find_distractors(asked, retrieved, job.seed)
        return permute_options(asked, N_PERMUTATIONS, job.seed, search)
    return asked


def encode_rows(asked: Asked, tokenizer, max_contexts: int, max_tokens: int) -> list[dict]:
    """Rows for the training; a question that does not fit is left out."""
    rows = []
    for question in join_contexts(asked.questions, asked.contexts, max_contexts):
        try:
            rows += build_examples([question], tokenizer, max_tokens)
        except UserError:
            continue
    return rows


@lru_cache(maxsize=4)
def encode_extra(sources: Sources, extra: str, base: str, max_tokens: int) -> list[dict]:
    """Rows that an arm adds: the same for every fold and seed, so encoded once in each process."""
    from science_exam.training.model import load_tokenizer

    return encode_rows(read_library(sources).extra[extra], load_tokenizer(base), MAX_CONTEXTS, max_tokens)


def list_views(library: Library, job: Job) -> dict[str, Asked]:
    """What is asked in each way: the same questions with other contexts, or with their options shuffled."""
    asked = library.select_asked(job.asked, job.fold)
    if job.arm == CLOSED:
        return {CLOSED: asked}
    views = {GIVEN: asked, ORDERS: asked, CLOSED: asked}
    if job.asked in library.retrieved:
        views[RETRIEVED] = Asked(asked.questions, library.retrieved[job.asked])
    if job.arm in (ZERO_SHOT, GIVEN):
        views[SHUFFLED] = permute_options(asked, N_SHUFFLES, SHUFFLE_SEED)
    return views


def make_answerer(learner, tokenizer, view: str, max_tokens: int, batch_size: int):
    """The `Answerer` of a view, as `make predict` makes one."""
    from science_exam.answering.predictions import Answerer

    max_contexts = 0 if view == CLOSED else MAX_CONTEXTS
    n_views = N_VIEWS if view == ORDERS else 1
    return Answerer(learner, tokenizer, max_contexts, max_tokens, batch_size, n_views=n_views)


def list_scores(scores, asked: Asked) -> dict[str, list]:
    """Reciprocal rank of the right option of every question, and where that option stands."""
    questions = asked.questions
    return {
        "question_id": questions["question_id"].tolist(),
        "position": questions["answer"].astype(int).tolist(),
        "reciprocal": scores.reciprocal.round(4).tolist(),
    }
