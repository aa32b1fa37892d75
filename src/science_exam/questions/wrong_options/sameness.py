"""Whether two options say the same, as far as their words tell."""

import re

from science_exam.questions.wrong_options.option_numbers import read_value
from science_exam.retrieval.terms import split_terms

# Stop words of a search that make all the difference between options.
_DENIALS = re.compile(
    r"\b(?:no|not|nor|neither|never|non|without|cannot|more|most)\b|n['’]t\b", re.IGNORECASE
)
MIN_LETTERS = 5  # a word this long with one letter more is the same word, misspelt


def make_key(text: str) -> str:
    """What options have in common that differ by case, articles, endings or the spelling of a number alone.

    Example:
        >>> make_key("The red blood cells."), make_key("red blood cell")
        ('red blood cell', 'red blood cell')
    """
    value = read_value(text)
    if value is not None:
        return f"={value}"
    terms = split_terms(text) or text.lower().split()
    return " ".join([*terms, *sorted(f"~{word.lower()}" for word in _DENIALS.findall(text))])


def say_the_same(one: str, other: str) -> bool:
    """Whether one option equals the other or is part of it, misspelt or not, by the keys of both.

    Example:
        >>> say_the_same(make_key("blood cells"), make_key("red blood cells"))
        True
    """
    if one == other:
        return True
    if one[:1] == "=" or other[:1] == "=":
        return False
    few, many = sorted((set(one.split()), set(other.split())), key=len)
    if all(word in many or any(_is_misspelt(word, known) for known in many) for word in few):
        return True
    short, long = sorted((one.replace(" ", ""), other.replace(" ", "")), key=len)
    return len(short) >= MIN_LETTERS and short in long


def measure_echo(one: str, other: str) -> float:
    """The share of its words that the shorter of two options has in common with the other, by the keys.

    Example:
        >>> measure_echo(make_key("breaks the strict rules of ethics"), make_key("it breaks ethical rules"))
        1.0
    """
    few, many = sorted((set(one.split()), set(other.split())), key=len)
    return len(few & many) / max(1, len(few))


def _is_misspelt(one: str, other: str) -> bool:
    """Whether one word is the other with a letter too many."""
    short, long = sorted((one, other), key=len)
    if len(short) < MIN_LETTERS or len(long) != len(short) + 1:
        return False
    return any(long[:place] + long[place + 1 :] == short for place in range(len(long)))
