"""Questions -> queries, and the hits of a question's several queries merged into one list."""

from typing import Literal, get_args

import numpy as np
import pandas as pd

from science_exam.retrieval.hits import NO_ROW, Hits, no_hits
from science_exam.tables import OPTION_COLUMNS

# question: the prompt alone; all_options: with all five options behind it; each_option: five
# queries, the prompt with one option each, whose hits are merged.
QueryForm = Literal["question", "all_options", "each_option"]
QUERY_FORMS: tuple[str, ...] = get_args(QueryForm)


def write_queries(questions: pd.DataFrame, form: QueryForm) -> list[list[str]]:
    """The queries of each question, in the table's order; every question has as many."""
    prompts = questions["prompt"].tolist()
    options = questions[list(OPTION_COLUMNS)].to_numpy().tolist()
    if form == "question":
        return [[prompt] for prompt in prompts]
    if form == "all_options":
        return [[" ".join([prompt, *texts]).strip()] for prompt, texts in zip(prompts, options, strict=True)]
    return [
        [f"{prompt} {text}".strip() for text in texts] for prompt, texts in zip(prompts, options, strict=True)
    ]


def merge_queries(hits: Hits, per_question: int, k: int) -> Hits:
    """The hits of each question from those of its queries: a passage keeps its best score.

    Args:
        hits: of all queries, `per_question` neighbouring rows a question.
        per_question: queries a question.
        k: hits a question.
    """
    if per_question == 1:
        return Hits(hits.rows[:, :k], hits.scores[:, :k])
    n_questions = len(hits) // per_question
    merged = no_hits(n_questions, k)
    for number in range(n_questions):
        own = hits.select(slice(number * per_question, (number + 1) * per_question))
        rows, scores = _keep_best(own.rows.ravel(), own.scores.ravel())
        merged.rows[number, : len(rows)] = rows[:k]
        merged.scores[number, : len(rows)] = scores[:k]
    return merged


def _keep_best(rows: np.ndarray, scores: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Distinct rows with their best score, best first."""
    order = np.lexsort((rows, -scores))
    distinct, first = np.unique(rows[order], return_index=True)
    kept = order[np.sort(first[distinct != NO_ROW])]
    return rows[kept], scores[kept]
