"""Questions written out as instructions, as LLM-Adapters has ARC, OpenBookQA and AQuA.

    {"instruction": "… question: Why?\\n\\nAnswer1: … Answer2: …\\n\\nAnswer format: answer1/answer2",
     "answer": "answer2"}
    {"instruction": "Why? Answer Choices: (A) … (B) …", "answer": "B"}

Options stand in one text, and any text may be in an option. So a mark counts only where it stands
once: what could be read in two ways is left out.

Source: Hu et al., LLM-Adapters (2023).
"""

import re

from science_exam.questions.adaptors.rows import SourceRow
from science_exam.questions.drafts import Draft
from science_exam.questions.rows.values import RowError, find_option

COLUMNS = {"instruction", "answer"}
PREAMBLE = re.compile(r"^\s*Please choose the correct answer to the question:")
# The end says how many options there are.
FORMAT = re.compile(r"\s*Answer format:\s*(answer1(?:/answer\d+)*)\s*$")
CHOICES = re.compile(r"\bAnswer Choices:(?=\s*\(A\)\s)")
LETTER_MARKS = [f"({letter})" for letter in "ABCDE"]


def parse_instruction(row: SourceRow) -> Draft:
    """The draft of one object; RowError where it is of no use."""
    prompt, options = split_instruction(row.text("instruction"))
    answer = row.text("answer").lower()
    position = find_option(answer.removeprefix("answer"), len(options))
    if answer and position is None:
        raise RowError("answer names no option")
    return row.choose(prompt, options, position)


def split_instruction(text: str) -> tuple[str, list[str]]:
    """Question and options of an instruction.

    Raises:
        RowError: it holds no options, or does not say where one ends.

    Example:
        >>> split_instruction("What melts? Answer Choices: (A) ice (B) steam")
        ('What melts?', ['ice', 'steam'])
    """
    if ending := FORMAT.search(text):
        marks = [f"Answer{number}:" for number in range(1, ending[1].count("/") + 2)]
        prompt, options = _split_at(text[: ending.start()], marks)
        return PREAMBLE.sub("", prompt).strip(), options
    parts = CHOICES.split(text)
    if len(parts) != 2:
        raise RowError("not multiple choice" if len(parts) == 1 else "options not told apart")
    prompt, listed = parts
    n_options = max(n for n, mark in enumerate(LETTER_MARKS, start=1) if _find_mark(listed, mark))
    return prompt.strip(), _split_at(listed, LETTER_MARKS[:n_options])[1]


def _split_at(text: str, marks: list[str]) -> tuple[str, list[str]]:
    """What stands before the marks, and behind each.

    Raises:
        RowError: a mark stands not once, or they stand in another order.
    """
    found = [_find_mark(text, mark) for mark in marks]
    places = [places[0] for places in found if len(places) == 1]
    if len(places) < len(marks) or places != sorted(places):
        raise RowError("options not told apart")
    starts = [place + len(mark) for place, mark in zip(places, marks, strict=True)]
    ends = [*places[1:], len(text)]
    return text[: places[0]], [text[start:end].strip() for start, end in zip(starts, ends, strict=True)]


def _find_mark(text: str, mark: str) -> list[int]:
    """Where the mark stands as a word of its own."""
    return [match.start() for match in re.finditer(rf"(?<!\S){re.escape(mark)}(?!\S)", text)]
