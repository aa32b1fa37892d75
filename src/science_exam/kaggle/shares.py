"""The questions divided between processes, one a GPU, and their answers put together as they come."""

import json
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np
import pandas as pd

from science_exam.answering.sheet import Sheet
from science_exam.evaluation.metrics import rank_options
from science_exam.kaggle import answering
from science_exam.kaggle.answering import NOTES, Job
from science_exam.kaggle.fallback import ExamRow, rank_by_length, write_rankings
from science_exam.kaggle.inputs import Inputs, Warn
from science_exam.kaggle.report import Report
from science_exam.kaggle.retrieving import QUESTIONS_FILE
from science_exam.kaggle.watching import Child
from science_exam.tables import OPTION_COLUMNS, QUESTIONS, read_table, write_table

BATCH_SIZES = (8, 1)  # rows together: at first, and after a process has died
KILL_SECONDS = 3.0  # that a process may be late before it is killed
LOOK_SECONDS = 2.0  # between looks at what has been answered


@dataclass
class Share:
    """Some of the questions, and the process that answers them.

    Attributes:
        folder: of its files.
        numbers: of its rows in test.csv.
        card: the GPU that it has for itself; None without GPUs.
        job: how it is answered.
    """

    folder: Path
    numbers: np.ndarray
    card: int | None
    job: Job
    _waiting_sizes: list[int] = field(default_factory=lambda: list(BATCH_SIZES))

    def start(self) -> None:
        """Begin, or go on from what is answered, with fewer rows at once than before."""
        job = replace(self.job, batch_size=self._waiting_sizes.pop(0))
        job.write(self.folder)
        environment = {} if self.card is None else {"CUDA_VISIBLE_DEVICES": str(self.card)}
        self._child = Child(answering.__name__, self.folder, environment)

    def advance(self, seconds: float, warn: Warn) -> bool:
        """Whether it is still at work after so many seconds; a process that died is started once more."""
        if not self._child.wait(seconds):
            return True
        if self._child.succeeded:
            return False
        reason = self._child.explain()
        if not self._waiting_sizes or time.monotonic() > self.job.ends:
            warn(f"{len(self.numbers)} rows: {reason}")
            return False
        print(f"{reason}; once more with fewer rows at once", flush=True)
        self.start()
        return True

    def stop(self) -> None:
        """End it where it is; what is on its sheets counts."""
        self._child.kill()

    def read_sheets(self) -> list[Sheet]:
        """The answers so far, of each run."""
        return [Sheet.load(path) for path in sorted(self.folder.glob("sheet-*.npz"))]

    def read_notes(self) -> list[str]:
        """What its process could not do."""
        path = self.folder / NOTES
        return json.loads(path.read_text(encoding="utf-8")) if path.is_file() else []


@dataclass(frozen=True)
class Answers:
    """What all shares have said.

    Attributes:
        sums: (rows, 5) probabilities added up.
        views: (rows,) how many were.
    """

    sums: np.ndarray
    views: np.ndarray

    @property
    def answered(self) -> np.ndarray:
        """(answered rows,) their numbers."""
        return np.flatnonzero(self.views > 0)

    @property
    def probabilities(self) -> np.ndarray:
        """(answered rows, 5)."""
        return self.sums[self.answered] / self.views[self.answered, None]


def divide_questions(inputs: Inputs, folder: Path, n_cards: int, ends: float) -> list[Share]:
    """Shares of about the same length, as many as there are GPUs.

    Args:
        inputs: what answers.
        folder: that holds the questions; each share gets a folder below it.
        n_cards: GPUs.
        ends: when to be done, on the monotonic clock.
    """
    questions = read_table(QUESTIONS, folder / QUESTIONS_FILE)
    config = inputs.config
    job = Job(tuple(map(str, inputs.folds)), str(inputs.settings), config.base, config.views, 0, ends)
    shares = []
    for number, rows in enumerate(deal_rows(_measure_lengths(questions), max(n_cards, 1))):
        own = questions.iloc[rows]
        if len(own):
            place = folder / f"share-{number}"
            write_table(own, QUESTIONS, place / QUESTIONS_FILE)
            numbers = own["question_id"].astype(int).to_numpy()
            shares.append(Share(place, numbers, number if n_cards else None, job))
    return shares


