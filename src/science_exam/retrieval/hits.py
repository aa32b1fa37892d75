"""What a search returns: for each query the best rows and their scores."""

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np

NO_ROW = -1  # fills up a query that has fewer hits than were asked for


@dataclass(frozen=True)
class Hits:
    """The best rows of a search, best first.

    Attributes:
        rows: int64 (queries, k), positions in the passages; `NO_ROW` where there are fewer hits.
        scores: float32 (queries, k), falling; -inf beside `NO_ROW`.
    """

    rows: np.ndarray
    scores: np.ndarray

    def __len__(self) -> int:
        return len(self.rows)

    def select(self, queries) -> "Hits":
        """The hits of some queries (a slice or indices)."""
        return Hits(self.rows[queries], self.scores[queries])


def no_hits(n_queries: int, k: int) -> Hits:
    """Hits without a single row, to merge others into."""
    rows = np.full((n_queries, k), NO_ROW, dtype=np.int64)
    return Hits(rows, np.full((n_queries, k), -np.inf, dtype=np.float32))


def merge_hits(parts: Iterable[Hits], k: int) -> Hits:
    """The best `k` of several searches of the same queries over different rows.

    Rows of equal score are ordered by their number, so that the result does not depend on how the
    passages were cut into shards.
    """
    parts = list(parts)
    rows = np.concatenate([hits.rows for hits in parts], axis=1)  # (queries, sum of k)
    scores = np.concatenate([hits.scores for hits in parts], axis=1)
    best = np.lexsort((rows, -scores), axis=1)[:, :k]
    return Hits(np.take_along_axis(rows, best, axis=1), np.take_along_axis(scores, best, axis=1))
