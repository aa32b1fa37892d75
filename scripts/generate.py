"""Passages of a corpus -> questions: by rules, by a model on this machine, or by a server.

    make generate CORPUS=sample
    make generate CORPUS=wiki CONFIG=server
    python scripts/generate.py corpus=data/corpus/wiki engine=local local.path=path/to/model

Writes data/generated/<name>/{questions,contexts}/part-*.parquet, a source of make questions CONFIG=…
"""

from dataclasses import asdict
from functools import partial
from pathlib import Path

from tqdm import tqdm

from science_exam.cli import run_script
from science_exam.questions.generation.config import GenerateConfig
from science_exam.runs import MANIFEST, open_run, read_manifest
from science_exam.tables import list_parts
from science_exam.workers import count_workers

# What changes a bill or a pace, and no reply.
UNDECISIVE = ("url", "key_variable", "concurrency", "timeout_seconds", "max_tries", "price_in", "price_out",
              "budget_usd", "budget_tokens")  # fmt: skip


def main(config: GenerateConfig, name: str) -> None:
    corpus = Path(config.corpus) / "passages"
    folder = Path("data/generated") / (config.name or name or Path(config.corpus).name)
    without = ("corpus", "name", "workers", *(f"endpoint.{setting}" for setting in UNDECISIVE))
    run = open_run(folder, config, [corpus / MANIFEST], without=without)
    if run.finished and not read_manifest(folder)["results"]["not_asked"]:
        return
    from science_exam.questions.generation.opening import open_engine
    from science_exam.questions.generation.producing import plan_blocks, produce

    parts = list_parts(corpus, "make it with: make corpus")
    # A model sees one passage at a time, so its blocks only say how much a kill can cost.
    block_passages = 200 if config.engine == "local" else 50_000
    blocks = plan_blocks(parts, folder, block_passages, config.max_passages, config.seed)
    workers = count_workers(config.workers) if config.engine == "rules" else 1
    with open_engine(config, folder.name, replies=folder.parent / "replies" / folder.name) as engine:
        run.begin()
        counts = produce(engine, blocks, config.seed, workers, partial(tqdm, desc="blocks", unit=""))
    run.finish(asdict(counts))
    print(f"{folder}: {counts.questions:,} questions; passages or replies that gave none: {counts.given_up}")
    if counts.not_asked:
        print(f"the budget is spent, {counts.not_asked:,} requests were not sent; raise it and run again")


if __name__ == "__main__":
    run_script(main, GenerateConfig, "generate")
