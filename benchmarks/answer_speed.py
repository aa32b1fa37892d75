"""Answering speed and memory on one GPU: this project's packed pass beside what the field does.

    python benchmarks/train_speed_base.py /dev/shm/nf4 path/to/llama3-tokenizer
    python benchmarks/make_random_base.py /dev/shm/bf16 path/to/llama3-tokenizer
    python benchmarks/answer_speed.py closed.jsonl.gz opened.jsonl.gz --bases /dev/shm/nf4 /dev/shm/bf16
    python benchmarks/answer_speed.py closed.jsonl.gz opened.jsonl.gz --bases /dev/shm/nf4 --ways check

The rows are training rows as train_speed.py takes them, without contexts and with them; they are repeated
where there are too few. Every way answers the same questions with the same random adapter (rank 16, the
seven projections, in the compute type) from their text on: tokenizing counts. Each has a process of its own
that answers 32 questions first, whose first answers are `cold`: compiling included, loading the base not.

The limit is what the questions cannot do without, at the speed of a large bf16 product: two operations a
weight of the blocks and token, in the last block keys and values alone but for the token that decides, and
attention; tokens that several orders of the options share once. What lasts is the speed of such products
for seconds on end, which a card's power holds down. `check` compares answers instead of speeds.

Every result is a line of --results at once: the same command goes on where it was stopped, and tries again
what failed. What a job printed, a profile of the packed pass too, is in a file of the folder of that name.
"""

import argparse
import sys
from pathlib import Path

from answer_speed_jobs import CHECK, OWN, PEERS, Job, list_jobs
from answer_speed_table import format_report
from speed_jobs import run_missing

from science_exam.errors import UserError


def main(arguments: argparse.Namespace) -> None:
    bases = [base.resolve() for base in arguments.bases]
    for base in bases:
        if not (base / "config.json").is_file():
            raise UserError(f"{base}: holds no config.json; make a base with benchmarks/train_speed_base.py")
    for rows in (arguments.closed, arguments.opened):
        if not rows.is_file():
            raise UserError(f"{rows}: no such file; expected JSON lines with instruction, input and output")
    few, many = arguments.questions
    jobs = list_jobs(
        [str(base) for base in bases],
        arguments.ways,
        arguments.repeats,
        closed=str(arguments.closed.resolve()),
        opened=str(arguments.opened.resolve()),
        few=few,
        many=many,
        most_seconds=arguments.most_seconds,
        max_tokens=arguments.max_tokens,
        batch_size=arguments.batch_size,
        tokens_together=arguments.tokens_together,
    )

    def choose_packages(job: Job) -> Path | None:
        return arguments.xgrammar_packages if job.way == "xgrammar" else None

    print(format_report(run_missing(list(jobs), arguments.results, "answer_speed_ways.py", choose_packages)))


def parse_arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    add = parser.add_argument
    add("closed", type=Path, help="JSON lines without contexts, gzipped or not")
    add("opened", type=Path, help="JSON lines with contexts")
    add("--bases", type=Path, nargs="+", required=True, help="folders of Llamas, in NF4 or 16 bits")
    add("--ways", nargs="+", choices=[*PEERS, *OWN, CHECK], default=[*PEERS, *OWN, CHECK])
    add("--questions", type=int, nargs=2, default=[200, 4_000], metavar=("FEW", "MANY"))
    add("--most-seconds", type=float, default=40.0, help="of a run of MANY questions; then fewer are asked")
    add("--repeats", type=int, default=1, help="jobs of each way; the tables hold medians")
    add("--max-tokens", type=int, default=1_024, help="of a prompt with its answer")
    add("--batch-size", type=int, default=32, help="of the ways that pad")
    add("--tokens-together", type=int, default=8_192, help="of the ways that pack")
    add("--results", type=Path, default=Path("data/answer_speed.jsonl"))
    add("--xgrammar-packages", type=Path, help="folder of packages for xgrammar alone")
    return parser.parse_args()


if __name__ == "__main__":
    try:
        main(parse_arguments())
    except UserError as error:
        sys.exit(f"error: {error}")
