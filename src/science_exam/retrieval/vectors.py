"""Passage vectors on disk: one fp16 file a part of the passages, whole or not there."""

from collections.abc import Iterator
from itertools import accumulate
from pathlib import Path

import numpy as np

from science_exam.errors import UserError
from science_exam.files import whole_file

SHARD_NAME = "part-{:08d}.npy"


def write_shard(vectors: np.ndarray, path: Path) -> None:
    """Write vectors (rows, dim) as fp16; the file's presence is its completion marker."""
    with whole_file(path) as partial, partial.open("wb") as file:
        np.save(file, vectors.astype(np.float16), allow_pickle=False)


def is_whole_shard(path: Path, n_rows: int) -> bool:
    """Whether `path` holds `n_rows` vectors: a resumed run makes a missing or damaged shard again."""
    try:
        return len(_open_shard(path)) == n_rows
    except UserError:
        return False


class VectorShards:
    """The vectors in a folder as one long matrix; row i belongs to passage i of the corpus."""

    def __init__(self, folder: Path) -> None:
        """Open all shards of `folder`, without reading them.

        Raises:
            UserError: there are none, or one is damaged or has another width than the first.
        """
        self.paths = sorted(folder.glob("part-*.npy"))
        if not self.paths:
            raise UserError(f"{folder}: no vectors there; make them with: make index")
        shapes = [_open_shard(path).shape for path in self.paths]
        self.dim = shapes[0][1]
        for path, (_, dim) in zip(self.paths, shapes, strict=True):
            if dim != self.dim:
                raise UserError(f"{path}: expected vectors of {self.dim} numbers, found {dim}")
        self.sizes = [rows for rows, _ in shapes]
        self.starts = [0, *accumulate(self.sizes)]  # first row of each shard, and the number of rows

    def __len__(self) -> int:
        return self.starts[-1]

    def load(self, number: int) -> np.ndarray:
        """One shard, fp16 (rows, dim), mapped from its file."""
        return _open_shard(self.paths[number])

    def stream_chunks(self, max_rows: int) -> Iterator[tuple[int, np.ndarray]]:
        """(first row, fp16 vectors) of at most `max_rows` rows at a time, in order."""
        waiting: list[np.ndarray] = []  # of shards smaller than a chunk
        start = n_waiting = 0
        for number in range(len(self.paths)):
            shard = self.load(number)
            for offset in range(0, len(shard), max_rows):
                piece = shard[offset : offset + max_rows]
                if n_waiting + len(piece) > max_rows:
                    yield start, np.concatenate(waiting)
                    start, n_waiting, waiting = start + n_waiting, 0, []
                waiting.append(piece)
                n_waiting += len(piece)
        if waiting:
            yield start, np.concatenate(waiting)


def _open_shard(path: Path) -> np.ndarray:
    try:
        shard = np.load(path, mmap_mode="r", allow_pickle=False)
    except (OSError, ValueError, EOFError) as error:
        raise UserError(
            f"{path}: expected whole fp16 vectors ({error}); delete the file and run make index again"
        ) from None
    if shard.ndim != 2 or shard.dtype != np.float16:
        raise UserError(f"{path}: expected fp16 vectors, found {shard.dtype} of shape {shard.shape}")
    return shard
