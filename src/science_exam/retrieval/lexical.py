"""BM25 over sharded passages: counts on disk, scores when a question is asked.

An index is a folder of shards that know nothing of each other, and a manifest that is written last:

    shard-00000.postings …   term counts of up to `shard_passages` passages, see `Postings`
    index.json               number of shards and passages

Document frequencies and the average length are summed over the shards when the index is searched. So any
cut into shards gives the scores and the order of one big index, k1 and b are tuned without building anew,
and no step needs the vocabulary of the whole corpus: 130 bytes a term as Python strings, gigabytes for tens
of millions of passages.

Why not bm25s: it stores finished scores, which sharding would have to rewrite once the last document
frequency is known, at 8 bytes a posting (here 5), builds them from lists in memory (7.8 GB for a million
passages of 236 words, here 1.5), and searches 200,000 passages eight times slower, not least by partitioning
all scores to choose the best k. What makes it fast, sums over the postings of the query's terms alone, is
the same here; the scores are equal up to rounding.
"""

import json
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import Executor, ThreadPoolExecutor
from dataclasses import dataclass
from itertools import chain, count, islice
from pathlib import Path

import numpy as np

from science_exam.errors import UserError
from science_exam.files import write_text
from science_exam.retrieval.hits import NO_ROW, Hits, merge_hits, no_hits
from science_exam.retrieval.postings import (
    Postings,
    count_postings,
    digest_texts,
    hash_terms,
    map_postings,
    save_postings,
)
from science_exam.retrieval.terms import split_terms

MANIFEST = "index.json"
SHARD = "shard-{:05d}.postings"
QUERIES_AT_A_TIME = 64  # a thread's share
GROUPS = 1 << 12

Query = list[tuple[int, int]]  # (number of a term, how often the query has it)


def build_lexical_index(stream: Iterable[Sequence[str]], folder: Path, shard_passages: int) -> None:
    """Count the terms of all passages into shards under `folder`.

    Killed and started again, it leaves alone every shard that is whole and ends with the same bytes;
    the texts stream by again, but only their digest is taken. Memory is that of one shard, whatever the
    size of the corpus.

    Args:
        stream: texts of the passages, one part after the other (`PassageStore.stream_texts`).
        folder: where the index goes.
        shard_passages: passages a shard; building 1,000,000 takes 1.2 GB with 160 words each, 1.5 with 236.

    Raises:
        UserError: the folder holds a shard of other texts.
    """
    (folder / MANIFEST).unlink(missing_ok=True)
    texts, n_passages = chain.from_iterable(stream), 0
    for number in count():
        added = _add_shard(folder / SHARD.format(number), islice(texts, shard_passages))
        n_passages += added
        if added < shard_passages:
            break
    manifest = {"shards": number + bool(added), "passages": n_passages}
    write_text(folder / MANIFEST, json.dumps(manifest) + "\n")


def _add_shard(path: Path, texts: Iterator[str]) -> int:
    """Write a shard unless it is there; returns its number of passages, none where the texts have ended."""
    try:
        found = map_postings(path)
    except (FileNotFoundError, ValueError):  # not made yet, or damaged
        postings = count_postings(texts)
        if len(postings.lengths):
            save_postings(path, postings)
        return len(postings.lengths)
    n_texts, digest = digest_texts(texts)
    if not np.array_equal(digest, found.digest):
        raise UserError(f"{path}: made from other passages; add overwrite=true to build the index anew")
    return n_texts


