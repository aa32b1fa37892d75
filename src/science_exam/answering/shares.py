"""An exam divided between processes, one a GPU; each fills a sheet, and the sheets are joined on the way."""

import multiprocessing
import os
import sys
from collections.abc import Callable, Sequence
from functools import partial
from multiprocessing.connection import wait
from multiprocessing.process import BaseProcess
from pathlib import Path
from threading import Thread

import numpy as np

from science_exam.answering.deadline import Deadline, Limits
from science_exam.answering.exam import Exam
from science_exam.answering.sheet import Sheet
from science_exam.errors import UserError
from science_exam.tables import PROBABILITY_COLUMNS

LOOK_SECONDS = 5.0  # between looks at the sheets
SAVING_SECONDS = 0.5  # for the processes, to end what they have begun and to save their sheets
JOINING_SECONDS = 0.5  # for the last look
N_STARTS = 2  # of a process that dies
REFUSED = 2  # what a process ends with after a UserError
LOADING_SECONDS = 60.0  # left at least, for this process to load the model and answer a dead one's questions
SPAWN = multiprocessing.get_context("spawn")  # a fork would share what CUDA holds


class Share:
    """Some of the questions, and the process that answers them."""

    def __init__(self, exam: Exam, sheet: Path, make_process: Callable[[], BaseProcess]) -> None:
        """
        Args:
            exam: with these questions.
            sheet: file of their answers; a process goes on from it.
            make_process: a process, not yet started.
        """
        self.exam, self.sheet = exam, sheet
        self._make_process, self._n_starts = make_process, 0
        self._start()

    def is_at_work(self) -> bool:
        """False when it is done or has failed; a process that died is started once more."""
        if self.process.exitcode and not self.has_failed:
            print(f"a process died with code {self.process.exitcode} and is started once more", flush=True)
            self._start()
        return self.process.exitcode is None

    @property
    def has_failed(self) -> bool:
        """Whether its processes died, all that it may have."""
        return self.is_refused or (bool(self.process.exitcode) and self._n_starts == N_STARTS)

    @property
    def is_refused(self) -> bool:
        """Whether its process has met a UserError, as every other would."""
        return self.process.exitcode == REFUSED

    def describe_end(self) -> str:
        """A note of a process that died for good."""
        return (
            f"a process died, {N_STARTS} times, at last with code {self.process.exitcode}; "
            f"{self.count_unanswered()} of its {len(self.exam.questions)} questions had no answer then"
        )

    def count_unanswered(self) -> int:
        """Its questions without an answer, as of its sheet."""
        return int((Sheet.load(self.sheet).weights == 0).sum())

    def _start(self) -> None:
        self._n_starts += 1
        self.process = self._make_process()
        self.process.start()


