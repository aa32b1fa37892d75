"""Fine-tune an adapter on all folds but one, score it on that one; writes data/runs/<run>/fold<fold>/.

make train FOLD=0 CONFIG=demo
python scripts/train.py llama-3.1-8b fold=0 questions=data/questions/stem_1k_v1
"""

from dataclasses import asdict, replace
from functools import partial
from pathlib import Path

from science_exam.cli import run_script
from science_exam.evaluation.out_of_fold import STATES, report_fold, score_validation
from science_exam.prompt import check_prompts, join_contexts
from science_exam.questions.store import QuestionSet, list_files, read_question_set
from science_exam.runs import Run, open_run
from science_exam.tables import PREDICTIONS, write_table
from science_exam.training.base import list_small_files
from science_exam.training.config import TrainConfig
from science_exam.training.examples import FoldSplit, build_examples, split_fold
from science_exam.training.preflight import check_training


def main(config: TrainConfig, name: str) -> None:
    config, source = replace(config, run=config.run or name or "defaults"), Path(config.questions)
    folder = Path("data/runs") / config.run / f"fold{config.fold}"
    data = read_question_set(source, config.contexts)
    split = split_fold(data.questions, data.folds, config.fold, config.validation_fraction, config.seed)
    inputs = [*list_files(source, config.contexts), *list_small_files(config.base.path)]
    run = open_run(folder, config, inputs, without=("answer_batch_size", "report_to"))
    if not run.finished:
        check_training(config)
        train_fold(config, data, split, run)
    print(f"\n{folder}\n\n{(folder / 'report.md').read_text(encoding='utf-8')}")


def train_fold(config: TrainConfig, data: QuestionSet, split: FoldSplit, run: Run) -> None:
    from science_exam.answering.predictions import Answerer
    from science_exam.training import engine, model

    tokenizer = model.load_tokenizer(config.base.path)
    check_prompts(join_contexts(data.questions, None, 0), tokenizer, config.max_tokens)
    asked = join_contexts(split.train, data.contexts, config.max_contexts)
    rows = build_examples(asked, tokenizer, config.max_tokens)
    learner = model.add_adapter(model.load_base(config.base), config.lora, config.seed)
    answerer = Answerer(learner, tokenizer, config.max_contexts, config.max_tokens, config.answer_batch_size)
    predict = partial(answerer.predict, contexts=data.contexts, fold=str(config.fold), run=config.run)
    run.begin()
    before, after = (run.folder / file for file in STATES.values())
    if not before.is_file():  # a resumed run has them already
        write_table(predict(split.held_out, progress="before training"), PREDICTIONS, before)
    validate = partial(score_validation, split.validation, predict) if len(split.validation) else None
    trained = engine.train_adapter(learner, tokenizer, rows, config, run.folder, run.write_metrics, validate)
    write_table(predict(split.held_out, progress="after training"), PREDICTIONS, after)
    scores = report_fold(run.folder, split.held_out)
    run.finish({"scores": scores, "training": asdict(trained)})
    engine.remove_checkpoints(run.folder)


if __name__ == "__main__":
    run_script(main, TrainConfig, "train")
