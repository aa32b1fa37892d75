"""The best passages ordered anew by a cross-encoder, which reads question and passage together."""

import numpy as np

from science_exam.errors import UserError
from science_exam.retrieval.hits import NO_ROW, Hits
from science_exam.retrieval.passages import PassageStore


def load_reranker(name: str, device: str = ""):
    """A sentence-transformers cross-encoder by hub id or folder.

    Raises:
        UserError: it cannot be loaded.
    """
    from sentence_transformers import CrossEncoder

    try:
        return CrossEncoder(name, device=device or None)
    except (OSError, ValueError) as error:
        raise UserError(
            f"reranker {name!r}: cannot be loaded ({error}); expected a folder or a hub id"
        ) from None


def rerank_hits(hits: Hits, queries: list[str], store: PassageStore, reranker, depth: int) -> Hits:
    """The first `depth` hits of each query in the cross-encoder's order; the others are left out.

    Args:
        hits: of one query a question.
        queries: what the cross-encoder reads beside each passage.
        store: where the passages are.
        reranker: has `predict(list of (query, text)) -> scores`.
        depth: passages a query that are read.
    """
    rows = hits.rows[:, :depth]
    texts = store.fetch(rows[rows != NO_ROW])["text"]
    owners, places = np.nonzero(rows != NO_ROW)
    pairs = [(queries[i], texts[rows[i, j]]) for i, j in zip(owners, places, strict=True)]
    scores = np.full(rows.shape, -np.inf, dtype=np.float32)
    if pairs:
        scores[owners, places] = np.asarray(reranker.predict(pairs), dtype=np.float32).reshape(-1)
    order = np.argsort(-scores, axis=1, kind="stable")
    return Hits(np.take_along_axis(rows, order, axis=1), np.take_along_axis(scores, order, axis=1))
