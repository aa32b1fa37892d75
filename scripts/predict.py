"""Answer a question set with a trained run; writes predictions.parquet and submission.csv.

make predict RUN=demo/fold0 QUESTIONS=path/to/test.csv
python scripts/predict.py run=data/runs/demo/fold0 questions=data/questions/sample
"""

import time
from collections.abc import Callable
from functools import cache, partial
from pathlib import Path

import pandas as pd

from science_exam.answering.config import UNDECISIVE, PredictConfig
from science_exam.cli import run_script
from science_exam.kaggle.submission import write_submission
from science_exam.questions.store import list_files, list_identity, read_question_set
from science_exam.runs import find_changed, open_run
from science_exam.tables import PREDICTIONS, write_table
from science_exam.training.trained import choose_contexts, find_weights, read_training

STARTED = time.monotonic()


def main(config: PredictConfig, _: str) -> None:
    trained, asked = Path(config.run), Path(config.questions)
    settings = read_training(trained, config.base)
    own = asked.name == Path(settings.questions).name and not find_changed(trained, list_identity(asked))
    contexts = choose_contexts(settings, config.contexts, asked, own)
    data = read_question_set(asked, contexts)
    questions, fold = data.questions, "test"
    if own:
        fold = str(settings.fold)  # the set it was trained on: the other folds would flatter it
        questions = questions[(data.folds["fold"] == settings.fold).to_numpy()]
    folder = Path(config.out or f"data/predictions/{settings.run}-fold{settings.fold}-{asked.name}")
    weights = find_weights(trained)
    inputs = [*list_files(asked, contexts), weights, trained / "config.yaml"]
    run = open_run(folder, config, inputs, without=UNDECISIVE)
    if not run.finished:
        from science_exam.answering.examining import Limits, start_deadline
        from science_exam.answering.predictions import load_answerer

        answerer = load_answerer(settings, weights.parent, config)
        begin = cache(run.begin)  # once: where nothing is kept on the way, only when all is answered
        keep = partial(keep_answers, begin, folder)
        limits = Limits(start_deadline(config.budget_seconds, STARTED), begin, folder / "sheet.npz", keep)
        keep(answerer.predict(questions, data.contexts, fold, settings.run, "answering", limits))
        limits.sheet.unlink(missing_ok=True)
        run.finish({"questions": len(questions)})
    print(f"{folder}: predictions.parquet and submission.csv, {len(questions)} questions, fold {fold}")


def keep_answers(begin: Callable[[], None], folder: Path, predictions: pd.DataFrame) -> None:
    begin()
    write_table(predictions, PREDICTIONS, folder / "predictions.parquet")
    write_submission(predictions, folder / "submission.csv")


if __name__ == "__main__":
    run_script(main, PredictConfig, "predict")
