"""Answer a question set with a trained run; writes predictions.parquet and submission.csv.

make predict RUN=demo/fold0 QUESTIONS=path/to/test.csv
python scripts/predict.py run=data/runs/demo/fold0 questions=data/questions/sample
"""

from pathlib import Path

from science_exam.answering.config import PredictConfig
from science_exam.cli import run_script
from science_exam.errors import UserError
from science_exam.kaggle.submission import write_submission
from science_exam.questions.store import list_files, list_identity, read_question_set
from science_exam.runs import find_changed, open_run
from science_exam.tables import PREDICTIONS, write_table
from science_exam.training.trained import read_training

# What changes the pace of the answers and not what they are.
UNDECISIVE = ("batch_size", "base", "streaming", "memory_budget_gb", "host_memory_gb")


def main(config: PredictConfig, _: str) -> None:
    trained, asked = Path(config.run), Path(config.questions)
    settings = read_training(trained, config.base)
    k = settings.max_contexts if config.max_contexts is None else config.max_contexts
    own = asked.name == Path(settings.questions).name and not find_changed(trained, list_identity(asked))
    contexts = config.contexts or (settings.contexts if own else "")
    if settings.contexts and not contexts:
        raise UserError(
            f"{trained}: trained with retrieved contexts; retrieve some for {asked} too (make retrieve) and "
            f"give them with contexts=data/contexts/{asked.name} (make: CONTEXTS=)"
        )
    data = read_question_set(asked, contexts)
    questions, fold = data.questions, "test"
    if own:
        fold = str(settings.fold)  # the set it was trained on: the other folds would flatter it
        questions = questions[(data.folds["fold"] == settings.fold).to_numpy()]
    folder = Path(config.out or f"data/predictions/{settings.run}-fold{settings.fold}-{asked.name}")
    weights = trained / "adapter" / "adapter_model.safetensors"
    inputs = [*list_files(asked, contexts), weights, trained / "config.yaml"]
    run = open_run(folder, config, inputs, without=UNDECISIVE)
    if not run.finished:
        from science_exam.answering.predictions import load_answerer

        limits = {"max_contexts": k, "max_tokens": settings.max_tokens, "batch_size": config.batch_size}
        if config.streaming:
            limits["budgets_gb"] = config.memory_budget_gb, config.host_memory_gb
        answerer = load_answerer(settings.base, weights.parent, **limits)
        predictions = answerer.predict(questions, data.contexts, fold, settings.run, progress="answering")
        run.begin()
        write_table(predictions, PREDICTIONS, folder / "predictions.parquet")
        write_submission(predictions, folder / "submission.csv")
        run.finish({"questions": len(predictions)})
    print(f"{folder}: predictions.parquet and submission.csv, {len(questions)} questions, fold {fold}")


if __name__ == "__main__":
    run_script(main, PredictConfig, "predict")
