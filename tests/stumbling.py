"""What the processes of shares do in tests when they do not do their work; those processes import it."""

import os
import sys
import time
from pathlib import Path

import numpy as np

from science_exam.answering.exam import Exam
from science_exam.answering.shares import REFUSED
from science_exam.answering.sheet import Sheet


def stumble(exam: Exam, sheet: Path, *words) -> None:
    """Die: always with the first question of the exam, once with others; then do nothing."""
    mark = sheet.with_suffix(".died")
    if "hydrogen-1" in set(exam.questions["question_id"]) or not mark.exists():
        mark.touch()
        os._exit(3)


def die(*words) -> None:
    """Die at once."""
    os._exit(3)


def sleep(*words) -> None:
    """Hang."""
    time.sleep(600)


def refuse(*words) -> None:
    """Meet a UserError."""
    sys.exit(REFUSED)


def stumble_and_stay(exam: Exam, sheet: Path, *words) -> None:
    """Die once, then hang."""
    mark = sheet.with_suffix(".died")
    if mark.exists():
        time.sleep(600)
    mark.touch()
    os._exit(3)


def answer_and_stay(exam: Exam, sheet: Path, *words) -> None:
    """Die with the first question of the exam, always; answer all others, and hang."""
    if "hydrogen-1" in set(exam.questions["question_id"]):
        os._exit(3)
    fill_with(3, exam, sheet)
    time.sleep(600)


def save_late(exam: Exam, sheet: Path, deadline, *words) -> None:
    """Answer every question with its fourth option, and put it onto the sheet when the time is over."""
    time.sleep(deadline.seconds_left + 0.1)
    fill_with(3, exam, sheet)


def fill_with(option: int, exam: Exam, sheet: Path) -> None:
    """Answer every question with that option."""
    answers = np.tile(np.eye(5)[option], (len(exam.questions), 1))
    ones = np.ones(len(answers))
    Sheet(answers, ones, answers, ones.astype(int)).save(sheet)
