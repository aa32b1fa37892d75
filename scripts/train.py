"""Fine-tune an adapter on all folds but one, and score it on that one before and after.

    make train FOLD=0 CONFIG=demo
    python scripts/train.py llama-3.1-8b fold=0 questions=data/questions/stem_1k_v1

Writes data/runs/<run>/fold<fold>/: adapter/, config.yaml, metrics.jsonl, predictions.parquet,
predictions_before.parquet, report.md, environment.json, and manifest.json last.
"""

from dataclasses import asdict, replace
from functools import partial
from pathlib import Path

from science_exam.cli import run_script
from science_exam.evaluation.report import format_report, score_all, summarize
from science_exam.files import write_text
from science_exam.prompt import join_contexts
from science_exam.questions.store import QuestionSet, list_files, read_question_set
from science_exam.runs import Run
from science_exam.tables import PREDICTIONS, read_table, write_table
from science_exam.training import examples
from science_exam.training.config import TrainConfig
from science_exam.training.preflight import check_training


def main(config: TrainConfig, name: str) -> None:
    config = replace(config, run=config.run or name or "defaults")
    folder = Path("data/runs") / config.run / f"fold{config.fold}"
    data = read_question_set(Path(config.questions))
    split = examples.split_fold(
        data.questions, data.folds, config.fold, config.validation_fraction, config.seed
    )
    check_training(config)
    inputs = list_files(Path(config.questions))
    run = Run(folder, asdict(replace(config, overwrite=False)), inputs, config.overwrite)
    if not run.finished:
        train_fold(config, data, split, run)
    print(f"\n{folder}\n\n{(folder / 'report.md').read_text(encoding='utf-8')}")


def train_fold(config: TrainConfig, data: QuestionSet, split: examples.FoldSplit, run: Run) -> None:
    # Here, since torch takes seconds: bad input, --help and a finished run answer at once.
    from science_exam.answering.predictions import Answerer
    from science_exam.training import engine, model

    tokenizer = model.load_tokenizer(config.base.path)
    asked = join_contexts(split.train, data.contexts, config.max_contexts)
    rows = examples.build_examples(asked, tokenizer, config.max_tokens)
    learner = model.add_adapter(model.load_base(config.base), config.lora, config.seed)
    answerer = Answerer(learner, tokenizer, config.max_contexts, config.max_tokens, config.answer_batch_size)
    predict = partial(answerer.predict, contexts=data.contexts, fold=str(config.fold), run=config.run)

    def validate() -> dict[str, float]:
        scores = score_all(split.validation, {"validation": predict(split.validation)})
        return summarize(scores)["validation"]

    run.begin()
    states = {"before training": "predictions_before.parquet", "after training": "predictions.parquet"}
    before, after = (run.folder / file for file in states.values())
    if not before.is_file():  # a resumed run has them already
        write_table(predict(split.held_out, progress="before training"), PREDICTIONS, before)
    validator = None if split.validation.empty else validate
    trained = engine.train_adapter(learner, tokenizer, rows, config, run.folder, run.write_metrics, validator)
    model.save_adapter(learner, run.folder / "adapter")
    write_table(predict(split.held_out, progress="after training"), PREDICTIONS, after)
    predictions = {state: read_table(PREDICTIONS, run.folder / file) for state, file in states.items()}
    scores = score_all(split.held_out, predictions)
    write_text(run.folder / "report.md", format_report(scores) + "\n")
    engine.remove_checkpoints(run.folder)
    run.finish({"scores": summarize(scores), "training": asdict(trained)})


if __name__ == "__main__":
    run_script(main, TrainConfig, "train")
