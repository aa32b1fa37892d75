"""Speed and memory of finding what is there twice, in a set that streams by.

    python benchmarks/duplicate_check.py N [--encoder]

N questions of made-up words, as long as the competition's (60 words with their options), begin like real
ones do: a hundred stock phrases begin prompts and options. Of every hundred rows two repeat an earlier one
and three resemble one; what is found of them is printed beside the rows a second of each step. The
evaluation set is 2,000 rows of the same kind.
"""

import random
import resource
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

from science_exam.questions.repeats.duplicates import NEAR_DUPLICATE, SAME_QUESTION, DuplicateCheck
from science_exam.questions.repeats.embeddings import load_encoder
from science_exam.questions.repeats.leaks import LeakCheck
from science_exam.questions.repeats.wording import Row

CHUNK_ROWS = 10_000
N_EVALUATION = 2_000
VOCABULARY = [
    f"{a}{b}{c}" for a in ("ka", "lo", "mi", "ru", "se") for b in ("ban", "dor", "fil") for c in range(1_000)
]


def make_phrases() -> list[str]:
    generator = random.Random(0)
    return [" ".join(generator.choices(VOCABULARY, k=4)) for _ in range(100)]


PHRASES = make_phrases()


def make_row(number: int, salt: str = "") -> Row:
    """Question `number`: its own, but for the last five of a hundred, which go back to an earlier one."""
    place = number % 100
    if number >= 100 and place >= 95:
        prompt, options = make_row(number - 95, salt)
        return (prompt, options) if place >= 98 else (f"{prompt} {VOCABULARY[number % 1_000]}", options)
    generator = random.Random(f"{salt}{number}")

    def phrase(n_words: int) -> str:
        return " ".join([generator.choice(PHRASES), *generator.choices(VOCABULARY, k=n_words)])

    return phrase(6), tuple(phrase(6) for _ in range(5))


def stream_chunks(n_rows: int) -> Iterator[list[Row]]:
    for start in range(0, n_rows, CHUNK_ROWS):
        yield [make_row(number) for number in range(start, min(start + CHUNK_ROWS, n_rows))]


def measure_peak_gb() -> float:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20


def main(n_rows: int, with_encoder: bool) -> None:
    encode = load_encoder() if with_encoder else None
    leaks = LeakCheck([make_row(number, "evaluation") for number in range(N_EVALUATION)], encode)
    seconds: Counter[str] = Counter()
    print(f"{n_rows:,} rows; {measure_peak_gb():.2f} GB before the first")
    with tempfile.TemporaryDirectory() as folder:
        duplicates = DuplicateCheck(Path(folder), encode)
        n_leaks = 0
        for rows in stream_chunks(n_rows):
            for name, step in {"leaks": leaks.find, "codes": duplicates.add}.items():
                clocks = time.perf_counter(), time.process_time()
                result = step(rows)
                seconds[name] += time.perf_counter() - clocks[0]
                seconds[f"{name} (CPU)"] += time.process_time() - clocks[1]
                n_leaks += sum(leak is not None for leak in result or ())
        n_bytes = sum(path.stat().st_size for path in Path(folder).iterdir()) / n_rows
        clocks = time.perf_counter(), time.process_time()
        found = duplicates.find(lambda numbers: {number: make_row(number) for number in numbers})
        seconds["duplicates"] = time.perf_counter() - clocks[0]
        seconds["duplicates (CPU)"] = time.process_time() - clocks[1]
    for name, spent in seconds.items():
        print(f"{name}: {spent:.1f} s, {n_rows / spent:,.0f} rows/s")
    print(f"peak {measure_peak_gb():.2f} GB, {n_bytes:.0f} bytes a row on disk, {n_leaks} leaks")
    print(dict(Counter(why.reason for why in found.gone.values())), f"{len(found.related)} related pairs")
    hundreds = max(0, n_rows // 100 - 1)
    print(f"expected: {2 * hundreds} {SAME_QUESTION}, {3 * hundreds} {NEAR_DUPLICATE}")


if __name__ == "__main__":
    main(int(sys.argv[1]), "--encoder" in sys.argv)
