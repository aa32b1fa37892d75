"""What the embedded base is worth on real questions, and what data helps: MAP@3 with intervals.

    python benchmarks/base_reading.py DATA --generated data/generated/text --processes 8
    python benchmarks/base_reading.py DATA --only given --sets stem_1k --folds 1 --seeds 1 --r 16 32
    python benchmarks/base_reading.py --report

DATA is the folder that holds questions/. Adapters (NF4 base, LoRA on every linear layer, the project's own
training and answering) learn from stem_1k and answer its held-out fold, or all of it and answer the official
200 questions:

    zero-shot            no adapter
    closed book          trained and answered without contexts
    given                the contexts that came with the questions: what the other arms are compared with
    retrieved            trained with retrieved contexts (--retrieved)
    permuted             four orders of the options of each question instead of one
    permuted and mixed   and the given context beside another passage
    generated, others    given, and questions of --generated or of --others as well
    permuted, generated  permuted, and the questions of --generated as they are

Each answers with the given contexts (in the options' own order, and in five orders whose probabilities are
averaged), without, and with retrieved ones; zero-shot and given also with the options shuffled five times,
each order scored alone. All trainings take the same number of optimizer steps: --steps, or as many as
--epochs passes over the rows of arm "given" need. Settings that are given several values (--r 16 32) are all
tried. Every result is a line of --results at once: the same command goes on where it was stopped. Folders are
told apart by what their files hold, so one file of results takes trials with several.
"""

import argparse
import itertools
import json
import os
import sys
import time
from collections.abc import Iterator
from functools import partial
from pathlib import Path

from reading_jobs import Job, Settings, name_job, run_job
from reading_sets import ARMS, EXTRA_OF, FOLDS, OFFICIAL, RETRIEVED, STEM, ZERO_SHOT, Sources
from reading_tables import format_tables

from science_exam.errors import UserError
from science_exam.training.config import BaseConfig, TrainConfig
from science_exam.workers import count_workers, run_tasks


def list_jobs(arguments: argparse.Namespace) -> Iterator[Job]:
    """The whole matrix; the arms with most to do first, so that no long job is left for the end."""
    names = ("base", "learning_rate", "r", "epochs", "batch_size", "steps", "max_tokens", "engine")
    grid = [Settings(*values) for values in itertools.product(*(getattr(arguments, n) for n in names))]
    asked = [(STEM, fold) for fold in range(arguments.folds)] if STEM in arguments.sets else []
    asked += [(OFFICIAL, None)] if OFFICIAL in arguments.sets else []
    for arm in sorted(list_arms(arguments), key=ARMS.index, reverse=True):
        if arm == ZERO_SHOT:
            untrained = {(s.base, s.max_tokens): s for s in reversed(grid)}
            yield from (Job(arm, name, None, 0, s) for s in untrained.values() for name in arguments.sets)
            continue
        for settings, seed, (name, fold) in itertools.product(grid, range(arguments.seeds), asked):
            yield Job(arm, name, fold, seed, settings)


def list_arms(arguments: argparse.Namespace) -> list[str]:
    """The arms that are asked for, or all whose data was given."""
    needs = {RETRIEVED: RETRIEVED, **EXTRA_OF}
    lacking = {arm: name for arm, name in needs.items() if not getattr(arguments, name)}
    if missing := [arm for arm in arguments.only or () if arm in lacking]:
        raise UserError(f"--only {missing[0]!r}: expected --{lacking[missing[0]]} with a folder")
    return [arm for arm in arguments.only or ARMS if arm not in lacking]


def read_results(path: Path) -> list[dict]:
    """The finished jobs; a line that was cut short is no job."""
    results = []
    lines = path.read_text(encoding="utf-8").splitlines() if path.is_file() else []
    for number, line in enumerate(lines, start=1):
        try:
            results.append(json.loads(line))
        except json.JSONDecodeError:
            continue
        if "sources" not in results[-1] or "engine" not in results[-1]["settings"]:
            raise UserError(
                f"{path}: line {number}: does not say what was read or by which engine; give other --results"
            )
    return results


