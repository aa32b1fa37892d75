"""Build and search every kind of dense index: seconds, memory, disk, latency, recall@10.

    python benchmarks/dense_index.py [VECTORS] [FOLDER]

Vectors are made up, 1,000,000 by default, so that searching them is as hard as real text. A passage is
a sum of what all have in common, of topics and a part of its own that its article's passages share, and of
topics and a part that they do not; articles of 6 passages in the mean, each mixture of 4 out of 450 topics,
all parts normal with a spectrum of (1 - i / dim) / sqrt(i). A query is a passage and noise, half of it
topics, with a cosine of 0.7. Shares and numbers were fitted to MiniLM's vectors of 45,372 passages of 60
words (Wikipedia, textbooks, papers) and 1,000 questions on 1,000 of them; 850 clusters:

    recall@10 with probes:     2     4     8    17    34    68   cosine of hit 1     2     5    10
    real                     .57   .69   .79   .86   .92   .96            .71   .64   .52   .44
    made up                  .58   .70   .80   .88   .93   .96            .71   .55   .49   .45

Neither gets harder as the corpus grows, at the same share of 4 sqrt(n) clusters. Each step is a process
of its own; its peak memory is the resident one, mapped files included. "Cold": the vectors (not the index)
are out of the page cache, as far as the system gives it up.
"""

import multiprocessing
import os
import resource
import sys
import tempfile
import time
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path

import numpy as np

from science_exam.retrieval.approximate import ApproximateIndex
from science_exam.retrieval.approximate_build import build_approximate_index
from science_exam.retrieval.exact import search_exact
from science_exam.retrieval.index_plan import IndexPlan, list_plans, plan_exact, plan_inverted_file
from science_exam.retrieval.vectors import SHARD_NAME, VectorShards, write_shard

DIM, SHARD, K, N_QUERIES, N_SINGLE = 384, 50_000, 10, 1_000, 200
TOPICS, TOPICS_EACH, ARTICLE, COSINE = 450, 4, 6, 0.7
COMMON, ARTICLE_TOPICS, ARTICLE_OWN, TOPICAL, OWN = np.sqrt([0.034, 0.3, 0.33, 0.15, 0.186]).astype(
    np.float32
)


class World:
    """A source of vectors that look like those of text."""

    def __init__(self) -> None:
        self.rng = np.random.default_rng(0)
        spectrum = (1 - np.arange(DIM) / DIM) / np.sqrt(np.arange(1, DIM + 1))
        axes = np.linalg.qr(self.rng.standard_normal((DIM, DIM)))[0]
        self.spread = (np.sqrt(spectrum / spectrum.sum())[:, None] * axes).astype(np.float32)
        self.common, self.topics = unit(self.draw(1)), self.draw(TOPICS)
        weights = np.arange(1, TOPICS + 1) ** -0.7
        self.frequencies = weights / weights.sum()

    def draw(self, n: int) -> np.ndarray:
        return self.rng.standard_normal((n, DIM), dtype=np.float32) @ self.spread

    def mix_topics(self, n: int) -> np.ndarray:
        chosen = self.rng.choice(TOPICS, (n, TOPICS_EACH), p=self.frequencies)
        weights = unit(self.rng.exponential(size=chosen.shape).astype(np.float32))
        return np.einsum("nt,ntd->nd", weights, self.topics[chosen])

    def draw_passages(self, n: int) -> np.ndarray:
        sizes = self.rng.geometric(1 / ARTICLE, n)
        sizes = sizes[: np.searchsorted(np.cumsum(sizes), n) + 1]
        articles = ARTICLE_TOPICS * self.mix_topics(len(sizes)) + ARTICLE_OWN * self.draw(len(sizes))
        own = TOPICAL * self.mix_topics(n) + OWN * self.draw(n)
        return unit(COMMON * self.common + np.repeat(articles, sizes, axis=0)[:n] + own)

    def draw_queries(self, passages: np.ndarray) -> np.ndarray:
        noise = unit(unit(self.mix_topics(len(passages))) + unit(self.draw(len(passages))))
        return unit(COSINE * passages + (1 - COSINE**2) ** 0.5 * noise)


