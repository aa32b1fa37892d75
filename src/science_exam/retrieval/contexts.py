"""Ranked passages -> the contexts table: best first, distinct, within a token budget."""

from collections.abc import Sequence
from typing import Any

import pandas as pd

from science_exam.overlap import measure_overlap, word_triples
from science_exam.retrieval.hits import NO_ROW, Hits
from science_exam.retrieval.passages import PassageStore
from science_exam.tables import CONTEXTS, check_table

# Of k passages some repeat a better one, so more are looked at; beyond this many times k there is
# nothing worth reading.
CANDIDATES = 4


def choose_contexts(
    question_ids: list[str],
    hits: Hits,
    store: PassageStore,
    retriever: str,
    k: int,
    max_tokens: int,
    max_overlap: float,
) -> pd.DataFrame:
    """The contexts table of some questions.

    Args:
        question_ids: whose hits these are.
        hits: (questions, …), best first.
        store: where the passages are.
        retriever: what goes into the column of that name.
        k: passages a question at most.
        max_tokens: of a question's passages together; the first that does not fit ends the list. 0 is
            no limit, and the best passage is always kept.
        max_overlap: of word triples from which a passage repeats a better one.
    """
    rows = hits.rows[:, : k * CANDIDATES]
    fetched = store.fetch(rows[rows != NO_ROW])
    # As plain records: taking rows of a frame, once a question, would take longer than the search.
    passages = dict(zip(fetched.index.tolist(), fetched.itertuples(index=False), strict=True))
    records = []
    for question_id, own_rows, scores in zip(question_ids, rows, hits.scores, strict=True):
        ranked = [passages[row] for row in own_rows[own_rows != NO_ROW].tolist()]
        chosen = _choose(ranked, k, max_tokens, max_overlap)
        records += [
            {
                "question_id": question_id,
                "rank": rank,
                "passage_id": ranked[place].passage_id,
                "score": float(scores[place]),
                "retriever": retriever,
                "text": ranked[place].text,
            }
            for rank, place in enumerate(chosen, start=1)
        ]
    return check_table(pd.DataFrame(records, columns=list(CONTEXTS.columns)), CONTEXTS, "contexts")


def _choose(ranked: Sequence[Any], k: int, max_tokens: int, max_overlap: float) -> list[int]:
    """Places of the passages to keep, best first."""
    chosen: list[int] = []
    kept_triples: list[set[str]] = []
    spent = 0
    for place, passage in enumerate(ranked):
        triples = word_triples(passage.text)
        if any(measure_overlap(triples, other) >= max_overlap for other in kept_triples):
            continue
        if chosen and (len(chosen) == k or (max_tokens and spent + passage.n_tokens > max_tokens)):
            break
        chosen.append(place)
        kept_triples.append(triples)
        spent += passage.n_tokens
    return chosen
