"""Interactive search: small codes propose candidates, the fp16 vectors on disk settle their order."""

import json
import mmap
from functools import lru_cache
from pathlib import Path

import numpy as np

from science_exam.errors import UserError
from science_exam.retrieval.approximate_build import INDEX, LISTS, RECORD, describe_file
from science_exam.retrieval.hits import NO_ROW, Hits, merge_hits, no_hits
from science_exam.retrieval.index_plan import IndexPlan
from science_exam.retrieval.vectors import VectorShards

MIN_HITS = 10  # candidates for fewer hits are as many as for these: codes do not get better with k
REFINED_BYTES = 1 << 26  # of candidates in memory at once, in fp32
OPEN_SHARDS = 256  # each holds a file open; systems allow 1,024


class ApproximateIndex:
    """An index made by `build_approximate_index`, and the vectors it was made of."""

    def __init__(self, index, shards: VectorShards, plan: IndexPlan) -> None:
        """See `open`."""
        self.index = index
        self.shards = shards
        self.plan = plan
        self.vectors = RandomRows(shards)

    @classmethod
    def open(cls, folder: Path, shards: VectorShards) -> "ApproximateIndex":
        """Open the index in `folder`.

        An inverted file is mapped: opening takes no time, lists are read when first searched. An
        exact plan loads the vectors.

        Args:
            folder: as `build_approximate_index` left it.
            shards: the vectors it was made of.

        Raises:
            UserError: there is no finished index, it is damaged, or it is of other vectors.
        """
        plan, recipe, files = _read_record(folder)
        if (recipe["dim"], recipe["sizes"]) != (shards.dim, shards.sizes):
            raise UserError(
                f"{folder}: made of {sum(recipe['sizes']):,} vectors of {recipe['dim']} numbers, found "
                f"{len(shards):,} of {shards.dim} or other shards; delete it and run make index again"
            )
        index = _open_inverted_file(folder, files, plan) if plan.nlist else _load_vectors(shards)
        return cls(index, shards, plan)

    def search(self, vectors: np.ndarray, k: int) -> Hits:
        """The `k` vectors with the largest inner product with each query, but for those that were missed.

        Scores are exact, as those of `search_exact`.

        Args:
            vectors: float32 (queries, dim).
            k: hits a query; fewer vectors than that are filled up with `NO_ROW`.
        """
        queries = np.ascontiguousarray(vectors, dtype=np.float32)
        n_candidates = self.plan.refine_factor * max(k, MIN_HITS) or k
        scores, rows = self.index.search(queries, min(n_candidates, len(self.shards)))
        if not self.plan.refine_factor:
            scores[rows == NO_ROW] = -np.inf
            return _take_best(rows, scores, k)
        hits = no_hits(len(queries), k)
        step = max(1, REFINED_BYTES // (4 * self.shards.dim * rows.shape[1]))
        for first in range(0, len(queries), step):
            some = slice(first, first + step)
            refined = self._refine(queries[some], rows[some], k)
            hits.rows[some], hits.scores[some] = refined.rows, refined.scores
        return hits

    def _refine(self, queries: np.ndarray, rows: np.ndarray, k: int) -> Hits:
        """The best `k` of candidates, rows (queries, candidates), by their fp16 vectors."""
        distinct = np.unique(rows[rows != NO_ROW])
        if not len(distinct):
            return no_hits(len(rows), k)
        places = np.searchsorted(distinct, rows)  # NO_ROW: the first, whose score is not used
        candidates = self.vectors.fetch(distinct)[places]  # (queries, candidates, dim)
        scores = (candidates @ queries[:, :, None])[:, :, 0]
        scores[rows == NO_ROW] = -np.inf
        return _take_best(rows, scores, k)


class RandomRows:
    """Vectors of shards by row number: a few here and there, of files larger than the memory."""

    def __init__(self, shards: VectorShards) -> None:
        self.shards = shards
        self._map = lru_cache(OPEN_SHARDS)(_map_shard)

    def fetch(self, rows: np.ndarray) -> np.ndarray:
        """The vectors of rising `rows`, float32 (rows, dim).

        The disk is asked for all of them before the first is read: 50 rows that are not in the page
        cache took 0.7 ms instead of 6.4, one after the other.
        """
        numbers = np.searchsorted(self.shards.starts, rows, side="right") - 1
        groups = [(number, np.flatnonzero(numbers == number)) for number in np.unique(numbers)]
        mapped = [self._map(self.shards.paths[number]) for number, _ in groups]
        for (number, places), (memory, shard) in zip(groups, mapped, strict=True):
            _ask_for(memory, shard, rows[places] - self.shards.starts[number])
        vectors = np.empty((len(rows), self.shards.dim), dtype=np.float32)
        for (number, places), (_, shard) in zip(groups, mapped, strict=True):
            vectors[places] = shard[rows[places] - self.shards.starts[number]]
        return vectors


def _map_shard(path: Path) -> tuple[mmap.mmap, np.ndarray]:
    """A shard's file, and its vectors therein, fp16 (rows, dim); without reading ahead."""
    shard = np.load(path, mmap_mode="r", allow_pickle=False)
    with path.open("rb") as file:
        memory = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)
    memory.madvise(mmap.MADV_RANDOM)  # each row would bring its neighbours: 60 MB a query were measured
    return memory, np.ndarray(shard.shape, shard.dtype, memory, shard.offset)


