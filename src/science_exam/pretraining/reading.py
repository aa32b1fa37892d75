"""Reading tasks: a context, a question about it and five options, made from articles at random.

What a base has to learn is not the articles but to use the context, so in most tasks the content
words of context, question and options are replaced by random others beforehand: the answer can
then only be read. Every task is a `Question` in the project's one prompt.
"""

import random
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import islice

from science_exam.prompt import Question
from science_exam.pretraining import wordings
from science_exam.pretraining.words import PIECE, Library, Replacement, draw_number

N_WRONG = 4
# A task is drawn again when no four wrong options fit its right one; sound articles need a few.
MAX_TRIES = 1000
MAX_CANDIDATES = 40
MARKS = " ,;:.!?()\"'“”"
DETERMINERS = frozenset(("a", "an", "the", "its", "their", "this", "these", "about", "roughly"))
MAX_STATEMENT_WORDS = 18


@dataclass(frozen=True)
class Task:
    """A question with its right option, and an endless supply of wrong ones.

    No wrong option may stand in `truth`, the text that makes the right one right.
    """

    prompt: str
    right: str
    truth: str
    wrong: Iterator[str]


@dataclass(frozen=True)
class Mixture:
    """What contexts and options are like: see the fields of the same names in `PretrainConfig`."""

    scramble_fraction: float
    same_context_fraction: float
    min_context_words: int
    max_context_words: int


class Reading:
    """A context to ask about, with sentences from elsewhere that went through the same changes."""

    def __init__(self, library: Library, rng: random.Random, n_words: tuple[int, int], scramble: bool):
        self.library, self.rng = library, rng
        self.sentence_end = rng.choice((".", ""))  # of every option that is a sentence
        self._article = rng.choice(library.articles)
        self._rewrite = Replacement(library, rng).rewrite if scramble else "".join
        self.sentences = self._draw_window(rng.randint(*n_words))
        pieces = [self.content(sentence) for sentence in self.sentences]
        self.words = [word for sentence in pieces for word in sentence]
        self._n_sentences = {w: sum(w in s for s in pieces) for w in set(self.words)}
