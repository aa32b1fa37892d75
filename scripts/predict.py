"""Answer a question set with a trained run; writes predictions.parquet and submission.csv.

make predict RUN=demo/fold0 QUESTIONS=path/to/test.csv           (RUN=demo: with all its folds together)
python scripts/predict.py run=data/runs/demo/fold0 questions=data/questions/sample
"""

import time
from functools import partial
from itertools import chain
from pathlib import Path

import numpy as np
import pandas as pd

from science_exam.answering.config import UNDECISIVE, PredictConfig
from science_exam.answering.exam import Exam
from science_exam.answering.held_out import TEST
from science_exam.cli import run_script
from science_exam.kaggle.submission import write_submission
from science_exam.questions.store import list_files, list_identity, read_context_sets, read_question_set
from science_exam.runs import open_run, read_manifest
from science_exam.tables import PREDICTIONS, write_table
from science_exam.training.fold_jobs import choose_gpus
from science_exam.training.trained import choose_contexts, read_trainings

STARTED = time.monotonic() - time.process_time()  # the imports above took some of the time


def main(config: PredictConfig, _: str) -> None:
    asked, trainings = Path(config.questions), read_trainings(Path(config.run), config.base)
    settings, own = trainings[0].settings, trainings[0].owns(asked, list_identity(asked))
    sets = choose_contexts(settings, config.contexts, asked, own)
    data, contexts = read_question_set(asked, sets[0]), read_context_sets(asked, sets)
    folds = data.folds["fold"].astype(str).to_numpy(object) if own else np.full(len(data.questions), TEST)
    exam = Exam(trainings, config, data.questions, contexts, folds)
    if own:  # the set they were trained on: the other folds would flatter them
        exam = exam.pick(np.isin(folds, [str(training.settings.fold) for training in trainings]))
    name = settings.run if len(trainings) > 1 else f"{settings.run}-fold{settings.fold}"
    inputs = [*list_files(asked, *sets), *chain(*(training.inputs for training in trainings))]
    folder = Path(config.out or f"data/predictions/{name}-{asked.name}")
    run = open_run(folder, config, inputs, without=UNDECISIVE)
    if not run.finished:
        from science_exam.answering.sitting import sit_exam

        sit_exam(exam, run, partial(write_answers, folder), STARTED, choose_gpus(config.gpus))
    counts = read_manifest(folder)["results"]
    if counts.get("answered", len(exam.questions)) < len(exam.questions):
        print(f"the model reached {counts['answered']} questions; the others have their longest option first")
    shown = ", ".join(sorted(set(exam.folds)))
    print(f"{folder}: predictions.parquet and submission.csv, {len(exam.questions)} questions, fold {shown}")


def write_answers(folder: Path, predictions: pd.DataFrame) -> None:
    write_table(predictions, PREDICTIONS, folder / "predictions.parquet")
    write_submission(predictions, folder / "submission.csv")


if __name__ == "__main__":
    run_script(main, PredictConfig, "predict")
