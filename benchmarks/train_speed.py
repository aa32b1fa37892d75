"""Training speed and memory of a base in NF4: this project's fast engine, TRL and Unsloth, side by side.

    python benchmarks/train_speed_base.py /dev/shm/base path/to/llama3-tokenizer
    python benchmarks/train_speed.py /dev/shm/base rows.jsonl.gz --repeats 3 --memory-budget-gb 7.2 10.3 24

ROWS hold JSON lines with `instruction`, `input` and `output`; the loss is on the output alone. All peers get
the same rows in the same order, 8 an optimizer step (TRL and Unsloth: 4 × 2), LoRA of rank 16 on the seven
projections, AdamW with 8-bit states, and a process of their own. Tokens are counted without padding; memory
is the peak of all steps; setup is what is not steps at the measured speed (imports, loading, compiling).

Every result is a line of --results at once: the same command goes on where it was stopped, and tries again
what failed. What a job printed is in a file of its own in the folder of the same name.

Unsloth asks for older versions of TRL, datasets and transformers than this project pins, so it may have a
folder of its own: pip install --target FOLDER unsloth, then --unsloth-packages FOLDER.
"""

import argparse
import json
import sys
from pathlib import Path

from speed_jobs import run_missing
from train_speed_jobs import FAST, Job, list_jobs
from train_speed_peers import PEERS
from train_speed_table import count_flops_per_token, format_report

from science_exam.errors import UserError


def main(arguments: argparse.Namespace) -> None:
    base, rows = arguments.base.resolve(), arguments.rows.resolve()
    if not (base / "config.json").is_file():
        raise UserError(f"{base}: holds no config.json; make a base with benchmarks/train_speed_base.py")
    if not rows.is_file():
        raise UserError(f"{rows}: no such file; expected JSON lines with instruction, input and output")
    jobs = list(
        list_jobs(
            arguments.peers,
            arguments.memory_budget_gb,
            arguments.repeats,
            base=str(base),
            rows=str(rows),
            max_tokens=arguments.max_tokens,
            warm_up=arguments.warm_up,
            steps=arguments.steps,
        )
    )
    unsloth = arguments.unsloth_packages

    def choose_packages(job: Job) -> Path | None:
        return unsloth if "unsloth" in job.peer else None

    results = run_missing(jobs, arguments.results, "train_speed_peers.py", choose_packages)
    config = json.loads((base / "config.json").read_text(encoding="utf-8"))
    print(format_report(results, count_flops_per_token(config)))


def parse_arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    add = parser.add_argument
    add("base", type=Path, help="folder of a Llama, in NF4 or 16 bits")
    add("rows", type=Path, help="JSON lines, gzipped or not")
    add("--peers", nargs="+", choices=PEERS, default=list(PEERS))
    add("--repeats", type=int, default=1, help="trainings of each peer; the table holds medians")
    add("--memory-budget-gb", type=float, nargs="+", default=[], help=f"a line of {FAST} for each")
    add("--max-tokens", type=int, default=720, help="longer rows are left out")
    add("--warm-up", type=int, default=10, help="optimizer steps that are not timed")
    add("--steps", type=int, default=30, help="timed optimizer steps")
    add("--results", type=Path, default=Path("data/train_speed.jsonl"))
    add("--unsloth-packages", type=Path, help="folder of packages for the Unsloth peers alone")
    return parser.parse_args()


if __name__ == "__main__":
    try:
        main(parse_arguments())
    except UserError as error:
        sys.exit(f"error: {error}")
