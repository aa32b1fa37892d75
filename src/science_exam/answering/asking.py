"""One question of a person: from words to a table, and the answer back to words."""

import shutil
import textwrap

import pandas as pd

from science_exam.errors import UserError
from science_exam.tables import LETTERS, OPTION_COLUMNS, PROBABILITY_COLUMNS, QUESTIONS, check_table

SEPARATOR = "|"
EXAMPLE = 'make ask Q="Which planet is the largest?" OPTIONS="Mars|Earth|Venus|Jupiter|Saturn"'
QUESTION_ID = "asked"


def read_question(prompt: str, options: str) -> pd.DataFrame:
    """The questions table of one question.

    Args:
        prompt: the question.
        options: five texts with | between them.

    Raises:
        UserError: no question, or not five options.
    """
    if not prompt.strip():
        raise UserError(f"q: expected a question, found nothing; {EXAMPLE}")
    texts = [text.strip() for text in options.split(SEPARATOR)] if options.strip() else []
    if len(texts) != len(OPTION_COLUMNS):
        raise UserError(f"options: expected five texts with | between them, found {len(texts)}; {EXAMPLE}")
    if not all(texts):
        raise UserError(f"options: expected text, found nothing in option {texts.index('') + 1}; {EXAMPLE}")
    row = {"question_id": QUESTION_ID, "prompt": prompt.strip(), "answer": None, "source": "asked"}
    row |= {"group": QUESTION_ID, "passage_id": None, **dict(zip(OPTION_COLUMNS, texts, strict=True))}
    return check_table(pd.DataFrame([row]), QUESTIONS, "the question")


def format_contexts(contexts: pd.DataFrame) -> str:
    """What the model reads: title and heading of each passage, and the beginning of its text."""
    if contexts.empty:
        return "no passages (closed book)"
    width = min(shutil.get_terminal_size().columns, 100) - 3
    lines = []
    for context in contexts.itertuples():
        head, _, body = context.text.partition("\n")
        lines.append(f"{context.rank}. {textwrap.shorten(head, width, placeholder=' …')}")
        if body.strip():
            lines.append(f"   {textwrap.shorten(body, 2 * width, placeholder=' …')}")
    return "\n".join(lines)


def format_answer(question: pd.DataFrame, predictions: pd.DataFrame) -> str:
    """The options, likeliest first, each with its letter and its probability."""
    [texts] = question[list(OPTION_COLUMNS)].to_numpy().tolist()
    [probabilities] = predictions[list(PROBABILITY_COLUMNS)].to_numpy().tolist()
    ranked = sorted(zip(probabilities, LETTERS, texts, strict=True), key=lambda option: -option[0])
    return "\n".join(f"{letter}  {probability:.3f}  {text}" for probability, letter, text in ranked)
