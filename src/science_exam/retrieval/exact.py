"""Exact search: vectors are streamed once for all queries, with a running top-k.

4,000 queries over 40 million vectors of 384 numbers are 123 TFLOP and 31 GB to read: minutes on
two CPU cores, seconds of arithmetic on a GPU. Memory is one chunk and the running best, whatever
the number of vectors.
"""

import numpy as np

from science_exam.retrieval.hits import Hits, merge_hits, no_hits
from science_exam.retrieval.vectors import VectorShards

CHUNK_ROWS = 65_536  # in fp32, 384 wide: 100 MB
GPU_QUERIES = 1_024  # fp32 scores of one chunk: 270 MB


def search_exact(
    shards: VectorShards, queries: np.ndarray, k: int, device: str = "cpu", progress=iter
) -> Hits:
    """The `k` vectors with the largest inner product with each query.

    Args:
        shards: the vectors, fp16 (rows, dim).
        queries: float32 (queries, dim).
        k: hits a query; fewer vectors than that are filled up with `NO_ROW`.
        device: "cpu" (faiss) or a torch device.
        progress: wraps the iterator over chunks (tqdm).
    """
    find_best = _find_best_cpu if device == "cpu" else _find_best_gpu
    best = no_hits(len(queries), k)
    for start, chunk in progress(shards.stream_chunks(CHUNK_ROWS)):
        rows, scores = find_best(queries, chunk, min(k, len(chunk)), device)
        best = merge_hits([best, Hits(rows + start, scores)], k)
    return best


def _find_best_cpu(queries, chunk, k: int, device: str) -> tuple[np.ndarray, np.ndarray]:
    """Rows and scores, each (queries, k), within one chunk."""
    import faiss

    vectors = np.ascontiguousarray(chunk, dtype=np.float32)
    scores, rows = faiss.knn(queries, vectors, k, metric=faiss.METRIC_INNER_PRODUCT)
    return rows.astype(np.int64), scores


def _find_best_gpu(queries, chunk, k: int, device: str) -> tuple[np.ndarray, np.ndarray]:
    """The same as matrix products on a GPU; in fp32, because fp16 sums would reorder near ties."""
    import torch

    # Copied, because torch warns of memory that is mapped for reading only.
    vectors = torch.from_numpy(np.array(chunk)).to(device).float()  # (rows, dim)
    found = [
        (torch.from_numpy(queries[first : first + GPU_QUERIES]).to(device) @ vectors.T).topk(k)
        for first in range(0, len(queries), GPU_QUERIES)
    ]
    rows = torch.cat([top.indices for top in found]).cpu().numpy()
    scores = torch.cat([top.values for top in found]).cpu().numpy()
    return rows, scores