def answer_share(
    exam: Exam, sheet: Path, deadline: Deadline, progress: str | None, gpu: str, n_processes: int
) -> None:
    """What a process of its own does with its share.

    Args:
        exam: with its questions.
        sheet: file to fill.
        deadline: after which nothing new is begun.
        progress: label of a progress bar, or None.
        gpu: the one that it sees; empty text for none.
        n_processes: that there are; without GPUs they divide the CPU.
    """
    os.environ["CUDA_VISIBLE_DEVICES"] = gpu  # before anything looks for one
    Thread(target=_end_with_parent, daemon=True).start()
    import torch

    if not gpu:
        torch.set_num_threads(max(1, torch.get_num_threads() // n_processes))
    try:
        fill_sheet(exam, sheet, deadline, progress)
    except UserError as error:
        print(error, file=sys.stderr, flush=True)
        sys.exit(REFUSED)  # the process that started this one comes to it too, if there is time


def fill_sheet(exam: Exam, sheet: Path, deadline: Deadline, progress: str | None) -> None:
    """Answer an exam into a sheet, as far as the time allows."""
    from science_exam.answering.ensemble import answer_exam

    limits = Limits(deadline, lambda: None, sheet, lambda predictions: None)
    predictions = answer_exam(exam, limits, progress)
    is_filled = sheet.is_file() and Sheet.load(sheet).done.any()
    if not is_filled and not deadline.has_end:  # encoders know no sheet
        probabilities = predictions[list(PROBABILITY_COLUMNS)].to_numpy()
        n = len(probabilities)
        Sheet(probabilities, np.ones(n), probabilities, np.ones(n, dtype=int)).save(sheet)


def answer_in_shares(
    exam: Exam, limits: Limits, gpus: Sequence[str], work: Callable[..., None] = answer_share
) -> tuple[np.ndarray, list[str]]:
    """Answer as one process alone would.

    A process that dies is started once more. If that one dies too, this process goes on when the others are
    done, or, where the time is limited, when each of their questions has an answer: those of the dead one are
    worth more than further views. With less than `LOADING_SECONDS` left all keep the answers that they have.

    Args:
        exam: what is asked, of at least as many questions as there are GPUs.
        limits: of the time, and what is kept on the way.
        gpus: for each process the GPU that it sees, or empty text for none.
        work: what the processes run, `answer_share` or its like.

    Returns:
        Probabilities (questions, 5), and a note of each process that died for good.

    Raises:
        UserError: what a process has met.
    """
    limits.begin()
    owned = divide_evenly(exam.measure(), len(gpus))
    sheets = [limits.sheet.with_name(f"sheet-{number}.npz") for number in range(len(gpus))]
    whole = Sheet.load(limits.sheet) if limits.sheet.is_file() else Sheet.blank(exam.guess())
    for part, sheet in zip(whole.divide(owned), sheets, strict=True):
        part.save(sheet)

    def join() -> None:
        joined = Sheet.join([Sheet.load(sheet) for sheet in sheets], owned)
        joined.save(limits.sheet)
        limits.keep(exam.tabulate(joined.probabilities))

    join()  # from now on there is an answer to every question
    deadline = limits.deadline.end_earlier(JOINING_SECONDS)
    shares = []
    for number, (numbers, sheet, gpu) in enumerate(zip(owned, sheets, gpus, strict=True)):
        own, label = exam.pick(numbers), None if number else f"answering, 1 of {len(gpus)} processes"
        words = (own, sheet, deadline.end_earlier(SAVING_SECONDS), label, gpu, len(gpus))
        shares.append(Share(own, sheet, partial(SPAWN.Process, target=work, args=words, daemon=True)))
    failed = _wait_for(shares, deadline, join)
    join()
    notes = _make_up_for(failed, exam, limits, deadline, join)
    return Sheet.load(limits.sheet).probabilities, notes


def divide_evenly(sizes: Sequence[int], n_shares: int) -> list[np.ndarray]:
    """Numbers of the rows of each share: the longest first, each to the share that has least.

    Args:
        sizes: of the rows.
        n_shares: at most as many as rows.

    Example:
        >>> [numbers.tolist() for numbers in divide_evenly([5, 9, 4, 1], 2)]
        [[1, 3], [0, 2]]
    """
    shares: list[list[int]] = [[] for _ in range(n_shares)]
    totals = [0] * n_shares
    for row in sorted(range(len(sizes)), key=lambda row: -sizes[row]):
        least = min(range(n_shares), key=lambda share: (totals[share], len(shares[share])))
        shares[least].append(row)
        totals[least] += sizes[row]
    return [np.array(sorted(rows)) for rows in shares]


def _wait_for(shares: Sequence[Share], deadline: Deadline, join: Callable[[], None]) -> list[Share]:
    """Join the sheets from time to time until all shares are done, or the time is over; which have failed."""
    at_work, failed = list(shares), []
    while at_work and deadline.seconds_left and not (failed and _can_be_stopped(at_work, deadline)):
        wait([share.process.sentinel for share in at_work], min(LOOK_SECONDS, deadline.seconds_left))
        at_work = [share for share in at_work if share.is_at_work()]
        failed = [share for share in shares if share.has_failed]
        join()
    for share in at_work:
        share.process.kill()
    return failed


def _can_be_stopped(at_work: Sequence[Share], deadline: Deadline) -> bool:
    """Whether they only add views, and there is time to answer what others have left."""
    is_long_enough = deadline.has_end and deadline.seconds_left >= LOADING_SECONDS
    return is_long_enough and not any(share.count_unanswered() for share in at_work)


def _make_up_for(
    failed: Sequence[Share], exam: Exam, limits: Limits, deadline: Deadline, join: Callable[[], None]
) -> list[str]:
    """Answer here what processes have left, as far as there is time; a note of each that died."""
    notes = [share.describe_end() for share in failed if not share.is_refused]
    if not deadline.has_end:
        for share in failed:  # one by one: encoders keep no sheet, and what the others did is not done again
            try:
                fill_sheet(share.exam, share.sheet, deadline, "answering")
            finally:
                join()
    elif any(share.is_refused for share in failed) or (failed and deadline.seconds_left >= LOADING_SECONDS):
        notes += _answer_rest(exam, limits)
    for note in notes:
        print(note, flush=True)
    return notes


def _answer_rest(exam: Exam, limits: Limits) -> list[str]:
    """Let this process go on with all questions, those without an answer first; a note if it cannot."""
    from science_exam.answering.ensemble import answer_exam

    try:
        answer_exam(exam, limits, "answering")
    except UserError:
        raise
    except Exception as error:  # what killed the processes, memory above all, may happen here too
        return [f"the process that started them failed as well: {type(error).__name__}: {error}"]
    return []


def _end_with_parent() -> None:
    """A process whose parent was killed would go on answering, for nobody."""
    wait([multiprocessing.parent_process().sentinel])
    os._exit(1)
