"""Pretrain the small base that comes with the project, from articles and questions.

    make pretrain
    python scripts/pretrain_base.py tiny-science-llama budget_seconds=600
    torchrun --nproc-per-node 2 scripts/pretrain_base.py tiny-science-llama workers=8

Writes models/<name>/ (weights, tokenizer) and data/pretrain/<name>/ (settings, metrics). When the
time is over, the same command goes on from the last checkpoint.
"""

from dataclasses import replace
from pathlib import Path

from science_exam.cli import run_script
from science_exam.pretraining.articles import list_article_files
from science_exam.pretraining.config import PretrainConfig
from science_exam.questions.store import list_files, read_question_set
from science_exam.runs import Run, open_run


def main(config: PretrainConfig, name: str) -> None:
    name = name or "defaults"
    config = replace(config, out=config.out or f"models/{name}")
    questions = list_files(Path(config.questions), config.contexts) if config.questions else []
    articles = [file for corpus in config.corpora for file in list_article_files(Path(corpus))]
    inputs = [*articles, *questions, *map(Path, config.evaluation)]
    # How long and with how many processes does not decide the result, so either may change.
    run = open_run(Path("data/pretrain") / name, config, inputs, without=("budget_seconds", "workers"))
    if run.finished:
        print(f"{config.out}: already made with these settings (overwrite=true makes it again)")
    else:
        pretrain(config, run)


def pretrain(config: PretrainConfig, run: Run) -> None:
    from science_exam.pretraining.checkpoints import remove_checkpoints, save_base
    from science_exam.pretraining.loop import format_metrics, open_accelerator, train_base
    from science_exam.pretraining.preparing import prepare_training

    data = read_question_set(Path(config.questions), config.contexts) if config.questions else None
    accelerator = open_accelerator()
    if accelerator.is_main_process:  # of several processes one keeps the books
        run.begin()
    accelerator.wait_for_everyone()
    made = prepare_training(config, data and (data.questions, data.contexts))
    parts = (made.reader, made.make_example, made.held_out)
    log = train_base(*parts, config, run.folder, run.write_metrics, accelerator)
    if not accelerator.is_main_process:
        return
    if log[-1]["step"] < config.steps:
        print(f"time is over at step {log[-1]['step']} of {config.steps}; the same command goes on")
        return
    save_base(made.reader.llama, made.tokenizer, Path(config.out))
    run.finish({"parameters": made.reader.llama.num_parameters(), **made.counts, **log[-1]})
    remove_checkpoints(run.folder)
    print(f"{config.out}: {made.reader.llama.num_parameters():,} parameters, {format_metrics(log[-1])}")


if __name__ == "__main__":
    run_script(main, PretrainConfig, "pretrain")
