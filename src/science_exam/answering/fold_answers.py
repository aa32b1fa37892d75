"""The answers of a run's folds to one test set, as one table."""

import re
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
import pandas as pd

from science_exam.answering.calibration import normalize_logits, to_logits
from science_exam.answering.held_out import TEST
from science_exam.errors import UserError
from science_exam.runs import find_changed, read_manifest, read_settings
from science_exam.tables import PREDICTIONS, PROBABILITY_COLUMNS, read_table


def find_test_answers(predictions: Path, runs: Sequence[str], questions: Path) -> dict[str, list[Path]]:
    """Run -> its predictions tables of a test set: the one of all folds or of a blend, else one a fold.

    Args:
        predictions: the folder of all predictions.
        runs: names of runs, or of one of their folds (<run>/fold<fold>).
        questions: folder of the test set.

    Raises:
        UserError: there are none, one is not finished, or answers other questions than the set now holds.
    """
    return {run: _find_answers(predictions, run, questions) for run in runs}


def read_test_answers(files: Sequence[Path]) -> pd.DataFrame:
    """The predictions table of a run: the mean of its folds' logits, normalised.

    The folds are one model that saw four fifths of the questions each. Their geometric mean is nearer than
    their mean to what one of them would say, which temperatures were fitted on.

    Raises:
        UserError: answers to held-out questions, or to different ones.
    """
    tables = [read_table(PREDICTIONS, file) for file in files]
    for file, table in zip(files, tables, strict=True):
        if strange := sorted(set(table["fold"]) - {TEST}):
            raise UserError(
                f"{file}: expected answers to a test set, found fold {strange[0]} of the set that the run "
                f"was trained on"
            )
        if table["question_id"].tolist() != tables[0]["question_id"].tolist():
            raise UserError(f"{file}: answers other questions than {files[0]}; answer the set again")
    logits = np.stack([to_logits(table[list(PROBABILITY_COLUMNS)].to_numpy()) for table in tables])
    mean = normalize_logits(logits.mean(axis=0))  # (rows, 5)
    return tables[0].assign(**dict(zip(PROBABILITY_COLUMNS, mean.T, strict=True)))


def describe_views(runs: Path, files: Mapping[str, Sequence[Path]]) -> str:
    """A line for each run whose test answers have another number of views than those that decide its weight.

    A blend's own answers have none; what is said of them was said when it was made.

    Args:
        runs: the folder of all runs.
        files: of `find_test_answers`.
    """
    lines = []
    for run, own in files.items():
        fitted, asked = _count_views(runs / run), sorted({_count_views(file.parent) for file in own})
        if asked != [fitted]:
            lines.append(
                f"{run}: its held-out questions were answered with views={fitted}, the test set with "
                f"views={', '.join(map(str, asked))}; weights and temperatures fit where both are alike\n"
            )
    return "".join(lines)


def _count_views(folder: Path) -> int:
    """Orders of the options that were asked in; a training asks its held-out questions in one."""
    return read_settings(folder).get("views", 1) if (folder / "config.yaml").is_file() else 1


def _find_answers(predictions: Path, run: str, questions: Path) -> list[Path]:
    pattern = re.compile(rf"{re.escape(run.replace('/', '-'))}(-fold\d+)?-{re.escape(questions.name)}")
    whole = predictions / f"{run.replace('/', '-')}-{questions.name}"
    by_fold = sorted(path for path in predictions.glob("*") if pattern.fullmatch(path.name))
    folders = [whole] if whole in by_fold else by_fold
    if not folders:
        raise UserError(
            f"{predictions}: no answers of {run} to {questions.name}; make them with: "
            f"make predict RUN={run}/fold0 QUESTIONS=FILE (of a blend: make blend with the same QUESTIONS)"
        )
    for folder in folders:
        read_manifest(folder)
        if changed := find_changed(folder, [questions / "questions.parquet"]):
            raise UserError(f"{changed}: not the questions that {folder} answers; answer them again")
    return [folder / "predictions.parquet" for folder in folders]
