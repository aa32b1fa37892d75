"""BM25 over sharded passages: counts on disk, scores when a question is asked.

An index is a folder of shards that know nothing of each other, and a manifest that is written last:

    shard-00000.postings …   term counts of up to `shard_passages` passages, see `Postings`
    index.json               number of shards and passages

Document frequencies and the average length are summed over the shards when the index is searched, so
that any cut into shards gives the scores and the order of one big index, k1 and b can be tuned without
building anew, and no step needs the vocabulary of the whole corpus.

Why not bm25s: it keeps finished scores (8 bytes a posting, here 5), builds them in memory from Python
lists (7.8 GB for a million passages), and sorts out the best k by partitioning all scores. What makes it
fast, a sum over the postings of the query's terms alone, is the same here.
"""

import json
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
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
QUERIES_AT_A_TIME = 64
GROUPS = 1 << 12


def build_lexical_index(stream: Iterable[Sequence[str]], folder: Path, shard_passages: int) -> None:
    """Count the terms of all passages into shards under `folder`.

    Killed and started again, it leaves whole shards alone, if they were made from the same texts, and
    ends with the same bytes. Memory is that of one shard whatever the size of the corpus.

    Args:
        stream: texts of the passages, one part after the other (`PassageStore.stream_texts`).
        folder: where the index goes.
        shard_passages: passages a shard; 1,000,000 of 160 words take about GB to build.

    Raises:
        UserError: the folder holds a shard of other texts.
    """
    folder.mkdir(parents=True, exist_ok=True)
    (folder / MANIFEST).unlink(missing_ok=True)
    texts = chain.from_iterable(stream)
    n_passages = 0
    for number in count():
        added = _add_shard(folder / SHARD.format(number), islice(texts, shard_passages))
        n_passages += added
        if added < shard_passages:
            break
    manifest = {"shards": number + bool(added), "passages": n_passages}
    write_text(folder / MANIFEST, json.dumps(manifest) + "\n")


def _add_shard(path: Path, texts: Iterator[str]) -> int:
    """Write a shard unless it is there, and return its number of passages; none is no shard."""
    try:
        found = map_postings(path)
    except (FileNotFoundError, ValueError):  # not made yet, or damaged: made anew
        postings = count_postings(texts)
        if len(postings.lengths):
            save_postings(path, postings)
        else:
            path.unlink(missing_ok=True)
        return len(postings.lengths)
    n_texts, digest = digest_texts(texts)
    if not np.array_equal(digest, found.digest):
        raise UserError(f"{path}: was made from other passages; remove {path.parent} to build the index anew")
    return n_texts


def _open_shard(path: Path) -> Postings:
    try:
        return map_postings(path)
    except FileNotFoundError:
        raise UserError(f"{path}: not found; make it with: make index") from None
    except ValueError as error:
        raise UserError(f"{path}: damaged, {error}; mend it with: make index") from None


@dataclass(frozen=True)
class LexicalIndex:
    """An index on disk, mapped; see `build_lexical_index`."""

    shards: list[Postings]

    @classmethod
    def open(cls, folder: Path) -> "LexicalIndex":
        """Map the shards of an index.

        Raises:
            UserError: there is none, it is not finished, or a shard is missing or damaged.
        """
        manifest = folder / MANIFEST
        if not manifest.is_file():
            what = "the index is not finished" if folder.is_dir() else "there is no index"
            raise UserError(f"{folder}: {what}; make it with: make index")
        n_shards = json.loads(manifest.read_text(encoding="utf-8"))["shards"]
        return cls([_open_shard(folder / SHARD.format(number)) for number in range(n_shards)])

    def __len__(self) -> int:
        return sum(len(shard.lengths) for shard in self.shards)

    def search(
        self, queries: Sequence[str], k: int, k1: float = 1.5, b: float = 0.75, n_threads: int = 1
    ) -> Hits:
        """The `k` best passages of each query by BM25.

        A passage scores, summed over the query's terms, each as often as the query repeats it,

            ln(1 + (N - df + 0.5) / (df + 0.5)) · tf / (tf + k1 · (1 - b + b · length / average length))

        with tf the term's count in the passage and df the number of passages, of N, that hold it.
        Passages without any of the terms are no hits; equal scores are ordered by row.

        Source: Robertson and Zaragoza, The probabilistic relevance framework (2009), with Lucene's idf,
        as in Kamphuis et al., Which BM25 do you mean? (2020).

        Args:
            queries: texts.
            k: hits a query.
            k1: how slowly repetitions of a term in a passage stop to count.
            b: how much long passages are held back, 0 to 1.
            n_threads: queries are searched by so many threads; the result is the same.
        """
        hits = no_hits(len(queries), k)
        terms, wanted = _number_terms(queries)
        spans = [shard.locate(hash_terms(terms)) for shard in self.shards]  # (terms, 2) each
        idf = _inverse_frequencies(sum(span[:, 1] - span[:, 0] for span in spans), len(self))
        average = sum(int(shard.lengths.sum()) for shard in self.shards) / max(1, len(self))
        first_row = 0
        slices = [slice(s, s + QUERIES_AT_A_TIME) for s in range(0, len(queries), QUERIES_AT_A_TIME)]
        with ThreadPoolExecutor(n_threads) as pool:
            for shard, span in zip(self.shards, spans, strict=True):
                search = _ShardSearch(shard, span, idf, k1 * (1 - b + b * shard.lengths / average), first_row)
                for part, found in zip(slices, pool.map(lambda part: search.find(wanted[part], k), slices)):
                    merged = merge_hits([hits.select(part), found], k)
                    hits.rows[part], hits.scores[part] = merged.rows, merged.scores
                first_row += len(shard.lengths)
        return hits


def _number_terms(queries: Sequence[str]):
    numbers, wanted = {}, []
    for query in queries:
        counts = Counter(split_terms(query))
        wanted.append([(numbers.setdefault(term, len(numbers)), n) for term, n in counts.items()])
    return list(numbers), wanted


def _inverse_frequencies(df, n):
    return np.log(1 + (n - df + 0.5) / (df + 0.5))


class _ShardSearch:
    def __init__(self, shard, spans, idf, norms, first_row):
        self.shard, self.spans, self.idf, self.first_row = shard, spans.tolist(), idf.astype(np.float32), first_row
        self.norms = norms.astype(np.float32)

    def find(self, queries, k):
        hits = no_hits(len(queries), k)
        scores = np.empty(len(self.norms), dtype=np.float32)
        for number, terms in enumerate(queries):
            scores.fill(0)
            for term, weight in terms:
                self._add_scores(scores, term, weight)
            rows = _best_rows(scores, k)
            hits.rows[number, : len(rows)] = rows + self.first_row
            hits.scores[number, : len(rows)] = scores[rows]
        return hits

    def _add_scores(self, scores, term, weight):
        begin, end = self.spans[term]
        rows = self.shard.rows[begin:end].astype(np.intp)
        counts = self.shard.counts[begin:end]
        parts = self.norms.take(rows)
        parts += counts
        np.divide(counts, parts, out=parts)
        parts *= weight * self.idf[term]
        np.add.at(scores, rows, parts)


def _best_rows(scores, k):
    n_groups = min(len(scores), max(GROUPS, 8 * k))
    highest = scores[: len(scores) // n_groups * n_groups].reshape(-1, n_groups).max(axis=0)
    threshold = np.partition(highest, -k)[-k] if k <= n_groups else 0
    rows = np.flatnonzero(scores >= threshold) if threshold > 0 else np.flatnonzero(scores)
    return rows[np.lexsort((rows, -scores[rows]))[:k]]