def _ask_for(memory: mmap.mmap, shard: np.ndarray, rows: np.ndarray) -> None:
    """Have the pages of some rows read in the background."""
    width = shard.strides[0]  # the last vector ends where the file does
    ends = len(memory) - (len(shard) - rows - 1) * width
    starts = (ends - width) // mmap.PAGESIZE * mmap.PAGESIZE
    for start, end in zip(starts.tolist(), ends.tolist(), strict=True):
        memory.madvise(mmap.MADV_WILLNEED, start, end - start)


def _take_best(rows: np.ndarray, scores: np.ndarray, k: int) -> Hits:
    """The best `k`, in the order of `merge_hits`, filled up."""
    return merge_hits([Hits(rows, scores), no_hits(len(rows), k)], k)


def _read_record(folder: Path) -> tuple[IndexPlan, dict, dict]:
    """The plan, the whole recipe, and what is known of the files."""
    try:
        record = json.loads((folder / RECORD).read_text(encoding="utf-8"))
        return IndexPlan(**record["recipe"]["plan"]), record["recipe"], record["files"]
    except FileNotFoundError:
        raise UserError(f"{folder}: no finished index there; make it with: make index") from None
    except (ValueError, KeyError, TypeError) as error:
        raise _damaged(folder / RECORD, repr(error)) from None


def _open_inverted_file(folder: Path, files: dict, plan: IndexPlan):
    """The index, its lists mapped. A mapping shorter than its index says would end the process."""
    import faiss

    for name in (INDEX, LISTS):
        if not (folder / name).is_file() or describe_file(folder / name) != files[name]:
            raise _damaged(folder / name, "size or hash differ from those of the file that was written")
    index = faiss.read_index(str(folder / INDEX), faiss.IO_FLAG_SKIP_IVF_DATA | faiss.IO_FLAG_READ_ONLY)
    lists = faiss.downcast_InvertedLists(index.invlists)
    lists.filename = str(folder / LISTS)
    lists.do_mmap()
    # Reading ahead with threads of its own makes a query that finds its lists in memory twice as slow.
    lists.prefetch_nthread = 0
    index.nprobe = plan.nprobe
    return index


def _damaged(path: Path, found: str) -> UserError:
    return UserError(f"{path}: the index is damaged ({found}); delete its folder and run make index again")


def _load_vectors(shards: VectorShards):
    """All vectors in fp16, which one core compares with a query at the speed of its memory."""
    import faiss

    index = faiss.IndexScalarQuantizer(shards.dim, faiss.ScalarQuantizer.QT_fp16, faiss.METRIC_INNER_PRODUCT)
    # Codes are the shards' own numbers: copied once, into memory of just the size.
    index.codes.resize(len(shards) * index.code_size)
    codes = faiss.rev_swig_ptr(index.codes.data(), index.codes.size()).view(np.float16)
    codes = codes.reshape(len(shards), shards.dim)
    for number, start in enumerate(shards.starts[:-1]):
        codes[start : start + shards.sizes[number]] = shards.load(number)
    index.ntotal = len(shards)
    return index
