"""Scores of a run: of one fold while it trains and when it is done, of all folds together."""

from collections.abc import Callable
from pathlib import Path

import pandas as pd

from science_exam.errors import UserError
from science_exam.evaluation.report import format_report, score_all, score_predictions, summarize
from science_exam.files import write_text
from science_exam.runs import find_changed, read_manifest, read_settings
from science_exam.tables import OPTION_COLUMNS, PREDICTIONS, QUESTIONS, check_table, read_table

# The files of a fold that hold its answers to the held-out questions.
STATES = {"before training": "predictions_before.parquet", "after training": "predictions.parquet"}
# Of a blend, which is not trained; each question is answered with weights fitted on the other folds.
BLENDED = {"blend": "predictions.parquet"}
# Of a run's folds asked in another way (make predict ARGS="out=data/runs/<name>").
ASKED = {"asked again": "predictions.parquet"}


def score_validation(
    questions: pd.DataFrame, predict: Callable[[pd.DataFrame], pd.DataFrame]
) -> dict[str, float]:
    """{"accuracy": …, "map3": …, …} of the predictions that `predict` makes for `questions` now."""
    scores = score_predictions("validation", predict(questions), questions)
    return summarize([scores])["validation"]


def report_fold(folder: Path, questions: pd.DataFrame) -> dict[str, dict[str, float]]:
    """Score a fold's two predictions tables, write report.md beside them, return the numbers.

    Args:
        folder: of the fold.
        questions: the held-out ones.
    """
    predictions = {state: read_table(PREDICTIONS, folder / file) for state, file in STATES.items()}
    scores = score_all(questions, predictions)
    write_text(folder / "report.md", format_report(scores) + "\n")
    return summarize(scores)


def read_out_of_fold(run: Path) -> dict[str, pd.DataFrame]:
    """Predictions of all folds of a run, before and after training, or of a blend: each question is
    predicted by the fold that held it out.

    Args:
        run: data/runs/<run>, with fold folders in it, or one fold's folder, or one that holds a blend or the
            answers of all folds to another way of asking.

    Raises:
        UserError: no such run, or a fold that is not finished.
    """
    folds = _list_folds(run)
    for fold in folds:
        read_manifest(fold)
        _check_same_settings(folds[0], fold)
    joined = {
        state: pd.concat([read_table(PREDICTIONS, fold / file) for fold in folds])
        for state, file in _list_states(folds[0]).items()
    }
    return {state: check_table(frame, PREDICTIONS, str(run)) for state, frame in joined.items()}


def read_final_answers(run: Path, questions: pd.DataFrame) -> pd.DataFrame:
    """The last predictions that `read_out_of_fold` finds, of a run that is held against `questions`.

    Raises:
        UserError: as there, or an id is of another question in the run's own set: ids are often row numbers.
    """
    source = find_question_set(run)
    own = read_table(QUESTIONS, source / "questions.parquet").set_index("question_id")
    common = questions[questions["question_id"].isin(own.index)].set_index("question_id")
    columns = ["prompt", *OPTION_COLUMNS]
    differing = (common[columns] != own.loc[common.index, columns]).any(axis=1)
    if differing.any():
        raise UserError(
            f"{run}: {differing.sum()} of {len(common)} common ids are other questions in {source}, the "
            f"first is {differing.idxmax()!r}; compare answers to the same questions"
        )
    return list(read_out_of_fold(run).values())[-1]


def list_answer_files(run: Path) -> list[Path]:
    """The files with a run's or a blend's final answers, one a fold or one of all.

    Raises:
        UserError: no such run.
    """
    return [fold / STATES["after training"] for fold in _list_folds(run)]


def find_question_set(run: Path) -> Path:
    """The folder of the question set that a run was trained and held out on.

    Raises:
        UserError: no such run, or the set has changed since: question ids are often row numbers,
            so another file would be scored without a sign that something is wrong.
    """
    fold = _list_folds(run)[0]
    folder = Path(read_settings(fold)["questions"])
    # Not its contexts: a run may have been trained on retrieved ones.
    if changed := find_changed(fold, [folder / "questions.parquet", folder / "folds.parquet"]):
        raise UserError(f"{changed}: not the file that {run} was trained on; make the old set again")
    return folder


def _list_states(fold: Path) -> dict[str, str]:
    settings = read_settings(fold)
    if "runs" in settings:
        return BLENDED
    return ASKED if "views" in settings else STATES


def _check_same_settings(first: Path, fold: Path) -> None:
    """Folds of one run differ in the fold alone; anything else would mix two experiments."""
    one, other = read_settings(first), read_settings(fold)
    if differing := sorted(key for key in one if key != "fold" and one[key] != other.get(key)):
        raise UserError(
            f"{fold}: trained with other settings than {first} ({', '.join(differing)}); "
            f"train both alike, with overwrite=true or under another RUN="
        )


def _list_folds(run: Path) -> list[Path]:
    # Folds that were trained side by side leave fold<fold>.log here too.
    below = sorted(path for path in run.glob("fold*") if path.is_dir())
    folds = [run] if (run / "config.yaml").is_file() else below
    if not folds:
        runs = sorted(path.name for path in run.parent.glob("*") if _is_run(path))
        raise UserError(
            f"{run}: no run there; there are: {', '.join(runs) or 'none'}; train one with: make train FOLD=0"
        )
    return folds


def _is_run(folder: Path) -> bool:
    return (folder / "config.yaml").is_file() or any(folder.glob("fold*/config.yaml"))
