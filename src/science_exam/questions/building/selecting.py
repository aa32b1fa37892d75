"""Which drafts of a set go, and why: leaks of evaluation questions, repeats, and too many of one length."""

from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from itertools import accumulate, pairwise
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pandas as pd

from science_exam.questions.building.balance import choose_surplus, measure_extreme
from science_exam.questions.building.collecting import Losses
from science_exam.questions.building.draft_files import read_rows, stream_drafts
from science_exam.questions.config import BuildConfig
from science_exam.questions.drafts import Draft, Tally
from science_exam.questions.folds import join_groups
from science_exam.questions.repeats.duplicates import DuplicateCheck
from science_exam.questions.repeats.embeddings import Encode
from science_exam.questions.repeats.leaks import LeakCheck, list_rows
from science_exam.questions.repeats.wording import Row
from science_exam.questions.sources import read_questions
from science_exam.questions.store import read_questions_table
from science_exam.runs import read_manifest

Progress = Callable[[Iterable, str], Iterable]
GIVEN_AWAY = "length gives the answer away"


class _Length(NamedTuple):
    """A generated question that stays, and how often "always the longest" finds its answer."""

    row: int
    place: str
    longest: float


@dataclass(frozen=True)
class Selection:
    """What becomes of the drafts, by their row among all.

    Attributes:
        gone: rows that are left out.
        groups: (rows,) what must not be split over folds.
    """

    gone: frozenset[int]
    groups: Sequence[str]


def select_drafts(
    parts: Sequence[Path],
    config: BuildConfig,
    losses: Losses,
    encode: Encode | None,
    work: Path,
    progress: Progress,
) -> Selection:
    """Decide which drafts go, and count them.

    The evaluation wins over the set, an earlier row over a later one, and lengths are balanced among what
    is left.

    Args:
        parts: of the drafts.
        config: thresholds, and the evaluation sets.
        losses: gets what goes.
        encode: texts -> unit vectors, or None.
        work: an empty folder for what is kept of each row meanwhile.
        progress: wraps an iterable with a label.
    """
    leaks = LeakCheck(_list_evaluation(config.evaluation), encode)
    repeats = DuplicateCheck(work / "codes", encode)
    reasons: dict[int, str] = {}
    sizes: list[int] = []
    for part in progress(parts, "looking for leaks"):
        rows = read_rows(part)
        start = sum(sizes)
        reasons |= {start + i: leak.reason for i, leak in enumerate(leaks.find(rows)) if leak is not None}
        repeats.add(rows)
        sizes.append(len(rows))
    thresholds = config.duplicates
    found = repeats.find(_RowFetcher(parts, sizes), thresholds.near_duplicate, thresholds.min_cosine)
    reasons = {row: duplicate.reason for row, duplicate in found.gone.items()} | reasons
    groups, lengths = _take_stock(stream_drafts(parts), reasons, losses.repeats)
    surplus = _choose_surplus(lengths, config.quality.longest_tolerance, config.seed, losses.balance)
    return Selection(frozenset(reasons) | surplus, join_groups(pd.Series(groups), found.related).tolist())


def _list_evaluation(paths: Iterable[str]) -> list[Row]:
    """All questions of the evaluation sets; those without an answer are to be kept apart no less."""
    rows: list[Row] = []
    for path in map(Path, paths):
        if path.is_dir():
            read_manifest(path)
        rows += list_rows(read_questions_table(path) if path.is_dir() else read_questions(path)[0])
    return rows


class _RowFetcher:
    """Rows by their numbers over all parts."""

    def __init__(self, parts: Sequence[Path], sizes: Sequence[int]) -> None:
        self._parts, self._bounds = parts, list(pairwise([0, *accumulate(sizes)]))

    def __call__(self, rows: Sequence[int]) -> dict[int, Row]:
        wanted, found = np.array(rows, dtype=np.int64), {}
        for part, (start, stop) in zip(self._parts, self._bounds, strict=True):
            own = wanted[(start <= wanted) & (wanted < stop)]
            if len(own):
                found |= dict(zip(own.tolist(), read_rows(part, own - start), strict=True))
        return found


def _take_stock(
    drafts: Iterable[Draft], reasons: dict[int, str], repeats: Tally
) -> tuple[list[str], dict[str, list[_Length]]]:
    """The group of every row, and the lengths of each generated source; what goes is counted."""
    groups, lengths = [], defaultdict(list)
    for row, draft in enumerate(drafts):
        groups.append(draft.group or draft.question_id)
        if row in reasons:
            repeats.add(draft.source, reasons[row], draft.place)
        elif draft.generated:
            longest = measure_extreme(list(map(len, draft.options)), 0, max)
            lengths[draft.source].append(_Length(row, draft.place, longest))
    return groups, lengths


def _choose_surplus(
    lengths: dict[str, list[_Length]], tolerance: float, seed: int, balance: Tally
) -> set[int]:
    """Rows that go, so that in no generated source the longest option is right too often or too seldom."""
    gone = set()
    for source, own in lengths.items():
        for place in choose_surplus(np.array([length.longest for length in own]), tolerance, seed):
            balance.add(source, GIVEN_AWAY, own[place].place)
            gone.add(own[place].row)
    return gone
