"""Search results for a person's eyes."""

import shutil
import textwrap
from collections.abc import Callable

import pandas as pd

from science_exam.retrieval.terms import split_terms

INDENT = "    "
MAX_LINES = 8  # of each passage


def show_passages(query: str, passages: pd.DataFrame, scores: list[float], mark: Callable[[str], str]) -> str:
    """The passages as text: rank, score, title and section, and the text with the query's words marked.

    Args:
        query: what was searched for.
        passages: rows of the passages table, best first.
        scores: one a passage.
        mark: how a matching word is made to stand out.
    """
    wanted = set(split_terms(query))
    width = min(shutil.get_terminal_size().columns, 100) - len(INDENT)
    blocks = []
    for rank, (passage, score) in enumerate(zip(passages.itertuples(), scores, strict=True), start=1):
        head, _, body = passage.text.partition("\n")
        lines = textwrap.wrap(body or head, width)
        shown = lines[:MAX_LINES] + (["…"] if len(lines) > MAX_LINES else [])
        marked = [INDENT + _mark_words(line, wanted, mark) for line in shown]
        blocks.append("\n".join([f"{rank}. {score:.3f}  {head}", *marked]))
    return "\n\n".join(blocks)


def _mark_words(line: str, wanted: set[str], mark: Callable[[str], str]) -> str:
    """The line with every word that shares a stem with the query marked."""
    return " ".join(mark(word) if wanted & set(split_terms(word)) else word for word in line.split(" "))
