"""One answerer's scores by where the questions come from and by which option is right."""

import pandas as pd

from science_exam.evaluation.report import Scores, labelled
from science_exam.tables import LETTERS

# The accuracy of ten questions is known to ± 0.3 at best.
MIN_QUESTIONS = 10  # of a source with a row of its own


def format_breakdowns(scores: Scores, questions: pd.DataFrame) -> str:
    """Markdown tables: by source, where there are several, and by the right option's letter.

    Sources with fewer than `MIN_QUESTIONS` questions share one row, the last.

    Args:
        scores: of one answerer, on the questions that have an answer.
        questions: those questions, in the same order; any without an answer between them are passed over.
    """
    answered = labelled(questions)
    letters = answered["answer"].map(lambda number: LETTERS[number - 1])
    tables = [_format_table("right option", scores, letters, sorted(set(letters)))]
    sources, names = _name_sources(answered["source"])
    if len(names) > 1:
        tables.insert(0, _format_table("source", scores, sources, names))
    return "\n\n".join(tables)


def _name_sources(sources: pd.Series) -> tuple[pd.Series, list[str]]:
    """The row that each question counts in, and all rows, largest first."""
    counts = sources.value_counts().sort_index().sort_values(ascending=False, kind="stable")
    large, small = counts.index[counts >= MIN_QUESTIONS], counts.index[counts < MIN_QUESTIONS]
    others = f"others ({len(small)}, of fewer than {MIN_QUESTIONS} each)"
    return sources.where(sources.isin(large), others), [*large, *([others] if len(small) else [])]


def _format_table(title: str, scores: Scores, labels: pd.Series, names: list[str]) -> str:
    rows = []
    for name in names:
        inside = (labels == name).to_numpy(dtype=bool)
        part = Scores(name, scores.right[inside], scores.reciprocal[inside])
        rows.append(f"| {name} | {inside.sum()} | {part.accuracy} | {part.map3} |")
    return "\n".join([f"| {title} | questions | accuracy | MAP@3 |", "| --- | --- | --- | --- |", *rows])
