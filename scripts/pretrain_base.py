"""Pretrain the small base that comes with the project, from nothing but articles.

    make pretrain
    python scripts/pretrain_base.py tiny-science-llama budget_seconds=600

Writes models/<name>/ (weights, tokenizer) and data/pretrain/<name>/ (settings, metrics). When the
time is over, the same command goes on from the last checkpoint.
"""

from dataclasses import replace
from pathlib import Path

from science_exam.cli import run_script
from science_exam.pretraining.config import PretrainConfig
from science_exam.pretraining.words import Article, read_articles
from science_exam.runs import Run, open_run


def main(config: PretrainConfig, name: str) -> None:
    name = name or "defaults"
    config = replace(config, out=config.out or f"models/{name}")
    articles = read_articles(Path(config.articles))
    # How long and with how many processes does not decide the result, so either may change.
    folder = Path("data/pretrain") / name
    run = open_run(folder, config, [Path(config.articles)], without=("budget_seconds", "workers"))
    if run.finished:
        print(f"{config.out}: already made from {config.articles} (overwrite=true makes it again)")
    else:
        pretrain(articles, config, run)


def pretrain(articles: list[Article], config: PretrainConfig, run: Run) -> None:
    from science_exam.pretraining.checkpoints import remove_checkpoints, save_base
    from science_exam.pretraining.loop import format_metrics, train_base
    from science_exam.pretraining.tokenizer import list_texts, train_tokenizer

    tokenizer = train_tokenizer(list_texts(articles), config.vocab_size)
    run.begin()
    model, log = train_base(articles, tokenizer, config, run.folder, run.write_metrics)
    if log[-1]["step"] < config.steps:
        print(f"time is over at step {log[-1]['step']} of {config.steps}; the same command goes on")
        return
    save_base(model, tokenizer, Path(config.out))
    remove_checkpoints(run.folder)
    run.finish({"parameters": model.num_parameters(), **log[-1]})
    print(f"{config.out}: {model.num_parameters():,} parameters, {format_metrics(log[-1])}")


if __name__ == "__main__":
    run_script(main, PretrainConfig, "pretrain")
