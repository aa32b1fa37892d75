"""Rows of a training set that give away an evaluation question. The evaluation wins: such a row goes.

Three looks, each at what the ones before let pass: the same prompt; near-duplicates by overlapping word
triples; paraphrases by sentence vectors, where there is an encoder.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from science_exam.questions.repeats.embeddings import Encode
from science_exam.questions.repeats.overlap_index import OverlapIndex
from science_exam.questions.repeats.wording import Row, join_options, list_content_words, normalise_text
from science_exam.tables import OPTION_COLUMNS

SAME_PROMPT = "same prompt as an evaluation question"
NEAR_DUPLICATE = "near-duplicate of an evaluation question"
PARAPHRASE = "paraphrase of an evaluation question"

# All chosen on real sets, with benchmarks/leak_check.py.
MIN_OVERLAP = 0.5  # of word triples, of prompts as of prompts with their options
# Of the words that say what a prompt is about: "What is the meaning of the term …" overlaps with its like
# by .6, and about two terms.
MIN_SHARED_WORDS = 0.7
MIN_PROMPT_COSINE = 0.82
# Of prompts whose options are alike as well; MIN_WHOLE_COSINE is that of prompts with their options.
MIN_KINDRED_COSINE, MIN_WHOLE_COSINE = 0.7, 0.85

ROWS_AT_ONCE = 1_024  # cosines with 15,000 evaluation questions: 61 MB


@dataclass(frozen=True)
class Leak:
    """Why a row must go.

    Attributes:
        reason: one of `SAME_PROMPT`, `NEAR_DUPLICATE` and `PARAPHRASE`.
        row: the evaluation question that it gives away, from 0.
        score: overlap of word triples or cosine, of what was alike; 1 for the same prompt.
    """

    reason: str
    row: int
    score: float


class LeakCheck:
    """What an evaluation set gives to recognise it by.

    Attributes:
        finds_paraphrases: whether there is an encoder.
    """

    def __init__(self, evaluation: pd.DataFrame | Sequence[Row], encode: Encode | None = None) -> None:
        """Index the evaluation questions.

        Args:
            evaluation: a questions table, or (prompt, options) of every question.
            encode: texts -> unit vectors (`embeddings.load_encoder`); None looks for no paraphrases.
        """
        rows = list_rows(evaluation) if isinstance(evaluation, pd.DataFrame) else list(evaluation)
        prompts, wholes = [prompt for prompt, _ in rows], [join_options(row) for row in rows]
        self._first = {
            name: number
            for number, (prompt, options) in reversed([*enumerate(rows)])
            for name in (_name_exactly(prompt, option) for option in options or [""])
        }
        self._words = [list_content_words(prompt) for prompt in prompts]
        self._prompts, self._wholes = OverlapIndex(prompts), OverlapIndex(wholes)
        self._encode = encode
        self.finds_paraphrases = encode is not None and bool(rows)
        if self.finds_paraphrases:
            self._prompt_vectors, self._whole_vectors = encode(prompts), encode(wholes)  # (evaluation, dim)
            self._says_what = np.array([bool(words) for words in self._words])

    def find(self, rows: Sequence[Row]) -> list[Leak | None]:
        """Why each row leaks, or None; the options' order does not matter."""
        leaks = self._find_same(rows)
        self._fill_in(leaks, rows, self._find_near)
        if self.finds_paraphrases:
            self._fill_in(leaks, rows, self._find_paraphrases)
        return leaks

    def _fill_in(self, leaks: list[Leak | None], rows: Sequence[Row], look) -> None:
        """Look at the rows without a leak so far, some at once."""
        rest = [place for place, leak in enumerate(leaks) if leak is None]
        for start in range(0, len(rest), ROWS_AT_ONCE):
            places = rest[start : start + ROWS_AT_ONCE]
            for place, leak in zip(places, look([rows[place] for place in places]), strict=True):
                leaks[place] = leak

    def _find_same(self, rows: Sequence[Row]) -> list[Leak | None]:
        found = [self._first.get(_name_exactly(prompt, *options[:1])) for prompt, options in rows]
        return [None if number is None else Leak(SAME_PROMPT, number, 1.0) for number in found]

    def _find_near(self, rows: Sequence[Row]) -> list[Leak | None]:
        near_prompts = self._prompts.find([prompt for prompt, _ in rows], MIN_OVERLAP)
        near_wholes = self._wholes.find([join_options(row) for row in rows], MIN_OVERLAP)
        leaks = []
        for (prompt, _), prompts, wholes in zip(rows, near_prompts, near_wholes, strict=True):
            own = list_content_words(prompt) if prompts else frozenset()
            alike = [(number, overlap) for number, overlap in prompts if self._shares_words(number, own)]
            best = max([*wholes, *alike], key=lambda pair: pair[1], default=None)
            leaks.append(None if best is None else Leak(NEAR_DUPLICATE, *best))
        return leaks

    def _shares_words(self, number: int, words: frozenset[str]) -> bool:
        """Whether a prompt is about the same; two prompts that are about nothing are not."""
        known = self._words[number]
        return len(known & words) >= MIN_SHARED_WORDS * max(1, len(known | words))

    def _find_paraphrases(self, rows: Sequence[Row]) -> list[Leak | None]:
        cosines = self._encode([prompt for prompt, _ in rows]) @ self._prompt_vectors.T  # (rows, evaluation)
        alone = np.where(self._says_what, cosines, -1)
        best = alone.argmax(axis=1)
        leaks: list[Leak | None] = [
            Leak(PARAPHRASE, int(number), float(score)) if score >= MIN_PROMPT_COSINE else None
            for number, score in zip(best, alone[np.arange(len(rows)), best], strict=True)
        ]
        kindred = cosines >= MIN_KINDRED_COSINE
        self._look_at_options(leaks, rows, kindred)
        return leaks

    def _look_at_options(self, leaks: list[Leak | None], rows: Sequence[Row], kindred: np.ndarray) -> None:
        """Encode rows with their options where the prompt resembles one without being close to it."""
        places = [place for place, leak in enumerate(leaks) if leak is None and kindred[place].any()]
        if not places:
            return
        vectors = self._encode([join_options(rows[place]) for place in places])
        wholes = np.where(kindred[places], vectors @ self._whole_vectors.T, -1)  # (places, evaluation)
        for place, scores in zip(places, wholes, strict=True):
            if scores.max() >= MIN_WHOLE_COSINE:
                leaks[place] = Leak(PARAPHRASE, int(scores.argmax()), float(scores.max()))


def list_rows(questions: pd.DataFrame) -> list[Row]:
    """Prompt and options of every question of a table, in its order."""
    options = questions[list(OPTION_COLUMNS)].to_numpy().tolist()
    return list(zip(questions["prompt"].tolist(), options, strict=True))


def _name_exactly(prompt: str, option: str = "") -> str:
    """The prompt without what does not count; with an option where it does not say what it is about."""
    name = normalise_text(prompt)
    return name if list_content_words(prompt) else f"{name}\n{normalise_text(option)}"
