"""The answers as they come: from the sheets of a process into the submission."""

import json
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from science_exam.answering.sheet import Sheet
from science_exam.evaluation.metrics import rank_options
from science_exam.kaggle.session import answering
from science_exam.kaggle.session.answering import NOTES, SHEET, Job
from science_exam.kaggle.session.fallback import ExamRow, rank_by_length, write_rankings
from science_exam.kaggle.session.inputs import Inputs, Warn
from science_exam.kaggle.session.report import Report
from science_exam.kaggle.session.retrieving import QUESTIONS_FILE
from science_exam.kaggle.session.watching import Child
from science_exam.tables import OPTION_COLUMNS, QUESTIONS, read_table

BATCH_SIZES = (8, 1)  # rows together: at first, and after the process has died
ENDING_SECONDS = 3.0  # that the process may need to end itself, and that are left when it is killed
LOOK_SECONDS = 2.0  # between looks at what has been answered
WIDTH = 40  # of the longest bar


@dataclass(frozen=True)
class Answers:
    """What has been said so far.

    Attributes:
        numbers: (answered rows,) of test.csv.
        probabilities: (answered rows, 5).
        n_views: of all of them together.
    """

    numbers: np.ndarray
    probabilities: np.ndarray
    n_views: float


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
        n_answered = len(answers.numbers)
        views = round(answers.n_views / max(n_answered, 1), 2)
        report.note(answered=n_answered, fallback_rows=len(rows) - n_answered, views=views)

    gpus = tuple(map(str, range(n_cards)))
    folds, ends = tuple(map(str, inputs.folds)), deadline - 2 * ENDING_SECONDS
    job = Job(
        folds, str(inputs.settings), inputs.config.base, inputs.config.views, BATCH_SIZES[0], gpus, ends
    )
    watch_answers(job, folder, keep, report.warn)
    answers = collect_answers(folder)
    if n_silent := len(read_table(QUESTIONS, folder / QUESTIONS_FILE)) - len(answers.numbers):
        report.warn(f"{n_silent} questions without an answer: too long, not reached, or lost")
    print(format_confidences(answers.probabilities))


def watch_answers(job: Job, folder: Path, keep: Callable[[Answers], None], warn: Warn) -> None:
    """Let a process answer until the time is over; one that dies goes on with fewer rows at once.

    Args:
        job: of the process.
        folder: that it works in.
        keep: gets the answers so far whenever there are more.
        warn: called with what could not be done.
    """
    n_views = 0.0
    for batch_size in BATCH_SIZES:
        replace(job, batch_size=batch_size).write(folder)
        child, has_ended = Child(answering.__name__, folder), False
        while not has_ended and time.monotonic() < job.ends + ENDING_SECONDS:
            has_ended = child.wait(LOOK_SECONDS)
            answers = collect_answers(folder)
            if answers.n_views > n_views:
                n_views = answers.n_views
                keep(answers)
        if not has_ended:
            child.kill()
            warn("stopped at the end of the time")
        if not has_ended or child.succeeded:
            break
        warn(f"with {batch_size} rows at once: {child.explain()}")
    if (notes := folder / NOTES).is_file():
        for note in json.loads(notes.read_text(encoding="utf-8")):
            warn(note)


def collect_answers(folder: Path) -> Answers:
    """What the sheets of all runs say so far."""
    sums, views = np.zeros((1, len(OPTION_COLUMNS))), np.zeros(1)
    for path in sorted(folder.glob(f"*/{SHEET}")):
        sheet = Sheet.load(path)
        sums, views = sums + sheet.sums, views + sheet.weights
    answered = np.flatnonzero(views > 0)
    if not len(answered):
        return Answers(answered, np.zeros((0, len(OPTION_COLUMNS))), 0.0)
    numbers = read_table(QUESTIONS, folder / QUESTIONS_FILE)["question_id"].astype(int).to_numpy()
    probabilities = sums[answered] / views[answered, None]
    return Answers(numbers[answered], probabilities, float(views.sum()))


def format_confidences(probabilities: np.ndarray) -> str:
    """How sure the answers are: a bar for every tenth of the likeliest option's probability."""
    counts, edges = np.histogram(probabilities.max(axis=1, initial=0), bins=8, range=(0.2, 1))
    longest = max(counts.max(), 1)
    lines = ["probability of the first option, and how many answers have it"]
    for count, low, high in zip(counts, edges[:-1], edges[1:], strict=True):
        lines.append(f"{low:.1f}-{high:.1f} {count:>6} {'#' * round(WIDTH * count / longest)}".rstrip())
    return "\n".join(lines)


def _write_answers(rows: Sequence[ExamRow], answers: Answers, path: Path) -> None:
    """The answers, and of all other rows the longest options."""
    ranked = dict(zip(answers.numbers.tolist(), rank_options(answers.probabilities).tolist(), strict=True))
    rankings = ((row.id, ranked.get(n) or rank_by_length(row.options)) for n, row in enumerate(rows))
    write_rankings(rankings, path)
