"""The stages of the notebook behind its fallback: questions, passages, answers, and the last check."""

import json
import os
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from time import monotonic

import pandas as pd

from science_exam.errors import UserError
from science_exam.files import write_text
from science_exam.kaggle.session import retrieving
from science_exam.kaggle.session.fallback import ExamRow, write_longest
from science_exam.kaggle.session.inputs import Inputs, Warn
from science_exam.kaggle.session.watching import Child
from science_exam.kaggle.submission import check_submission
from science_exam.tables import CONTEXTS, OPTION_COLUMNS, QUESTIONS, write_table

PUBLIC_ROWS = 200  # of the test.csv outside the competition's own run
RETRIEVAL_SHARE = 1 / 3  # of the time left that passages may take


def count_asked(n_rows: int, short_rows: int) -> int:
    """Rows to answer: all of them in the competition's own run, few outside it, to spare GPU hours."""
    is_rerun = bool(os.environ.get("KAGGLE_IS_COMPETITION_RERUN"))
    return n_rows if is_rerun or n_rows > PUBLIC_ROWS else min(n_rows, short_rows)


def pose_questions(rows: Sequence[ExamRow], n_asked: int, folder: Path) -> None:
    """Write the tables of the first `n_asked` rows.

    A question is called by the number of its row, since ids may be anything. A row without a question
    cannot be asked; one with empty options can.

    Raises:
        UserError: none of them can be asked.
    """
    asked = [(str(number), row) for number, row in enumerate(rows[:n_asked]) if row.prompt]
    if not asked:
        raise UserError("test.csv: expected at least one question, found none")
    questions = [
        {
            "question_id": number,
            "prompt": row.prompt,
            **dict(zip(OPTION_COLUMNS, row.options, strict=True)),
            "answer": None,
            "source": "test",
            "group": number,
            "passage_id": None,
        }
        for number, row in asked
    ]
    contexts = [
        {"question_id": number, "rank": 1, "passage_id": None, "score": None, "retriever": "given"}
        | {"text": row.context}
        for number, row in asked
        if row.context
    ]
    write_table(pd.DataFrame(questions), QUESTIONS, folder / retrieving.QUESTIONS_FILE)
    given = pd.DataFrame(contexts, columns=list(CONTEXTS.columns))
    write_table(given, CONTEXTS, folder / retrieving.CONTEXTS_FILE)
    print(f"{len(questions)} of {len(rows)} rows are asked, {len(contexts)} of them come with a context")


def find_contexts(inputs: Inputs, folder: Path, deadline: float, warn: Warn) -> None:
    """Find passages for every question, unless there is no index; in a share of the time left.

    Args:
        inputs: what is searched, and how.
        folder: that holds the tables of the questions.
        deadline: of the notebook, on the monotonic clock.
        warn: called when only a part of the index could be searched.

    Raises:
        UserError: it failed or took too long; the contexts that came with the questions stay.
    """
    if not inputs.config.retrieve.index:
        print("closed book")
        return
    settings = json.dumps(asdict(inputs.config.retrieve), indent=1)  # JSON is YAML
    write_text(folder / retrieving.SETTINGS, settings)
    child = Child(retrieving.__name__, folder)
    seconds = RETRIEVAL_SHARE * (deadline - monotonic())
    if not child.wait(seconds):
        child.kill()
        raise UserError(f"stopped after {seconds:.0f} s, its share of the time; answered without passages")
    if not child.succeeded:
        raise UserError(f"{child.explain()}; answered without passages")
    lines = child.read_log().splitlines()
    for line in lines:
        if line.startswith(retrieving.BY_WORDS):
            warn(line)
    print(lines[-1])


def check_answers(rows: Sequence[ExamRow], path: Path) -> None:
    """Look at the submission as the competition will; one that it would refuse becomes the fallback.

    Raises:
        UserError: it had to be replaced.
    """
    try:
        check_submission(path, [row.id for row in rows])
    except UserError:
        write_longest(rows, path)
        raise
    print(f"{path}: {len(rows)} rows, every one valid and in the order of test.csv")
