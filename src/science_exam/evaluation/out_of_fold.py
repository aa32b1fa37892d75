"""The predictions of a run's folds, put together."""

from pathlib import Path

import pandas as pd

from science_exam.errors import UserError
from science_exam.runs import read_manifest
from science_exam.tables import PREDICTIONS, check_table, read_table

STATES = {"before training": "predictions_before.parquet", "after training": "predictions.parquet"}


def read_out_of_fold(run: Path) -> dict[str, pd.DataFrame]:
    """Predictions of every finished fold of a run, each question predicted by the fold that held
    it out, before and after training.

    Args:
        run: data/runs/<run>, with fold folders in it, or one fold's folder.

    Raises:
        UserError: no such run, or a fold that is not finished.
    """
    folds = [run] if (run / "config.yaml").is_file() else sorted(run.glob("fold*"))
    if not folds:
        raise UserError(f"{run}: no run there; train one with: make train FOLD=0")
    for fold in folds:
        read_manifest(fold)
    joined = {
        state: pd.concat([read_table(PREDICTIONS, fold / name) for fold in folds])
        for state, name in STATES.items()
    }
    return {state: check_table(frame, PREDICTIONS, str(run)) for state, frame in joined.items()}
