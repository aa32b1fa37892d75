"""A question set -> its contexts table, as the settings of the retrieve stage say."""

from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from tqdm import tqdm

from science_exam.errors import UserError
from science_exam.retrieval.config import RetrieveConfig
from science_exam.retrieval.contexts import CANDIDATES, choose_contexts
from science_exam.retrieval.hits import Hits
from science_exam.retrieval.passages import PassageStore
from science_exam.retrieval.queries import write_queries
from science_exam.retrieval.rerank import load_reranker, rerank_hits
from science_exam.retrieval.search import (
    DENSE,
    LEXICAL,
    Ranking,
    fuse_rankings,
    open_library,
    search_questions,
)
from science_exam.retrieval.tfidf import search_tfidf
from science_exam.retrieval.tuning import N_FOLDS, measure_hits, tune_weight

KINDS = {"fused": (LEXICAL, DENSE), "lexical": (LEXICAL,), "dense": (DENSE,)}


def retrieve_contexts(questions: pd.DataFrame, config: RetrieveConfig) -> tuple[pd.DataFrame, dict[str, Any]]:
    """The contexts table, and what is worth knowing about how it came about.

    Raises:
        UserError: no index or corpus, or nothing to tune the weight by.
    """
    if config.retriever == "tfidf":
        store = _open_corpus(config)
        queries = [" ".join(own) for own in write_queries(questions, config.queries[-1])]
        hits = search_tfidf(store.stream_texts, queries, config.depth)
        used, results = "tfidf", {}
    else:
        library = open_library(Path(config.index), KINDS[config.retriever], config.corpus)
        store, used = library.store, "+".join(library.indexes)
        rankings = search_questions(
            library.indexes, questions, config.queries, config.depth, lambda kind: partial(tqdm, desc=kind)
        )
        hits, results = _fuse(rankings, questions, store, config)
    if config.reranker:
        asked = [own[0] for own in write_queries(questions, "question")]
        reranker = load_reranker(config.reranker)
        hits = rerank_hits(hits, asked, store, reranker, config.rerank_depth)
        used += f"+{Path(config.reranker).name}"
    chosen = choose_contexts(
        questions["question_id"].tolist(), hits, store, used, config.k, config.max_tokens, config.max_overlap
    )
    return chosen, {"retriever": used, "contexts": len(chosen), **results}


def _open_corpus(config: RetrieveConfig) -> PassageStore:
    if not config.corpus:
        raise UserError("retriever=tfidf reads the corpus itself: add corpus=data/corpus/<name>")
    return PassageStore(Path(config.corpus) / "passages")


def _fuse(
    rankings: list[Ranking], questions: pd.DataFrame, store: PassageStore, config: RetrieveConfig
) -> tuple[Hits, dict[str, Any]]:
    """The fused hits, with the weight that was asked for or that the questions' own passages choose."""
    k = max(config.k * CANDIDATES, config.rerank_depth)
    weight, results = config.lexical_weight, {}
    both = len({ranking.kind for ranking in rankings}) > 1
    known = _find_gold_rows(questions, store)
    labelled = np.flatnonzero(known >= 0)
    if config.tune and both:
        if len(labelled) < N_FOLDS:
            raise UserError(
                f"tune=true chooses the weight by questions whose passage_id is a passage of this corpus, "
                f"but there are {len(labelled)}; set lexical_weight instead"
            )
        own = [Ranking(r.kind, r.form, r.hits.select(labelled)) for r in rankings]
        weight, expected = tune_weight(lambda w: fuse_rankings(own, w, k, config.fusion), known[labelled])
        results["ndcg_at_10_cross_validated"] = expected
    fused = fuse_rankings(rankings, weight, k, config.fusion)
    if len(labelled):
        results["ndcg_at_10"] = float(measure_hits(fused.select(labelled), known[labelled]).mean())
    return fused, {"lexical_weight": weight, **results} if both else results


def _find_gold_rows(questions: pd.DataFrame, store: PassageStore) -> np.ndarray:
    """(questions,) row of the passage each question was made from; -1 where that is not known."""
    names = questions["passage_id"]
    if names.isna().all():
        return np.full(len(questions), -1)
    rows = store.find_rows(names.dropna())
    return np.array([rows.get(name, -1) if isinstance(name, str) else -1 for name in names])
