"""Fine-tune an adapter or an encoder on all folds but one and score it on that one, or on other prompts.

make train FOLD=0 CONFIG=demo              writes data/runs/demo/fold0/ (GPUS=2: on two, through torchrun)
make train DATA=pairs.jsonl CONFIG=demo    writes data/runs/demo-pairs/pairs/
python scripts/train.py llama-3.1-8b fold=0 questions=data/questions/stem_1k_v1
"""

from dataclasses import asdict, replace
from functools import partial
from pathlib import Path

from science_exam.cli import run_script
from science_exam.evaluation.out_of_fold import STATES, report_fold, score_validation
from science_exam.questions.store import list_files, read_question_set
from science_exam.tables import PREDICTIONS, write_table
from science_exam.training import processes
from science_exam.training.config import TrainConfig
from science_exam.training.examples import prepare_examples, split_fold
from science_exam.training.pair_training import train_pairs
from science_exam.training.preflight import open_training


def main(config: TrainConfig, name: str) -> None:
    config = replace(config, run=config.run or name or "defaults")
    folder = Path("data/runs") / config.run / ("pairs" if config.data else f"fold{config.fold}")
    (train_pairs if config.data else train_fold)(config, folder)
    if processes.rank() == 0:
        print(f"\n{folder}\n\n{(folder / 'report.md').read_text(encoding='utf-8')}")


def train_fold(config: TrainConfig, folder: Path) -> None:
    data = read_question_set(Path(config.questions), config.contexts)
    split = split_fold(data.questions, data.folds, config.fold, config.validation_fraction, config.seed)
    run = open_training(folder, config, list_files(Path(config.questions), config.contexts))
    if run is None:
        return
    from science_exam.answering.predictions import make_answerer
    from science_exam.training import engine, learners

    tokenizer = learners.load_tokenizer(config.base.path)
    rows = prepare_examples(split, data.contexts, tokenizer, config)
    learner = learners.load_learner(config)
    if processes.rank() > 0:
        engine.assist_training(learner, tokenizer, rows, config, folder)
        return
    answerer = make_answerer(learner, tokenizer, config)
    predict = partial(answerer.predict, contexts=data.contexts, fold=str(config.fold), run=config.run)
    run.begin()
    before, after = (folder / file for file in STATES.values())
    if not before.is_file():  # a resumed run has them already
        write_table(predict(split.held_out, progress="before training"), PREDICTIONS, before)
    validate = partial(score_validation, split.validation, predict) if len(split.validation) else None
    trained = learners.train_learner(learner, tokenizer, rows, config, folder, run.write_metrics, validate)
    write_table(predict(split.held_out, progress="after training"), PREDICTIONS, after)
    run.finish({"scores": report_fold(folder, split.held_out), "training": asdict(trained)})
    engine.remove_checkpoints(folder)


if __name__ == "__main__":
    run_script(main, TrainConfig, "train")
