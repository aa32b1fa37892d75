"""Build and search a BM25 index of real text repeated with noise: time, memory, disk, recall.

    python benchmarks/lexical_index.py PASSAGES SHARD_PASSAGES FILE.jsonl.gz…
    python benchmarks/lexical_index.py 200000 50000 FILE.jsonl.gz… --bm25s      beside bm25s itself (memory!)

Records of the files have a "text", which is cut into passages of 160 words; they are repeated until there
are PASSAGES, a tenth of the words of each replaced by random ones and one by a word of its own, so that the
vocabulary grows faster than that of real text. Queries are 20 words in a row of the passages. Each step is a
process of its own, whose peak memory (resident, mapped files included) is the one reported.
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

WORDS, QUERY_WORDS, N_QUERIES, K, PART = 160, 20, 1_000, 100, 10_000


def write_passages(files: list[Path], path: Path, n_passages: int) -> list[str]:
    """Write one passage a line, and return queries."""
    passages = []
    for file in files:
        with gzip.open(file, "rt", encoding="utf-8") as lines:
            for words in (json.loads(line)["text"].split() for line in lines):
                passages += [words[start : start + WORDS] for start in range(0, len(words), WORDS)]
    rng = random.Random(0)
    rng.shuffle(passages)
    vocabulary = list(chain.from_iterable(passages[:PART]))
    with path.open("w", encoding="utf-8") as out:
        for row in range(n_passages):
            words = list(passages[row % len(passages)])
            for _ in range(len(words) // 10):
                words[int(rng.random() * len(words))] = vocabulary[int(rng.random() * len(vocabulary))]
            words[int(rng.random() * len(words))] = f"word{row}"
            out.write(" ".join(words) + "\n")
    long = [words for words in passages[:n_passages] if len(words) > QUERY_WORDS]
    starts = [(words, rng.randrange(len(words) - QUERY_WORDS)) for words in rng.choices(long, k=N_QUERIES)]
    return [" ".join(words[start : start + QUERY_WORDS]) for words, start in starts]


def read_parts(path: Path):
    with path.open(encoding="utf-8") as lines:
        while part := list(islice(lines, PART)):
            yield part


def build(path: Path, folder: Path, shard_passages: int) -> None:
    build_lexical_index(read_parts(path), folder, shard_passages)


def search(folder: Path, queries: list[str], n_threads: int) -> np.ndarray:
    return LexicalIndex.open(folder).search(queries, K, n_threads=n_threads).rows


def build_bm25s(path: Path, folder: Path) -> None:
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
    """What `function` returns, its seconds, and the peak resident GB of the process it ran in."""
    with multiprocessing.get_context("spawn").Pool(1) as pool:
        return pool.apply(_measure, (function, arguments))


def _measure(function, arguments):
    started = time.perf_counter()
    result = function(*arguments)
    seconds = time.perf_counter() - started
    return result, seconds, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e6


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("passages", type=int)
    parser.add_argument("shard_passages", type=int)
    parser.add_argument("files", type=Path, nargs="+")
    parser.add_argument("--bm25s", action="store_true")
    arguments = parser.parse_args()
    print("| index | build s | build GB | bytes/passage | queries/s: 1 thread, again, 2 | GB | recall@10 |")
    print("| --- | --- | --- | --- | --- | --- | --- |")
    with tempfile.TemporaryDirectory() as name:
        texts, n = Path(name) / "passages.txt", arguments.passages
        queries, *_ = measure(write_passages, arguments.files, texts, n)
        kinds = {"one shard": (build, search, n), "shards": (build, search, arguments.shard_passages)}
        if arguments.bm25s:
            kinds["bm25s"] = (build_bm25s, search_bm25s)
        exact = None
        for kind, (builder, searcher, *size) in kinds.items():
            folder = Path(name) / kind
            _, seconds, peak = measure(builder, texts, folder, *size)
            disk = sum(file.stat().st_size for file in folder.iterdir()) / n
            found = [measure(searcher, folder, queries, n_threads) for n_threads in (1, 1, 2)]
            rows = found[0][0][:, :10]
            exact = rows if exact is None else exact
            recall = np.mean([np.isin(a, b).mean() for a, b in zip(exact, rows, strict=True)])
            rates = ", ".join(f"{N_QUERIES / each[1]:.0f}" for each in found)
            print(f"| {kind} {size or ''} | {seconds:.1f} | {peak:.2f} | {disk:.0f} | {rates}", end="")
            print(f" | {found[0][2]:.2f} | {recall:.4f} |", flush=True)


if __name__ == "__main__":
    main()
