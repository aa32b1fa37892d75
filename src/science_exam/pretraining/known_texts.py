"""Sentences of the evaluation's contexts: nothing that is trained on may hold one."""

from collections.abc import Iterator, Sequence
from pathlib import Path

import pandas as pd

from science_exam.errors import UserError
from science_exam.overlap import WORD
from science_exam.sentences import split_sentences

# A sentence is known when so many of its words in a row are; of shorter ones down to the minimum, all.
SHARED_WORDS, MIN_SENTENCE_WORDS = 8, 6


class KnownTexts:
    """Texts in which sentences are looked up, as lower-case words without punctuation."""

    def __init__(self, texts: Sequence[str]) -> None:
        self._runs: set[tuple[str, ...]] = set()  # of `SHARED_WORDS` words
        self._sentences: set[tuple[str, ...]] = set()  # those that are too short for a run
        for text in dict.fromkeys(texts):
            self._runs.update(_list_runs(_list_words(text)))
            sentences = (tuple(_list_words(sentence)) for sentence in split_sentences(text))
            self._sentences.update(words for words in sentences if len(words) < SHARED_WORDS)

    def hold(self, sentence: str) -> bool:
        """True when eight words of the sentence stand in one of the texts in this order.

        Of a sentence of six or seven words all have to be a sentence there; shorter ones ("See also.")
        stand in many texts without being taken from one.
        """
        if not self._runs:
            return False
        words = _list_words(sentence)
        if len(words) < SHARED_WORDS:
            return len(words) >= MIN_SENTENCE_WORDS and tuple(words) in self._sentences
        return any(run in self._runs for run in _list_runs(words))


def _list_words(text: str) -> list[str]:
    return WORD.findall(text.lower())


def _list_runs(words: list[str]) -> Iterator[tuple[str, ...]]:
    return zip(*(words[start:] for start in range(SHARED_WORDS)), strict=False)


def read_evaluation(paths: Sequence[Path]) -> KnownTexts:
    """The contexts of evaluation questions.

    Args:
        paths: CSV files with a `context` column.

    Raises:
        UserError: a file that is missing, or without that column.
    """
    return KnownTexts([text for path in paths for text in _read_contexts(path)])


def _read_contexts(path: Path) -> list[str]:
    if not path.is_file():
        raise UserError(f"{path}: no such file; name a CSV file of questions with a context column")
    try:
        return pd.read_csv(path, usecols=["context"], encoding="utf-8-sig")["context"].dropna().tolist()
    except ValueError as error:
        raise UserError(f"{path}: expected a CSV file with a context column: {error}") from None
