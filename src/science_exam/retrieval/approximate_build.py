"""Building the index of an `IndexPlan` from vector shards: resumable, in bounded memory.

recipe.json        the plan, the seed and the shards' sizes      written first
parts/             the trained index, and groups of shards       while it is built
lists.ivfdata      codes and row numbers, list by list, mapped while searching
index.faiss        centroids, and where each list begins
index.json         hash and size of both: written last, so that its existence means success
"""

import json
import shutil
from dataclasses import asdict
from pathlib import Path

import numpy as np

from science_exam.errors import UserError
from science_exam.files import hash_file, whole_file, write_text
from science_exam.retrieval.index_plan import IndexPlan
from science_exam.retrieval.vectors import VectorShards

RECIPE, RECORD = "recipe.json", "index.json"
INDEX, LISTS = "index.faiss", "lists.ivfdata"
PARTS = "parts"

CHUNK_ROWS = 65_536  # in fp32, 384 wide: 100 MB
# What a kill costs at most: a minute or two. Every part repeats the centroids, 25 MB at their largest.
PART_VECTORS = 1_000_000


def build_approximate_index(
    shards: VectorShards, plan: IndexPlan, folder: Path, seed: int = 0, progress=iter
) -> None:
    """Write the index of all vectors to `folder`; what is there of it already is kept.

    The same vectors, plan and seed give the same bytes, whether it was interrupted or not and
    however many threads there are. Memory is the training sample (fp32) or one part.

    Args:
        shards: the vectors.
        plan: what to build; an exact one needs no files but the record of it.
        folder: gets the files above, and nothing else may be in it.
        seed: of the training sample and of the clusters.
        progress: wraps the iterator over parts (tqdm).

    Raises:
        UserError: `folder` holds an index of other vectors or of another plan, or the disk is full.
    """
    recipe = describe_recipe(shards, plan, seed)
    if (folder / RECIPE).is_file() and (folder / RECIPE).read_text(encoding="utf-8") != json.dumps(recipe):
        raise UserError(
            f"{folder}: holds an index of other vectors or another plan; delete it and run make index again"
        )
    write_text(folder / RECIPE, json.dumps(recipe))
    if not (folder / RECORD).is_file():
        if plan.nlist:
            _build_inverted_file(shards, plan, folder, seed, progress)
        files = {name: describe_file(folder / name) for name in (INDEX, LISTS) if plan.nlist}
        write_text(folder / RECORD, json.dumps({"recipe": recipe, "files": files}))
    shutil.rmtree(folder / PARTS, ignore_errors=True)


def describe_recipe(shards: VectorShards, plan: IndexPlan, seed: int) -> dict:
    """What decides the index, as JSON gives it back."""
    return {"plan": asdict(plan), "seed": seed, "dim": shards.dim, "sizes": shards.sizes}


def describe_file(path: Path) -> dict:
    """What is checked before a file is used: its size, and the hash of all but the long lists."""
    return {
        "bytes": path.stat().st_size,
        "sha256": hash_file(path) if path.name == INDEX else None,
    }


def _build_inverted_file(shards: VectorShards, plan: IndexPlan, folder: Path, seed: int, progress) -> None:
    trained = folder / PARTS / "trained.faiss"
    if not trained.is_file():
        _train(shards, plan, seed, trained)
    paths = []
    for number, group in progress(list(enumerate(group_shards(shards.sizes, PART_VECTORS)))):
        paths.append(folder / PARTS / f"part-{number:05d}.faiss")
        if not paths[-1].is_file():
            _build_part(shards, group, trained, paths[-1])
    _merge_parts(trained, paths, folder)


def group_shards(sizes: list[int], min_vectors: int) -> list[range]:
    """Consecutive shards, `min_vectors` together; the last group may have fewer."""
    groups, first, n_vectors = [], 0, 0
    for number, size in enumerate(sizes):
        n_vectors += size
        if n_vectors >= min_vectors or number + 1 == len(sizes):
            groups.append(range(first, number + 1))
            first, n_vectors = number + 1, 0
    return groups


def _train(shards: VectorShards, plan: IndexPlan, seed: int, path: Path) -> None:
    """Learn the clusters, and write the index without a vector in it."""
    import faiss

    index = faiss.index_factory(shards.dim, plan.factory, faiss.METRIC_INNER_PRODUCT)
    index.cp.seed = seed
    index.train(draw_sample(shards, plan.training_vectors, seed))
    _write_index(index, path)


def draw_sample(shards: VectorShards, n_vectors: int, seed: int) -> np.ndarray:
    """Random vectors, float32 (n_vectors, dim); every shard gives its share, one at a time."""
    rng = np.random.default_rng(seed)
    # Shares rounded so that they sum to n_vectors.
    bounds = [n_vectors * start // len(shards) for start in shards.starts]
    sample = np.empty((n_vectors, shards.dim), dtype=np.float32)
    for number, size in enumerate(shards.sizes):
        share = slice(bounds[number], bounds[number + 1])
        rows = rng.choice(size, share.stop - share.start, replace=False)
        sample[share] = shards.load(number)[np.sort(rows)]
    return sample


def _build_part(shards: VectorShards, group: range, trained: Path, path: Path) -> None:
    """Add the vectors of some shards to the trained index, under their global row numbers."""
    import faiss

    index = faiss.read_index(str(trained))
    for number in group:
        vectors = shards.load(number)
        for first in range(0, len(vectors), CHUNK_ROWS):
            chunk = np.ascontiguousarray(vectors[first : first + CHUNK_ROWS], dtype=np.float32)
            rows = np.arange(len(chunk), dtype=np.int64) + shards.starts[number] + first
            index.add_with_ids(chunk, rows)
    _write_index(index, path)


def _merge_parts(trained: Path, paths: list[Path], folder: Path) -> None:
    """Join the parts' lists on disk: parts and result are mapped, not loaded."""
    import faiss

    _check_space(folder, sum(path.stat().st_size for path in paths))
    index = faiss.read_index(str(trained))
    parts = [faiss.read_index(str(path), faiss.IO_FLAG_MMAP) for path in paths]
    lists = faiss.InvertedListsPtrVector()
    for part in parts:
        lists.push_back(part.invlists)
    with whole_file(folder / LISTS) as partial:
        merged = faiss.OnDiskInvertedLists(index.nlist, index.code_size, str(partial))
        index.ntotal = merged.merge_from_multiple(lists.data(), lists.size())
    # The index names the file of its lists: as it is called beside it, on any machine.
    merged.filename = LISTS
    index.replace_invlists(merged, True)
    merged.this.disown()
    _write_index(index, folder / INDEX)


def _check_space(folder: Path, n_bytes: int) -> None:
    """A full disk would end the process without a word, because the lists are written through a mapping."""
    if (free := shutil.disk_usage(folder).free) < n_bytes:
        raise UserError(f"{folder}: the index takes {n_bytes:,} bytes more, the disk has {free:,}; make room")


def _write_index(index, path: Path) -> None:
    import faiss

    with whole_file(path) as partial:
        faiss.write_index(index, str(partial))
