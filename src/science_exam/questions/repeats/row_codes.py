"""What is kept of a question to find its duplicates, in files: names, codes of bands, perhaps a vector."""

from bisect import bisect_right
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from science_exam.questions.repeats.embeddings import Encode
from science_exam.questions.repeats.overlap_index import BANDING
from science_exam.questions.repeats.wording import Row, hash_text, join_options, normalise_text


class RowCodes:
    """Rows are added a chunk at a time; each chunk is a file of every kind in `folder`.

    Attributes:
        n_rows: added so far.
    """

    def __init__(self, folder: Path, encode: Encode | None) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self._folder, self._encode = folder, encode
        self._starts: list[int] = []  # first row of each chunk
        self.n_rows = 0

    def add(self, rows: Sequence[Row]) -> None:
        """Keep the codes of the next rows; the right option is the first of each."""
        if not rows:
            return
        # 32 bits a band: among a million rows a pair by chance in some hundred, and every pair is verified.
        bands = BANDING.sign([join_options(row) for row in rows]).astype(np.uint32)  # (rows, codes)
        self._save("names", np.array([_name_row(row) for row in rows], dtype=np.uint64).T)
        self._save("bands", bands.T)
        if self._encode is not None:
            vectors = self._encode([f"{prompt} {options[0]}" for prompt, options in rows])
            self._save("vectors", vectors.astype(np.float16))
        self._starts.append(self.n_rows)
        self.n_rows += len(rows)

    def load_names(self) -> np.ndarray:
        """A code of the prompt and one of the right option, uint64 (2, rows)."""
        parts = [self._load("names", part) for part in range(len(self._starts))]
        return np.concatenate([np.empty((2, 0), dtype=np.uint64), *parts], axis=1)

    def load_band(self, band: int) -> np.ndarray:
        """The codes of one band, uint32 (rows,)."""
        parts = [self._load("bands", part)[band] for part in range(len(self._starts))]
        return np.concatenate([np.empty(0, dtype=np.uint32), *parts])

    def load_vectors(self, rows: np.ndarray) -> np.ndarray:
        """The vectors of some rows, in ascending order, float16 (rows, dim)."""
        first, last = (bisect_right(self._starts, row) - 1 for row in (rows[0], rows[-1]))
        found = []
        for part in range(first, last + 1):
            vectors = self._load("vectors", part)
            own = rows - self._starts[part]
            found.append(vectors[own[(own >= 0) & (own < len(vectors))]])
        return np.concatenate(found)

    def _save(self, kind: str, values: np.ndarray) -> None:
        # In C order: of the bands, one after the other is read.
        np.save(self._locate(kind, len(self._starts)), np.ascontiguousarray(values), allow_pickle=False)

    def _load(self, kind: str, part: int) -> np.ndarray:
        return np.load(self._locate(kind, part), mmap_mode="r", allow_pickle=False)

    def _locate(self, kind: str, part: int) -> Path:
        return self._folder / f"{kind}-{part:05d}.npy"


def _name_row(row: Row) -> tuple[int, int]:
    prompt, options = row
    return hash_text(normalise_text(prompt)), hash_text(normalise_text(options[0]))
