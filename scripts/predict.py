"""Answer a question set with a trained run: ranked options for every question.

    make predict RUN=demo/fold0 QUESTIONS=path/to/test.csv
    python scripts/predict.py run=data/runs/demo/fold0 questions=data/questions/sample

Writes data/predictions/<run>-<questions>/predictions.parquet and submission.csv.
"""

from pathlib import Path

from science_exam.answering.config import PredictConfig
from science_exam.cli import run_script
from science_exam.config import load_config
from science_exam.kaggle.submission import write_submission
from science_exam.questions.store import list_files, read_question_set
from science_exam.runs import MANIFEST, open_run, read_manifest
from science_exam.tables import PREDICTIONS, write_table
from science_exam.training.config import TrainConfig


def main(config: PredictConfig, _: str) -> None:
    trained, asked = Path(config.run), Path(config.questions)
    read_manifest(trained)  # only a finished run answers
    data = read_question_set(asked)
    settings = load_config(TrainConfig, str(trained / "config.yaml"), [], trained)
    name = f"{settings.run}-fold{settings.fold}-{asked.name}"
    folder = Path(config.out) if config.out else Path("data/predictions") / name
    run = open_run(folder, config, [*list_files(asked), trained / MANIFEST])
    if not run.finished:
        answerer = load_answerer(settings, trained / "adapter", config.batch_size)
        predictions = answerer.predict(
            data.questions, data.contexts, fold="test", run=settings.run, progress="answering"
        )
        run.begin()
        write_table(predictions, PREDICTIONS, folder / "predictions.parquet")
        write_submission(predictions, folder / "submission.csv")
        run.finish({"questions": len(predictions)})
    print(f"{folder}: predictions.parquet and submission.csv, {len(data.questions)} questions")


def load_answerer(settings: TrainConfig, adapter: Path, batch_size: int):
    # Here, since torch takes seconds: bad input, --help and a finished run answer at once.
    from science_exam.answering.predictions import Answerer
    from science_exam.training import model

    tokenizer = model.load_tokenizer(settings.base.path)
    answering = model.load_adapter(model.load_base(settings.base), adapter)
    return Answerer(answering, tokenizer, settings.max_contexts, settings.max_tokens, batch_size)


if __name__ == "__main__":
    run_script(main, PredictConfig, "predict")