def deal_rows(lengths: Sequence[int], n_shares: int) -> list[np.ndarray]:
    """Rows of each share, in order: dealt from the longest on, to and fro, so that their sums are alike.

    Example:
        >>> [rows.tolist() for rows in deal_rows([10, 40, 20, 30], 2)]
        [[0, 1], [2, 3]]
    """
    longest_first = np.argsort(-np.asarray(lengths), kind="stable")
    turns = np.arange(len(lengths)) % (2 * n_shares)
    owners = np.minimum(turns, 2 * n_shares - 1 - turns)
    return [np.sort(longest_first[owners == share]) for share in range(n_shares)]


def answer_shares(
    shares: Sequence[Share], n_rows: int, ends: float, keep: Callable[[Answers], None], warn: Warn
) -> Answers:
    """Let all shares be answered at once until the time is over.

    Args:
        shares: of the questions.
        n_rows: of test.csv.
        ends: when the processes should be done, on the monotonic clock.
        keep: gets the answers so far whenever there are more.
        warn: called with what could not be done.
    """
    for share in shares:
        share.start()
    working, n_views = list(shares), 0.0
    while working and time.monotonic() < ends + KILL_SECONDS:
        working = [share for share in working if share.advance(LOOK_SECONDS / len(working), warn)]
        answers = collect_answers(shares, n_rows)
        if answers.views.sum() > n_views:
            n_views = answers.views.sum()
            keep(answers)
    for share in working:
        share.stop()
        warn(f"{len(share.numbers)} rows: stopped at the end of the time")
    for note in dict.fromkeys(note for share in shares for note in share.read_notes()):
        warn(note)
    return collect_answers(shares, n_rows)


def collect_answers(shares: Sequence[Share], n_rows: int) -> Answers:
    """What the sheets of all shares say so far."""
    sums, views = np.zeros((n_rows, len(OPTION_COLUMNS))), np.zeros(n_rows)
    for share in shares:
        for sheet in share.read_sheets():
            sums[share.numbers] += sheet.sums
            views[share.numbers] += sheet.weights
    return Answers(sums, views)


def answer_questions(
    inputs: Inputs,
    rows: Sequence[ExamRow],
    folder: Path,
    n_cards: int,
    deadline: float,
    path: Path,
    report: Report,
) -> None:
    """Answer the questions with all GPUs; the submission gets better while it goes on.

    Args:
        inputs: what answers.
        rows: of test.csv.
        folder: that holds the tables of the questions.
        n_cards: GPUs.
        deadline: on the monotonic clock.
        path: of the submission.
        report: of the notebook.
    """

    def keep(answers: Answers) -> None:
        _write_answers(rows, answers, path)
        n_answered = len(answers.answered)
        views = float(answers.views[answers.answered].mean())
        report.note(answered=n_answered, fallback_rows=len(rows) - n_answered, views=round(views, 2))

    ends = deadline - 2 * KILL_SECONDS
    shares = divide_questions(inputs, folder, n_cards, ends)
    answers = answer_shares(shares, len(rows), ends, keep, report.warn)
    if n_silent := sum(len(share.numbers) for share in shares) - len(answers.answered):
        report.warn(f"{n_silent} questions without an answer: too long, not reached, or lost")
    print(format_confidences(answers.probabilities))


def format_confidences(probabilities: np.ndarray) -> str:
    """How sure the answers are: a bar for every tenth of the likeliest option's probability."""
    counts, edges = np.histogram(probabilities.max(axis=1, initial=0), bins=8, range=(0.2, 1))
    longest = max(counts.max(), 1)
    lines = ["probability of the first option, and how many answers have it"]
    for count, low, high in zip(counts, edges[:-1], edges[1:], strict=True):
        lines.append(f"{low:.1f}-{high:.1f} {count:>6} {'#' * round(40 * count / longest)}".rstrip())
    return "\n".join(lines)


def _write_answers(rows: Sequence[ExamRow], answers: Answers, path: Path) -> None:
    """The answers, and of all other rows the longest options."""
    ranked = dict(zip(answers.answered.tolist(), rank_options(answers.probabilities).tolist(), strict=True))
    rankings = ((row.id, ranked.get(n) or rank_by_length(row.options)) for n, row in enumerate(rows))
    write_rankings(rankings, path)


def _measure_lengths(questions: pd.DataFrame) -> np.ndarray:
    """Letters of each question with its options; passages are about as long for all."""
    return sum(questions[name].str.len() for name in ("prompt", *OPTION_COLUMNS)).to_numpy()
