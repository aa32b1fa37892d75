"""Speed and memory of building a question set that streams by.

    python benchmarks/build_set.py N [--encoder]

N questions as benchmarks/duplicate_check.py makes them (two of a hundred repeat an earlier one, three
resemble one), one in twenty with a wrong option too few, lie in a CSV file; 2,000 more are the evaluation
set. Printed are the seconds of each step, the rows a second of all, and the peak memory of the process. The
made-up words all mean the same to an encoder: with one, most rows go as paraphrases.
"""

import csv
import sys
import tempfile
import time
from collections.abc import Iterable, Iterator
from pathlib import Path

from duplicate_check import make_row, measure_peak_gb

from science_exam.questions.building.sets import build_set
from science_exam.questions.config import BuildConfig, DuplicatesConfig, QualityConfig, SourceConfig
from science_exam.questions.repeats.embeddings import load_encoder
from science_exam.tables import LETTERS

N_EVALUATION = 2_000


def write_csv(path: Path, n_rows: int, salt: str = "") -> str:
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow(["prompt", *LETTERS, "answer"])
        for number in range(n_rows):
            prompt, options = make_row(number, salt)
            writer.writerow([prompt, *options[:4], "" if number % 20 == 0 else options[4], "A"])
    return str(path)


def time_steps(items: Iterable, label: str) -> Iterator:
    """What is gone through, with a line about its seconds behind it."""
    start = time.perf_counter()
    yield from items
    print(f"| {label} | {time.perf_counter() - start:.0f} |", flush=True)


def main(n_rows: int, with_encoder: bool) -> None:
    encode = load_encoder() if with_encoder else None
    with tempfile.TemporaryDirectory() as folder:
        rows = write_csv(Path(folder) / "rows.csv", n_rows)
        evaluation = write_csv(Path(folder) / "evaluation.csv", N_EVALUATION, salt="evaluation ")
        config = BuildConfig(
            sources=(SourceConfig(path=rows),),
            evaluation=(evaluation,),
            quality=QualityConfig(max_dropped=1.0),
            duplicates=DuplicatesConfig(paraphrases=with_encoder),
        )
        print("| step | s |\n| --- | --- |")
        start, processor = time.perf_counter(), time.process_time()
        losses, statistics = build_set(config, Path(folder) / "set", encode, None, time_steps)
        seconds, processor = time.perf_counter() - start, time.process_time() - processor
    kept = statistics.rows.total()
    print(f"\n{n_rows:,} rows, {kept:,} kept, {losses.repeats.total():,} repeats")
    rates = f"{n_rows / seconds:,.0f} rows/s ({n_rows / processor:,.0f} a CPU second)"
    print(f"{rates}, {measure_peak_gb():.2f} GB")


if __name__ == "__main__":
    main(int(sys.argv[1]), "--encoder" in sys.argv)
