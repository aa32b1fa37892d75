"""Articles -> passages: whole sentences up to a token budget, with their title and headings in front.

Passages never cross a heading. A section that exceeds the budget is cut into as few passages as the
budget allows, all of about the same length, and neighbours share their border sentences, so that an
answer at a cut is whole in one of them.
"""

import hashlib
import re
from bisect import bisect_left
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import accumulate, pairwise

from science_exam.corpus.articles import PATH_SEPARATOR, Article
from science_exam.errors import UserError
from science_exam.sentences import find_sentence_ends

WORD = re.compile(r"\w+|[^\w\s]")
MIN_ROOM = 0.5  # of the budget that the text keeps, however long title and headings are

CountTokens = Callable[[str], int]


@dataclass(frozen=True)
class Passage:
    """One row of the passages table; `text` begins with a line of title and section path."""

    passage_id: str
    article_id: str
    title: str
    section_path: str
    text: str
    n_tokens: int


def count_words(text: str) -> int:
    """Words and signs of a text: a token count that needs no tokenizer's files.

    Llama-3 makes about 1.2 tokens of one, MiniLM about 1.1 (English science text).
    """
    return len(WORD.findall(text))


def load_token_counter(tokenizer: str) -> CountTokens:
    """A function that counts a text's tokens.

    Args:
        tokenizer: a folder or hub id of a Hugging Face tokenizer; empty counts words and signs.

    Raises:
        UserError: there is no such tokenizer.
    """
    if not tokenizer:
        return count_words
    from transformers import AutoTokenizer

    try:
        encode = AutoTokenizer.from_pretrained(tokenizer)
    except (OSError, ValueError) as error:
        raise UserError(
            f"tokenizer {tokenizer!r}: cannot be loaded ({error}); expected a folder or a hub id"
        ) from None
    return lambda text: len(encode(text, add_special_tokens=False, verbose=False)["input_ids"])


def split_article(
    article: Article, max_tokens: int, overlap_tokens: int, count_tokens: CountTokens = count_words
) -> Iterator[Passage]:
    """Yield the passages of an article in reading order.

    Args:
        article: with clean sections; white space around sentences is kept inside a passage.
        max_tokens: the budget of a passage, its first line of title and headings included. Only a
            first line longer than half the budget makes a passage exceed it.
        overlap_tokens: how much of its end a passage shares with the next, in whole sentences.
        count_tokens: how tokens are counted.
    """
    for section in article.sections:
        head = PATH_SEPARATOR.join(part for part in (article.title, section.path) if part)
        head_tokens = count_tokens(head)
        room = max(max_tokens - head_tokens, int(MIN_ROOM * max_tokens))
        ends = _cut_sentences(section.text, room, count_tokens)
        counts = [count_tokens(section.text[start:end]) for start, end in pairwise(ends)]
        for first, last in fill_windows(counts, room, overlap_tokens):
            body = section.text[ends[first] : ends[last]].strip()
            if not body:
                continue
            text = f"{head}\n{body}" if head else body
            yield Passage(
                passage_id=_hash_passage(article.source, article.title, section.path, body),
                article_id=article.article_id,
                title=article.title,
                section_path=section.path,
                text=text,
                n_tokens=head_tokens + sum(counts[first:last]),
            )


def _cut_sentences(text: str, room: int, count_tokens: CountTokens) -> list[int]:
    """0 and the offset behind each sentence; a sentence that exceeds the room is halved at spaces."""
    cuts = [0]
    for end in find_sentence_ends(text):
        cuts += _halve(text, cuts[-1], end, room, count_tokens)
    return cuts


def _halve(text: str, start: int, end: int, room: int, count_tokens: CountTokens) -> list[int]:
    """Offsets that cut text[start:end] into pieces of at most `room` tokens; the last is `end`."""
    if end - start <= 1 or count_tokens(text[start:end]) <= room:
        return [end]
    middle = (start + end) // 2
    space = text.rfind(" ", start, middle) + 1
    cut = space if space > start else middle
    return [
        *_halve(text, start, cut, room, count_tokens),
        *_halve(text, cut, end, room, count_tokens),
    ]


def fill_windows(counts: list[int], room: int, overlap: int) -> list[tuple[int, int]]:
    """Windows [first, last) over sentences of `counts` tokens: few, within the room, evenly filled.

    Example:
        >>> fill_windows([4, 4, 4, 4, 4], room=12, overlap=4)  # not 12 and 8 + 4: 12 and 12
        [(0, 3), (2, 5)]
        >>> fill_windows([5, 5, 5, 5], room=15, overlap=0)  # not 15 and 5: 10 and 10
        [(0, 2), (2, 4)]
    """
    if not counts:
        return []
    fewest = len(_fill(counts, room, overlap))
    # The smallest room that still makes as few windows: greedy filling with it leaves no stub.
    # More room hardly ever makes more windows, so halving finds it, and never takes one with more.
    even = bisect_left(range(room), -fewest, lo=1, key=lambda size: -len(_fill(counts, size, overlap)))
    return _fill(counts, even, overlap)


def _fill(counts: list[int], room: int, overlap: int) -> list[tuple[int, int]]:
    """Greedy windows: as many sentences as fit, then back by the sentences that fit the overlap."""
    total = [0, *accumulate(counts)]
    windows, first = [], 0
    while True:
        last = first + 1
        while last < len(counts) and total[last + 1] - total[first] <= room:
            last += 1
        windows.append((first, last))
        if last == len(counts):
            return windows
        shared = last
        # A window must bring something new, so the overlap gives way to the next sentence.
        while (
            shared - 1 > first
            and total[last] - total[shared - 1] <= overlap
            and total[last + 1] - total[shared - 1] <= room
        ):
            shared -= 1
        first = shared


def _hash_passage(*parts: str) -> str:
    """64 bits of SHA-256: of 40 million passages, two share one with a chance of 1 in 20,000."""
    return hashlib.sha256("\x1f".join(parts).encode()).hexdigest()[:16]