def parse_arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    add = parser.add_argument
    add("data", nargs="?", help="folder that holds questions/")
    add("--results", type=Path, default=Path("data/base_reading.jsonl"))
    add("--report", action="store_true", help="print the tables of --results, train nothing")
    add("--only", nargs="+", choices=ARMS, metavar="ARM")
    add("--sets", nargs="+", choices=(STEM, OFFICIAL), default=[STEM, OFFICIAL])
    add("--folds", type=int, default=FOLDS.folds, help="hold out the first N of the five folds")
    add("--seeds", type=int, default=3)
    add("--processes", type=int, default=1, help="on the same GPU; 0: one a core")
    add("--base", nargs="+", default=[BaseConfig().path])
    add("--learning-rate", nargs="+", type=float, default=[1e-3])
    add("--r", nargs="+", type=int, default=[32])
    add("--epochs", nargs="+", type=float, default=[4.0])
    add("--batch-size", nargs="+", type=int, default=[32])
    add(
        "--steps",
        nargs="+",
        type=int,
        default=[0],
        help="optimizer steps of every training, instead of epochs",
    )
    add("--max-tokens", nargs="+", type=int, default=[1024])
    add("--engine", nargs="+", choices=("fast", "trl"), default=[TrainConfig().engine])
    add("--answer-batch-size", type=int, default=64)
    add("--generated", default="", help="folder of generated questions")
    add("--others", default="", help="folder of a built set")
    add("--others-contexts", default="", help="folder of contexts retrieved for it")
    add("--other-sources", nargs="+", default=[], help="sources of that set to take")
    add("--retrieved", default="", help="folder of contexts retrieved for stem_1k")
    add("--retrieved-official", default="", help="the same for the official questions")
    add("--max-extra", type=int, default=4000, help="generated or other questions at most; 0: all")
    add("--max-rows", type=int, default=0, help="questions of each evaluation set, for a trial")
    return parser.parse_args()


def read_sources(arguments: argparse.Namespace) -> Sources:
    values = {name: getattr(arguments, name) for name in Sources.__dataclass_fields__}
    return Sources(**values | {"other_sources": tuple(arguments.other_sources)})


def run_jobs(arguments: argparse.Namespace) -> None:
    """Run what the results file does not hold yet, and add it line by line."""
    sources = read_sources(arguments)
    identified = sources.identify()
    done = {result["job"] for result in read_results(arguments.results)}
    jobs = {name_job(job, identified): job for job in list_jobs(arguments)}
    waiting = [(name, job) for name, job in jobs.items() if name not in done]
    n_processes = min(count_workers(arguments.processes), max(1, len(waiting)))
    quieten(n_processes)
    run, clock = partial(run_job, sources, identified, arguments.answer_batch_size), time.perf_counter()
    arguments.results.parent.mkdir(parents=True, exist_ok=True)
    with arguments.results.open("a", encoding="utf-8") as file:
        file.write("\n")  # ends a line that was cut short
        for number, result in enumerate(run_tasks(run, waiting, n_processes), start=1):
            file.write(json.dumps(result) + "\n")
            file.flush()
            spent = time.perf_counter() - clock
            print(f"{number}/{len(waiting)} {spent:.0f} s {describe(result)}", file=sys.stderr, flush=True)


def quieten(n_processes: int) -> None:
    """Before the libraries are imported: nobody can read the bars of several processes at once."""
    os.environ |= {"TQDM_DISABLE": "1", "TRANSFORMERS_VERBOSITY": "error", "TOKENIZERS_PARALLELISM": "false"}
    os.environ["OMP_NUM_THREADS"] = str(max(1, count_workers(0) // n_processes))


def describe(result: dict) -> str:
    fold = "" if result["fold"] is None else f" fold {result['fold']}"
    training, seconds = "", sum(result["seconds"].values())
    if "steps" in result:
        speed = f"{result['rows_per_second']} rows/s"
        training = f", {result['steps']} steps, {speed}, loss {result['loss']}"
    return f"{result['arm']}: {result['asked']}{fold}, seed {result['seed']}{training}, {seconds:.0f} s"


def main(arguments: argparse.Namespace) -> None:
    if not arguments.report:
        if not arguments.data:
            raise UserError("expected DATA, the folder that holds questions/, or --report")
        run_jobs(arguments)
    results = read_results(arguments.results)
    if not results:
        raise UserError(f"{arguments.results}: no results there; run the benchmark without --report")
    print(format_tables(results))


if __name__ == "__main__":
    try:
        main(parse_arguments())
    except UserError as error:
        sys.exit(f"error: {error}")
