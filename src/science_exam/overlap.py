"""How much of two texts is the same: Jaccard similarity of their runs of three words."""

import re

TRIPLE = 3
WORD = re.compile(r"\w+")


def word_triples(text: str) -> set[str]:
    """Runs of three lower-case words; a shorter text is one run.

    Example:
        >>> sorted(word_triples("Ice melts at 273 K"))
        ['at 273 k', 'ice melts at', 'melts at 273']
    """
    words = WORD.findall(text.lower())
    return {" ".join(words[start : start + TRIPLE]) for start in range(max(1, len(words) - TRIPLE + 1))}


def measure_overlap(a: set[str], b: set[str]) -> float:
    """Jaccard similarity of two sets that are not both empty, 0 to 1."""
    return len(a & b) / len(a | b)
