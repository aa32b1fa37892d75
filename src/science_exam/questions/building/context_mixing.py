"""What a question is read with: contexts as they came, retrieved ones, or both mixed; sometimes none."""

import random
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from science_exam.overlap import measure_overlap, word_triples
from science_exam.questions.config import AugmentConfig

# A found passage that shares so much with the given one says the same: it is no distractor.
SAME_PASSAGE = 0.5


@dataclass(frozen=True)
class Context:
    """A text to read, and where it is from."""

    text: str
    retriever: str = "given"
    passage_id: str | None = None
    score: float | None = None


def mix_contexts(
    given: Sequence[Context], found: Sequence[Context], config: AugmentConfig, rng: random.Random
) -> list[Context]:
    """The contexts of one question, in the order in which they are read.

    Readers that were trained with the passage a question was made from trust it too much; those trained
    with what a search finds answered better (the competition's winners). `mixed` keeps the answer in
    sight: the first given context at a random place among found passages that say something else.

    Args:
        given: contexts that came with the question, best first.
        found: contexts that a search found, best first.
        config: what is wanted.
        rng: where the choices come from.
    """
    if rng.random() < config.context_dropout:
        return []
    if config.contexts == "given":
        return list(given[: config.max_contexts])
    if config.contexts == "retrieved" or not given:
        return list(found[: config.max_contexts])
    distractors = _leave_out(given[0], found)[: config.max_contexts - 1]
    distractors.insert(rng.randint(0, len(distractors)), given[0])
    return distractors


def _leave_out(gold: Context, found: Sequence[Context]) -> list[Context]:
    """The found contexts that are not the given one, under whatever name."""
    triples = word_triples(gold.text)
    return [
        context
        for context in found
        if context.passage_id is None or context.passage_id != gold.passage_id
        if measure_overlap(word_triples(context.text), triples) < SAME_PASSAGE
    ]


def list_rows(question_id: str, contexts: Sequence[Context]) -> list[dict[str, Any]]:
    """Rows of the contexts table, ranked in the order given."""
    return [
        {
            "question_id": question_id,
            "rank": rank,
            "passage_id": context.passage_id,
            "score": context.score,
            "retriever": context.retriever,
            "text": context.text,
        }
        for rank, context in enumerate(contexts, start=1)
    ]
