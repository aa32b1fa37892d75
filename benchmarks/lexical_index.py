"""Build and search a BM25 index of real text repeated with noise: time, memory, disk, recall.

    python benchmarks/lexical_index.py 1000000 250000 FILE.jsonl.gz…
    python benchmarks/lexical_index.py 200000 50000 --bm25s FILE.jsonl.gz…     beside bm25s itself

The "text" of the files' records is cut into passages of 160 words (`--words`), which are repeated as often
as needed; in each a tenth of the words is replaced by random ones and one by a word of its own, so that the
vocabulary grows faster than that of real text. Queries are 20 words in a row of the unchanged passages. Each
step is a process of its own; its peak memory is the resident one, mapped files included.
"""

import argparse
import gzip
import json
import multiprocessing
import random
import resource
import tempfile
import time
from itertools import chain, islice
from pathlib import Path

import numpy as np

from science_exam.retrieval.lexical import LexicalIndex, build_lexical_index
from science_exam.retrieval.terms import split_terms

QUERY_WORDS, N_QUERIES, K, PART = 20, 1_000, 100, 10_000


def write_passages(files: list[Path], path: Path, n_passages: int, n_words: int) -> list[str]:
    """Write one passage a line, and return queries."""
    words = []
    for file in files:
        with gzip.open(file, "rt", encoding="utf-8") as lines:
            words += chain.from_iterable(json.loads(line)["text"].split() for line in lines)
    passages = [words[start : start + n_words] for start in range(0, len(words) - n_words, n_words)]
    rng = random.Random(0)
    rng.shuffle(passages)
    with path.open("w", encoding="utf-8") as out:
        for row in range(n_passages):
            passage = list(passages[row % len(passages)])
            for _ in range(n_words // 10):
                passage[int(rng.random() * n_words)] = words[int(rng.random() * len(words))]
            passage[int(rng.random() * n_words)] = f"word{row}"
            out.write(" ".join(passage) + "\n")
    asked = rng.choices(passages[:n_passages], k=N_QUERIES)
    starts = [rng.randrange(n_words - QUERY_WORDS) for _ in asked]
    return [" ".join(p[start : start + QUERY_WORDS]) for p, start in zip(asked, starts, strict=True)]


def read_parts(path: Path):
    with path.open(encoding="utf-8") as lines:
        while part := list(islice(lines, PART)):
            yield part


def build(path: Path, folder: Path, shard_passages: int) -> None:
    build_lexical_index(read_parts(path), folder, shard_passages)


def search(folder: Path, queries: list[str], n_threads: int) -> np.ndarray:
    return LexicalIndex.open(folder).search(queries, K, n_threads=n_threads).rows


def build_bm25s(path: Path, folder: Path, shard_passages: int) -> None:
    import bm25s

    index = bm25s.BM25(k1=1.5, b=0.75)
    index.index([split_terms(text) for part in read_parts(path) for text in part], show_progress=False)
    index.save(folder, show_progress=False)


def search_bm25s(folder: Path, queries: list[str], n_threads: int) -> np.ndarray:
    import bm25s

    index = bm25s.BM25.load(folder, mmap=True)
    terms = [split_terms(query) for query in queries]
    return index.retrieve(terms, k=K, n_threads=n_threads, show_progress=False).documents


def measure(function, *arguments):
    """What `function` returns, its seconds, its CPU seconds, and the peak GB of the process it ran in."""
    with multiprocessing.get_context("spawn").Pool(1) as pool:
        return pool.apply(_measure, (function, arguments))


def _measure(function, arguments):
    started = time.perf_counter(), time.process_time()
    result = function(*arguments)
    seconds, cpu_seconds = time.perf_counter() - started[0], time.process_time() - started[1]
    return result, seconds, cpu_seconds, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e6


def report(kind: str, n_passages: int, folder: Path, built, first, second, recall: float) -> None:
    """One row of the table; `built`, `first` (one thread) and `second` (two) as `measure` gives them."""
    disk = sum(file.stat().st_size for file in folder.iterdir()) / n_passages
    rates = f"{N_QUERIES / first[1]:.0f} ({N_QUERIES / first[2]:.0f}), {N_QUERIES / second[1]:.0f}"
    print(f"| {kind} | {built[1]:.0f} ({built[2]:.0f}) | {built[3]:.2f} | {disk:.0f}", end="")
    print(f" | {rates} | {first[3]:.2f} | {recall:.4f} |", flush=True)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("passages", type=int)
    parser.add_argument("shard_passages", type=int)
    parser.add_argument("files", type=Path, nargs="+")
    parser.add_argument("--words", type=int, default=160)
    parser.add_argument("--bm25s", action="store_true")
    given = parser.parse_args()
    ways = {"one shard": (build, search, given.passages), "shards": (build, search, given.shard_passages)}
    if given.bm25s:
        ways["bm25s"] = (build_bm25s, search_bm25s, given.passages)
    print(
        "| index | build s (CPU) | GB | bytes/passage | queries/s: 1 thread (a CPU s), 2 | GB | recall@10 |"
    )
    print("| --- | --- | --- | --- | --- | --- | --- |")
    with tempfile.TemporaryDirectory() as name:
        texts, exact = Path(name) / "texts", None
        queries = measure(write_passages, given.files, texts, given.passages, given.words)[0]
        for kind, (builder, searcher, size) in ways.items():
            folder = Path(name) / kind
            built = measure(builder, texts, folder, size)
            first, second = (measure(searcher, folder, queries, n_threads) for n_threads in (1, 2))
            rows = first[0][:, :10]
            exact = rows if exact is None else exact
            recall = np.mean([np.isin(a, b).mean() for a, b in zip(exact, rows, strict=True)])
            report(f"{kind} of {size}", given.passages, folder, built, first, second, recall)


if __name__ == "__main__":
    main()
