"""Many sources -> one clean, balanced set without leaks, written as it streams by.

    sources -> drafts, checked and mended           work/, parts of 10,000
    drafts  -> which rows go                        leaks, repeats, balance of lengths
    drafts  -> four wrong options each              filled, thinned, swapped
            -> questions, contexts, folds tables    options placed, contexts mixed

Texts are in memory a part at a time; a row leaves some numbers and its names behind.
"""

import shutil
from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace
from pathlib import Path

import pandas as pd

from science_exam.errors import UserError
from science_exam.questions.building.collecting import Losses, check_faults, collect_drafts
from science_exam.questions.building.draft_files import read_part, stream_drafts, write_drafts
from science_exam.questions.building.finishing import FindContexts, Finished, finish_drafts
from science_exam.questions.building.selecting import Selection, select_drafts
from science_exam.questions.building.statistics import Example, Statistics
from science_exam.questions.config import BuildConfig, name_source
from science_exam.questions.drafts import Draft
from science_exam.questions.folds import assign_folds
from science_exam.questions.repeats.embeddings import Encode
from science_exam.questions.wrong_options.filling import complete_drafts
from science_exam.questions.wrong_options.pool import OptionPool
from science_exam.questions.wrong_options.swapping import swap_wrong
from science_exam.tables import CONTEXTS, FOLDS, OPTION_COLUMNS, QUESTIONS, open_table, write_table

WORK = "work"  # below the set's folder, while it is built
POOL_QUESTIONS = 50_000  # whose options others may borrow: 150 MB

Progress = Callable[[Iterable, str], Iterable]


def build_set(
    config: BuildConfig,
    folder: Path,
    encode: Encode | None,
    find_contexts: FindContexts | None,
    progress: Progress = lambda items, label: items,
) -> tuple[Losses, Statistics]:
    """Write the questions, contexts and folds tables of a set to `folder`.

    Args:
        config: the sources and what is done with them.
        folder: of the set.
        encode: texts -> unit vectors, which find paraphrases; None goes by words alone.
        find_contexts: a questions table -> its contexts table, for retrieved and mixed contexts.
        progress: wraps an iterable with a label (tqdm).

    Raises:
        UserError: a source cannot be read, too much of it is unusable, or nothing is left.
    """
    work = folder / WORK
    shutil.rmtree(work, ignore_errors=True)  # of a run that was killed
    losses, statistics = Losses(), Statistics(config.seed)
    collected = collect_drafts(config.sources, config.quality, losses)
    parts = write_drafts(progress(collected, "reading questions"), work / "drafts")
    selection = select_drafts(parts, config, losses, encode, work, progress)
    pool = OptionPool.build(_stream_kept(parts, selection), POOL_QUESTIONS, config.seed, encode)
    completed = _complete_parts(progress(parts, "completing options"), selection, pool, config, losses)
    _write_tables(completed, config, folder, find_contexts, statistics)
    for source in config.sources:
        check_faults(name_source(source), config.quality.max_dropped, losses)
    shutil.rmtree(work)
    return losses, statistics


def _stream_kept(parts: list[Path], selection: Selection) -> Iterator[Draft]:
    return (draft for row, draft in enumerate(stream_drafts(parts)) if row not in selection.gone)


def _complete_parts(
    parts: Iterable[Path], selection: Selection, pool: OptionPool, config: BuildConfig, losses: Losses
) -> Iterator[list[Draft]]:
    """The drafts of each part that stay, in their groups and with four wrong options."""
    start = 0
    for part in parts:
        drafts = read_part(part)
        kept = [
            replace(draft, group=selection.groups[row])
            for row, draft in enumerate(drafts, start)
            if row not in selection.gone
        ]
        start += len(drafts)
        completed = complete_drafts(kept, pool, config.seed, losses.faults, losses.mended)
        completed = swap_wrong(completed, pool, config.seed, config.augment.swap_share)
        losses.kept.update(draft.source for draft in completed)
        yield completed


def _write_tables(
    parts: Iterable[list[Draft]],
    config: BuildConfig,
    folder: Path,
    find_contexts: FindContexts | None,
    statistics: Statistics,
) -> None:
    n_drafts, answered = 0, []
    with (
        open_table(CONTEXTS, folder / "contexts.parquet") as add_contexts,
        open_table(QUESTIONS, folder / "questions.parquet") as add_questions,
    ):
        for drafts in parts:
            finished = finish_drafts(drafts, n_drafts, config.augment, config.seed, find_contexts)
            add_questions(finished.questions)
            add_contexts(finished.contexts)
            _count_rows(finished, statistics)
            answered.append(finished.questions[["question_id", "answer", "group"]])
            n_drafts += len(drafts)
    if not n_drafts:
        raise UserError("no question is left of the sources; the report of a smaller build says why")
    folds = assign_folds(pd.concat(answered, ignore_index=True), config.folds, config.seed)
    write_table(folds, FOLDS, folder / "folds.parquet")


def _count_rows(finished: Finished, statistics: Statistics) -> None:
    n_contexts = finished.contexts["question_id"].value_counts().to_dict()
    for row in finished.questions.to_dict("records"):
        options = [row[column] for column in OPTION_COLUMNS]
        example = Example(row["question_id"], row["prompt"], options, row["answer"])
        statistics.add(row["source"], example, n_contexts.get(row["question_id"], 0))
