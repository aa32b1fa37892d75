"""Where sentences end, also in text that has none."""

import re
from itertools import pairwise

# A sentence ends at . ! or ? (with closing quotes or brackets) before white space and a capital,
# a digit or an opening mark, or at a line break.
SENTENCE_END = re.compile(r"(?<=[.!?])[\"'”’)\]]*\s+(?=[\"'“‘(\[]*[A-Z0-9])|\n+")
# Text without sentence ends (a table, a list) still has to be cut somewhere.
MAX_SENTENCE_CHARS = 400


def split_sentences(text: str) -> list[str]:
    """Sentences of `text` in order, stripped; stretches without a sentence end are cut at spaces.

    Example:
        >>> split_sentences("Water boils at 373.15 K. Ice melts at 273.15 K.")
        ['Water boils at 373.15 K.', 'Ice melts at 273.15 K.']
    """
    ends = find_sentence_ends(text)
    sentences = (text[start:end].strip() for start, end in pairwise([0, *ends]))
    return [sentence for sentence in sentences if sentence]


def find_sentence_ends(text: str) -> list[int]:
    """Offsets behind each sentence of `text` and the white space after it; the last is its length.

    A stretch without a sentence end is cut at spaces into at most `MAX_SENTENCE_CHARS`.

    Example:
        >>> find_sentence_ends("Ice melts. Water boils.")
        [11, 23]
    """
    ends: list[int] = []
    start = 0
    for end in [*(match.end() for match in SENTENCE_END.finditer(text)), len(text)]:
        while end - start > MAX_SENTENCE_CHARS:
            space = text.rfind(" ", start, start + MAX_SENTENCE_CHARS) + 1
            start = space if space > start else start + MAX_SENTENCE_CHARS
            ends.append(start)
        if end > start:
            ends.append(end)
            start = end
    return ends
