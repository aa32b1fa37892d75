"""What the processes of shares do in tests when they do not do their work; those processes import it."""

import os
import time
from pathlib import Path

from science_exam.answering.exam import Exam


def stumble(exam: Exam, sheet: Path, *words) -> None:
    """Die: always with the first question of the exam, once with others; then do nothing."""
    mark = sheet.with_suffix(".died")
    if "hydrogen-1" in set(exam.questions["question_id"]) or not mark.exists():
        mark.touch()
        os._exit(3)


def sleep(*words) -> None:
    """Hang."""
    time.sleep(600)
