"""Drafts with four wrong options -> rows of the questions and contexts tables."""

import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import pandas as pd

from science_exam.questions.building.context_mixing import Context, list_rows, mix_contexts
from science_exam.questions.building.positions import draw_positions, place_options
from science_exam.questions.config import AugmentConfig
from science_exam.questions.drafts import Draft
from science_exam.tables import CONTEXTS, OPTION_COLUMNS, QUESTIONS

FindContexts = Callable[[pd.DataFrame], pd.DataFrame]


@dataclass(frozen=True)
class Finished:
    """Rows of the questions table and of the contexts table."""

    questions: pd.DataFrame
    contexts: pd.DataFrame


def finish_drafts(
    drafts: Sequence[Draft],
    first_number: int,
    config: AugmentConfig,
    seed: int,
    find_contexts: FindContexts | None = None,
) -> Finished:
    """Place the options of each draft and choose its contexts.

    The permutations of one question follow one another, in one group and with the same contexts, so
    that training can share their common beginning.

    Args:
        drafts: with four wrong options each.
        first_number: number of the first of them in the set.
        config: permutations and contexts.
        seed: of all draws.
        find_contexts: a questions table -> its contexts table; needed for retrieved and mixed contexts.
    """
    placed = [_place(draft, first_number + i, config, seed) for i, draft in enumerate(drafts)]
    questions = pd.DataFrame([row for rows in placed for row in rows], columns=list(QUESTIONS.columns))
    found = _find(drafts, placed, find_contexts)
    contexts = []
    for draft, rows in zip(drafts, placed, strict=True):
        # The first is what the question was made from; adaptors put it in front.
        names = [draft.passage_id, *[None] * len(draft.contexts)]
        given = [Context(text, passage_id=name) for text, name in zip(draft.contexts, names, strict=False)]
        rng = random.Random(f"contexts {seed} {draft.question_id}")
        mixed = mix_contexts(given, found.get(rows[0]["question_id"], []), config, rng)
        for row in rows:
            contexts += list_rows(row["question_id"], mixed)
    return Finished(questions, pd.DataFrame(contexts, columns=list(CONTEXTS.columns)))


def _place(draft: Draft, number: int, config: AugmentConfig, seed: int) -> list[dict[str, Any]]:
    """The rows of one question: as many as it has permutations."""
    rng = random.Random(f"options {seed} {draft.question_id}")
    positions = draw_positions(number, config.permutations, seed)
    return [
        {
            "question_id": draft.question_id + (f"-{i}" if config.permutations > 1 else ""),
            "prompt": draft.prompt,
            **dict(zip(OPTION_COLUMNS, place_options(draft, position, rng), strict=True)),
            "answer": position,
            "source": draft.source,
            "group": draft.group,
            "passage_id": draft.passage_id,
        }
        for i, position in enumerate(positions, start=1)
    ]


def _find(
    drafts: Sequence[Draft], placed: list[list[dict[str, Any]]], find_contexts: FindContexts | None
) -> dict[str, list[Context]]:
    """Question id of each question's first permutation -> the contexts that a search finds for it."""
    if find_contexts is None or not drafts:
        return {}
    asked = pd.DataFrame([rows[0] for rows in placed], columns=list(QUESTIONS.columns))
    found: dict[str, list[Context]] = {}
    for row in find_contexts(asked).sort_values(["question_id", "rank"]).to_dict("records"):
        context = Context(row["text"], row["retriever"], row["passage_id"], row["score"])
        found.setdefault(row["question_id"], []).append(context)
    return found
