"""Build and search a BM25 index of real text repeated with noise: time, memory, disk, recall.

    python benchmarks/lexical_index.py PASSAGES SHARD_PASSAGES [--bm25s] FILE.jsonl.gz…

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
from concurrent.futures import ProcessPoolExecutor
from importlib import import_module
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
    del passages[n_passages:]
    with path.open("w", encoding="utf-8") as out:
        for row in range(n_passages):
            passage = list(passages[row % len(passages)])
            for _ in range(n_words // 10):
                passage[rng.randrange(n_words)] = words[rng.randrange(len(words))]
            passage[rng.randrange(n_words)] = f"word{row}"
            out.write(" ".join(passage) + "\n")
    starts = [rng.randrange(n_words - QUERY_WORDS) for _ in range(N_QUERIES)]
    return [" ".join(rng.choice(passages)[at : at + QUERY_WORDS]) for at in starts]


def read_parts(path: Path):
    with path.open(encoding="utf-8") as lines:
        while part := list(islice(lines, PART)):
            yield part


def build(path: Path, folder: Path, shard_passages: int) -> None:
    build_lexical_index(read_parts(path), folder, shard_passages)


def search(folder: Path, queries: list[str], n_threads: int) -> np.ndarray:
    return LexicalIndex.open(folder).search(queries, K, n_threads=n_threads).rows


def build_bm25s(path: Path, folder: Path, shard_passages: int) -> None:
    index = import_module("bm25s").BM25(k1=1.5, b=0.75)
    index.index([split_terms(text) for part in read_parts(path) for text in part], show_progress=False)
    index.save(folder, show_progress=False)


def search_bm25s(folder: Path, queries: list[str], n_threads: int) -> np.ndarray:
    index, terms = import_module("bm25s").BM25.load(folder, mmap=True), list(map(split_terms, queries))
    return index.retrieve(terms, k=K, n_threads=n_threads, show_progress=False).documents


def measure(function, *arguments):
    """What `function` returns, its seconds, its CPU seconds, and the peak GB of the process it ran in."""
    with ProcessPoolExecutor(1, multiprocessing.get_context("spawn")) as process:
        return process.submit(_measure, function, arguments).result()


def _measure(function, arguments):
    wall, cpu = time.perf_counter(), time.process_time()
    result = function(*arguments)
    wall, cpu = time.perf_counter() - wall, time.process_time() - cpu
    return result, wall, cpu, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e6


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("passages", type=int)
    parser.add_argument("shard_passages", type=int)
    parser.add_argument("files", type=Path, nargs="+")
    parser.add_argument("--words", type=int, default=160)
    parser.add_argument("--bm25s", action="store_true")
    given = parser.parse_args()
    n, exact = given.passages, None
    ways = {"one shard": (build, search, n), "shards": (build, search, given.shard_passages)}
    ways |= {"bm25s": (build_bm25s, search_bm25s, n)} if given.bm25s else {}
    print("| index | build s (CPU) | GB | bytes/passage | queries/s, 1 thread (CPU), 2 | GB | recall@10 |")
    print("| --- | --- | --- | --- | --- | --- | --- |")
    with tempfile.TemporaryDirectory() as name:
        texts = Path(name) / "texts"
        queries = measure(write_passages, given.files, texts, n, given.words)[0]
        for way, (builder, searcher, size) in ways.items():
            folder = Path(name) / way
            seconds, cpu, peak = measure(builder, texts, folder, size)[1:]
            disk = sum(file.stat().st_size for file in folder.iterdir()) / n
            (rows, *one), (_, *two) = (measure(searcher, folder, queries, n_threads) for n_threads in (1, 2))
            exact = rows[:, :10] if exact is None else exact
            recall = np.mean([np.isin(a, b[:10]).mean() for a, b in zip(exact, rows, strict=True)])
            rates = f"{N_QUERIES / one[0]:.0f} ({N_QUERIES / one[1]:.0f}), {N_QUERIES / two[0]:.0f}"
            cells = f"{way} of {size} | {seconds:.0f} ({cpu:.0f}) | {peak:.2f} | {disk:.0f} | {rates}"
            print(f"| {cells} | {one[2]:.2f} | {recall:.4f} |", flush=True)


if __name__ == "__main__":
    main()