@dataclass(frozen=True)
class LexicalIndex:
    """An index on disk, mapped: only the postings that a search reads come into memory.

    Attributes:
        shards: row i of the passages is the i-th over all shards.
    """

    shards: list[Postings]

    @classmethod
    def open(cls, folder: Path) -> "LexicalIndex":
        """Map the shards that `build_lexical_index` wrote.

        Raises:
            UserError: there is no index, it is not finished, or a file is missing or damaged.
        """
        path = folder / MANIFEST
        if not path.is_file():
            what = "the index is not finished" if folder.is_dir() else "there is no index"
            raise UserError(f"{folder}: {what}; make it with: make index")
        try:
            manifest = json.loads(path.read_text(encoding="utf-8"))
            index = cls([map_postings(folder / SHARD.format(n)) for n in range(manifest["shards"])])
        except FileNotFoundError as error:
            raise UserError(f"{error.filename}: not found; make it with: make index") from None
        except (ValueError, KeyError, TypeError) as error:
            raise UserError(f"{folder}: damaged, {error}; delete it and run make index") from None
        if len(index) != manifest["passages"]:
            raise UserError(f"{folder}: {len(index)} passages, but {path.name} counts {manifest['passages']}")
        return index

    def __len__(self) -> int:
        return sum(len(shard.lengths) for shard in self.shards)

    def search(
        self,
        queries: Sequence[str],
        k: int,
        k1: float = 1.5,
        b: float = 0.75,
        n_threads: int = 1,
        progress: Callable[[list], Iterable] = iter,
    ) -> Hits:
        """The `k` best passages of each query by BM25.

        A passage scores, summed over the query's terms, each as often as the query repeats it,

            ln(1 + (N - df + 0.5) / (df + 0.5)) · tf / (tf + k1 · (1 - b + b · length / average length))

        with tf the term's count in the passage and df the number of passages, of N, that hold it.
        Passages without any of the terms are no hits; equal scores are ordered by row.

        Args:
            queries: texts.
            k: hits a query.
            k1: how slowly a term's repetitions in a passage cease to count.
            b: how far long passages are held back, 0 to 1.
            n_threads: threads that share the queries; the hits are the same. Two gave 1.3 times the speed on
                shards of a million passages, little on small ones.
            progress: wraps the list of shards that is gone through (`tqdm`).

        Source: Robertson and Zaragoza, The probabilistic relevance framework (2009), with Lucene's idf,
        see Kamphuis et al., Which BM25 do you mean? (2020).
        """
        terms, numbered = _number_terms(queries)
        hashes = hash_terms(terms)
        spans = [shard.locate(hashes) for shard in self.shards]  # (terms, 2) each
        frequencies = sum(span[:, 1] - span[:, 0] for span in spans)
        idf = np.log(1 + (len(self) - frequencies + 0.5) / (frequencies + 0.5))
        total_length = sum(shard.lengths.sum() for shard in self.shards)

        hits, first_row = no_hits(len(queries), k), 0
        with ThreadPoolExecutor(n_threads) as threads:
            for shard, span in progress(list(zip(self.shards, spans, strict=True))):
                norms = k1 * (1 - b + b * shard.lengths * (len(self) / max(1, total_length)))
                scorer = _ShardScorer(shard, span, idf.astype(np.float32), norms.astype(np.float32))
                found = scorer.find(numbered, k, threads)
                rows = np.where(found.rows == NO_ROW, NO_ROW, found.rows + first_row)
                hits = merge_hits([hits, Hits(rows, found.scores)], k)
                first_row += len(shard.lengths)
        return hits


def _number_terms(queries: Sequence[str]) -> tuple[list[str], list[Query]]:
    """The different terms of all queries, and each query in their numbers."""
    numbers: dict[str, int] = {}
    numbered = []
    for query in queries:
        counts = Counter(split_terms(query))
        numbered.append([(numbers.setdefault(term, len(numbers)), n) for term, n in counts.items()])
    return list(numbers), numbered


@dataclass(frozen=True)
class _ShardScorer:
    """What scoring one shard's passages needs; rows are the shard's own.

    Attributes:
        postings: of the shard.
        spans: int64 (terms, 2), where the postings of the queries' terms begin and end.
        idf: float32 (terms,).
        norms: float32 (passages,), what a passage's length adds under the fraction.
    """

    postings: Postings
    spans: np.ndarray
    idf: np.ndarray
    norms: np.ndarray

    def find(self, queries: list[Query], k: int, threads: Executor) -> Hits:
        """The best `k` rows of each query; the threads take a share of the queries each."""
        starts = range(0, len(queries), QUERIES_AT_A_TIME)
        shares = [queries[start : start + QUERIES_AT_A_TIME] for start in starts]
        found = [no_hits(0, k), *threads.map(lambda share: self._find_share(share, k), shares)]
        return Hits(np.concatenate([hits.rows for hits in found]), np.concatenate([h.scores for h in found]))

    def _find_share(self, queries: list[Query], k: int) -> Hits:
        hits = no_hits(len(queries), k)
        scores = np.empty(len(self.norms), dtype=np.float32)
        for number, query in enumerate(queries):
            scores.fill(0)
            for term, weight in query:
                self._add_term(scores, term, weight)
            rows = _choose_best(scores, k)
            hits.rows[number, : len(rows)] = rows
            hits.scores[number, : len(rows)] = scores[rows]
        return hits

    def _add_term(self, scores: np.ndarray, term: int, weight: int) -> None:
        """Add what a term gives to every passage that holds it."""
        start, end = self.spans[term]
        rows = self.postings.rows[start:end].astype(np.intp)  # once here, or numpy does it twice below
        counts = self.postings.counts[start:end]
        parts = self.norms.take(rows)
        parts += counts
        np.divide(counts, parts, out=parts)
        parts *= weight * self.idf[term]
        np.add.at(scores, rows, parts)


def _choose_best(scores: np.ndarray, k: int) -> np.ndarray:
    """The rows of the `k` highest scores above zero, best first, equal ones by row: int64 (at most k,).

    The k-th highest among the maxima of disjoint groups is a floor: k rows reach it at least, and not
    many more. Finding it takes a fifth of the time of partitioning the scores themselves.
    """
    n_groups = min(len(scores), max(GROUPS, 8 * k))
    whole = len(scores) // n_groups * n_groups
    maxima = scores[:whole].reshape(-1, n_groups).max(axis=0)
    floor = np.partition(maxima, -k)[-k] if k <= n_groups else 0
    rows = np.flatnonzero(scores >= floor) if floor > 0 else np.flatnonzero(scores)
    return rows[np.lexsort((rows, -scores[rows]))[:k]]
