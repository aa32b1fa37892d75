"""Which option an answer names: a letter, a number, an option's text, or a sentence around them."""

import re
from collections.abc import Sequence

from science_exam.tables import LETTERS

# "Answer:", "The correct answer is:"
LEAD = re.compile(
    r"\W*(?:the\s+)?(?:correct\s+|right\s+)?(?:answer|option|choice)(?:\s+is)?\W*:", re.IGNORECASE
)
# A name is a letter, or a letter or number after "option"; a number alone is a name only where nothing
# else is said, since it may be a quantity.
WORD = r"(?i:options?|choices?)[\s_#-]*"
NAMES = LETTERS + "12345"
NAMED = rf"(?:[{LETTERS}]|{WORD}[{NAMES}])"
MORE = rf"(?:\s*(?:[,;/&|>]|\band\b|\bor\b|\s)\s*\(?(?:{WORD})?[{NAMES}]\)?(?!\w))"
# The whole text is one name, or a list of them: "C", "(c)", "option_3", "D C B", "B, C".
WHOLE = re.compile(rf"\W*(?:{WORD})?\(?[{NAMES}]\)?(?!\w){MORE}*\W*", re.IGNORECASE)
# The text begins with a name set off by a mark: "C) text", "C: text", "C. Text", "C" on its own line;
# but not "E. coli".
BEGINNING = re.compile(rf"\W*\(?({NAMED})(?:\)|:|\.\s+(?=[A-Z0-9])|\.?\s*\n|,?\s+because\b)")
# "The correct answer is C", "I choose option_2", "the answer is B or D"; but not "the answer is A molecule".
STATED = re.compile(
    rf"(?:\b(?i:answer|choice)(?:\s+(?:is|would\s+be))?[\s:*\"'(]*({NAMED})|\b({WORD}[{NAMES}]))\)?"
    rf"(?![\w'])(?!\s+(?!or\b|and\b|because\b|since\b)[a-z])({MORE}*)"
)
NAME = re.compile(rf"(?<![^\W_])[{NAMES}](?!\w)", re.IGNORECASE)


def read_answer(text: str, options: Sequence[str] = ()) -> int | None:
    """The one option that `text` names, 1 to 5, or None where it names none or several.

    Example:
        >>> read_answer("Answer: B"), read_answer("B, C"), read_answer("- - -")
        (2, None, None)
    """
    named = find_answers(text, options)
    return named.pop() if len(named) == 1 else None


def find_answers(text: str, options: Sequence[str] = ()) -> set[int]:
    """All options that `text` may mean, numbered from 1.

    Args:
        text: an answer as a model wrote it.
        options: the options' texts, where they are known; an answer may repeat one of them.
    """
    text = LEAD.sub("", text, count=1) if LEAD.match(text) else text
    return _find_names(text.strip(), options) | _match_options(text, options)


def reduce_text(text: str) -> str:
    """`text` without what does not tell two options apart: case, spacing, a closing full stop."""
    return " ".join(text.casefold().split()).rstrip(". ")


def _find_names(text: str, options: Sequence[str]) -> set[int]:
    if WHOLE.fullmatch(text):
        return {_number(name) for name in NAME.findall(text)}
    if labelled := {place for place, option in enumerate(options, start=1) if _labels(text, place, option)}:
        return labelled
    begun = BEGINNING.match(text)
    said = [match[0] for match in [begun, *STATED.finditer(text)] if match]
    named = {_number(name) for words in said for name in NAME.findall(words)}
    # "C) text of option 4" names two.
    return named | (_match_options(text[begun.end() :], options) if begun else set())


def _labels(text: str, place: int, option: str) -> bool:
    """Whether `text` is an option with its own letter or number before it."""
    label = rf"\W*(?:{WORD})?[{place}{LETTERS[place - 1]}]\W+"
    return re.fullmatch(rf"{label}{re.escape(option)}\W*", text, re.IGNORECASE) is not None


def _match_options(text: str, options: Sequence[str]) -> set[int]:
    """Options that `text` repeats: to the letter if there is one, else without any punctuation."""
    for reduce in (reduce_text, _keep_words):
        wanted = reduce(text)
        same = {place for place, option in enumerate(options, start=1) if wanted and reduce(option) == wanted}
        if same:
            return same
    return set()


def _keep_words(text: str) -> str:
    return " ".join(re.findall(r"\w+", text.casefold()))


def _number(name: str) -> int:
    return NAMES.index(name.upper()) % len(LETTERS) + 1
