"""Passages on disk as one long list: streamed in order, or fetched by row."""

from bisect import bisect_right
from collections.abc import Iterable, Iterator, Sequence
from itertools import accumulate
from pathlib import Path

import numpy as np
import pandas as pd

from science_exam.tables import PASSAGES, count_rows, list_parts, read_column, read_table


class PassageStore:
    """The passages of a corpus, `data/corpus/<name>/passages`; row i is the i-th over all its parts.

    Only the numbers of rows are held in memory.
    """

    def __init__(self, folder: Path) -> None:
        """Open the passages in `folder`.

        Raises:
            UserError: there are none.
        """
        self.parts = list_parts(folder, "make them with: make corpus")
        self.sizes = [count_rows(part) for part in self.parts]
        self.starts = [0, *accumulate(self.sizes)]  # first row of each part, and the number of rows

    def __len__(self) -> int:
        return self.starts[-1]

    def read_part(self, number: int) -> pd.DataFrame:
        """The passages table of one part."""
        return read_table(PASSAGES, self.parts[number])

    def read_texts(self, number: int) -> list[str]:
        """The texts of one part."""
        return self._read_column(number, "text")

    def stream_texts(self) -> Iterator[list[str]]:
        """The texts of one part after the other."""
        return map(self.read_texts, range(len(self.parts)))

    def find_rows(self, passage_ids: Iterable[str]) -> dict[str, int]:
        """Ids -> rows, of those that are there; every part's ids are read once."""
        wanted, found = set(passage_ids), {}
        for number, start in enumerate(self.starts[:-1]):
            for row, name in enumerate(self._read_column(number, "passage_id"), start):
                if name in wanted:
                    found[name] = row
        return found

    def _read_column(self, number: int, name: str) -> list[str]:
        return read_column(self.parts[number], name)

    def fetch(self, rows: Sequence[int]) -> pd.DataFrame:
        """The passages of distinct rows, indexed by row; every part is read once at most."""
        rows = np.unique(np.asarray(rows, dtype=np.int64))
        parts = np.array([bisect_right(self.starts, row) - 1 for row in rows])
        found = []
        for part in np.unique(parts):
            wanted = rows[parts == part]
            found.append(self.read_part(part).iloc[wanted - self.starts[part]].set_index(wanted))
        return pd.concat(found) if found else pd.DataFrame(columns=list(PASSAGES.columns))
