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
import time
from collections.abc import Sequence
from pathlib import Path

from train_speed_jobs import FAST, Job, is_measured, list_jobs, read_results, run_job
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
    run_missing(jobs, arguments.results, arguments.unsloth_packages)
    results = {Job(**result["job"]): result for result in read_results(arguments.results)}
    config = json.loads((base / "config.json").read_text(encoding="utf-8"))
    print(format_report([results[job] for job in jobs], count_flops_per_token(config)))


def run_missing(jobs: Sequence[Job], path: Path, unsloth_packages: Path | None) -> None:
    """Run what the results file does not hold yet, and add it line by line."""
    done = {Job(**result["job"]) for result in read_results(path) if is_measured(result)}
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("a", encoding="utf-8") as file:
        for job in jobs:
            if job in done:
                continue
            began = time.perf_counter()
            packages = str(unsloth_packages.resolve()) if unsloth_packages and "unsloth" in job.peer else ""
            log = path.with_suffix("") / f"{job.name} {job.repeat}.log".replace(", ", "-").replace(" ", "-")
            result = run_job(job, log, packages)
            print(json.dumps(result), file=file, flush=True)
            state = result.get("missing") or result.get("error") or "measured"
            print(f"{job.name}: {state}, {time.perf_counter() - began:.0f} s", file=sys.stderr, flush=True)


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