def unit(vectors: np.ndarray) -> np.ndarray:
    return vectors / np.linalg.norm(vectors, axis=1, keepdims=True)


def write_world(folder: Path, n_vectors: int) -> None:
    world, asked = World(), []
    for number, first in enumerate(range(0, n_vectors, SHARD)):
        passages = world.draw_passages(min(SHARD, n_vectors - first))
        asked.append(world.rng.choice(passages, N_QUERIES * len(passages) // n_vectors + 1, replace=False))
        write_shard(passages, folder / SHARD_NAME.format(number))
    queries = world.draw_queries(np.concatenate(asked)[:N_QUERIES])
    np.save(folder / "queries.npy", queries)
    np.save(folder / "truth.npy", search_exact(VectorShards(folder), queries, K).rows)


def build(vectors: Path, plan: IndexPlan, folder: Path) -> dict:
    marks = [time.perf_counter()]
    build_approximate_index(
        VectorShards(vectors), plan, folder, progress=lambda parts: marks.append(time.perf_counter()) or parts
    )
    marks.append(time.perf_counter())
    on_disk = sum(path.stat().st_size for path in folder.iterdir())
    return {"train s": marks[-2] - marks[0], "add s": marks[-1] - marks[-2], "disk B/v": on_disk}


def search(vectors: Path, folder: Path) -> dict:
    shards, queries = VectorShards(vectors), np.load(vectors / "queries.npy")
    for path in shards.paths:
        with path.open("rb") as file:
            os.posix_fadvise(file.fileno(), 0, 0, os.POSIX_FADV_DONTNEED)
    index, seconds = clock(lambda: ApproximateIndex.open(folder, shards))
    figures = {"open ms": 1e3 * seconds}
    for name in ("cold ms", "ms"):
        latencies = [clock(lambda row=row: index.search(row[None], K))[1] for row in queries[:N_SINGLE]]
        figures |= {name: 1e3 * np.median(latencies), f"95% {name}": 1e3 * np.quantile(latencies, 0.95)}
    hits, seconds = clock(lambda: index.search(queries, K))
    truth = np.load(vectors / "truth.npy")
    found = [len(set(rows) & set(best)) / K for rows, best in zip(hits.rows, truth, strict=True)]
    return figures | {"queries/s": N_QUERIES / seconds, "recall@10": np.mean(found)}


def clock(function) -> tuple:
    start = time.perf_counter()
    return function(), time.perf_counter() - start


def in_process(function, *arguments) -> dict:
    with ProcessPoolExecutor(1, mp_context=multiprocessing.get_context("spawn")) as pool:
        figures = pool.submit(function, *arguments).result()
        peak = pool.submit(resource.getrusage, resource.RUSAGE_SELF).result().ru_maxrss
    return (figures or {}) | {f"{function.__name__} peak GB": peak / 2**20}


def main() -> None:
    n_vectors = int(sys.argv[1]) if len(sys.argv) > 1 else 1_000_000
    peers = [("SQ8", DIM, 2), ("SQfp16", 2 * DIM, 0), (f"PQ{DIM // 8}", DIM // 8, 40)]
    plans = [plan_exact(n_vectors, DIM), *(plan for plan in list_plans(n_vectors, DIM) if plan.nlist)]
    plans += [plan_inverted_file(name, size, refine, n_vectors, DIM) for name, size, refine in peers]
    with tempfile.TemporaryDirectory(dir=sys.argv[2] if len(sys.argv) > 2 else None) as temporary:
        vectors = Path(temporary) / "vectors"
        in_process(write_world, vectors, n_vectors)
        for number, plan in enumerate(plans):
            folder = Path(temporary) / str(number)
            figures = in_process(build, vectors, plan, folder) | in_process(search, vectors, folder)
            figures["disk B/v"] /= n_vectors
            if number == 0:
                print("| index | refine | memory B/v |", " | ".join(figures), "|")
                print("|", "--- | " * (len(figures) + 3))
            cells = [plan.factory, f"{plan.refine_factor}", f"{plan.total_bytes / n_vectors:.0f}"]
            print("|", " | ".join(cells + [f"{value:,.3g}" for value in figures.values()]), "|", flush=True)


if __name__ == "__main__":
    main()
