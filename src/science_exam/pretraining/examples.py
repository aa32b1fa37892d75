"""Examples as token ids: stretches of articles, reading tasks, and questions with their contexts."""

import random
from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import accumulate, pairwise
from typing import NamedTuple

import numpy as np
from transformers import PreTrainedTokenizerBase

from science_exam.pretraining.articles import Article
from science_exam.pretraining.encoding import Encoder
from science_exam.pretraining.tokenizer import find_decision
from science_exam.prompt import INPUT_END, Question, build_input, build_prompt, find_option_ends

# A further question about the same context, behind the answer to the one before.
NEXT_INPUT = "\n\n### Input:\n"
CHARS_PER_BATCH = 4_000_000  # of text that is tokenized at a time


class Answer(NamedTuple):
    """Places in an example: the token that answers, the tokens behind each option; `right` is 0-4."""

    place: int
    options: tuple[int, ...]
    right: int


@dataclass(frozen=True)
class Example:
    """One document."""

    ids: Sequence[int]
    answers: list[Answer] = field(default_factory=list)
    asked: bool = False  # a question of the question set, with contexts as retrieved; not a task made here


class Texts:
    """All articles as one array of token ids; examples are stretches of it."""

    def __init__(self, articles: Sequence[Article], tokenizer: PreTrainedTokenizerBase) -> None:
        self._begin = tokenizer.bos_token_id
        self._ids = np.concatenate([_tokenize(batch, tokenizer) for batch in _batch(articles)])

    def __len__(self) -> int:
        """Tokens of all articles together."""
        return len(self._ids)

    def draw(self, rng: random.Random, n_tokens: int) -> Example:
        """A stretch of that length behind a begin token; it may run on into the next article."""
        start = rng.randrange(len(self._ids))
        stretch = self._ids.take(range(start, start + n_tokens - 1), mode="wrap")
        return Example([self._begin, *stretch.tolist()])


def _batch(articles: Sequence[Article]) -> list[list[Article]]:
    """The articles in lists of about `CHARS_PER_BATCH`."""
    sizes = accumulate(sum(map(len, article.sections)) for article in articles)
    batches: dict[int, list[Article]] = {}
    for article, size in zip(articles, sizes, strict=True):
        batches.setdefault(size // CHARS_PER_BATCH, []).append(article)
    return list(batches.values())


def _tokenize(articles: list[Article], tokenizer: PreTrainedTokenizerBase) -> np.ndarray:
    """Ids (uint16) of all articles, each closed by the end token."""
    texts = ["\n".join([article.title, *article.sections]) for article in articles]
    encoded = tokenizer(texts, add_special_tokens=False)["input_ids"]
    return np.concatenate([np.array([*ids, tokenizer.eos_token_id], np.uint16) for ids in encoded])


class Layout:
    """Questions about one context -> an example: the project's prompt, its answer, and further questions."""

    def __init__(self, tokenizer: PreTrainedTokenizerBase) -> None:
        self._begin, self._encoder = tokenizer.bos_token_id, Encoder(tokenizer)
        self._completions = find_decision(tokenizer)

    def lay_out(self, questions: Sequence[Question], max_tokens: int) -> Example:
        """The example of as many of the questions as fit; empty when none does.

        Args:
            questions: all with the same contexts.
            max_tokens: of the whole example.
        """
        ids: list[int] = []
        answers: list[Answer] = []
        for question in questions:
            new, options = self._encode(question, first=not answers)
            completion = self._completions.ids[question.answer - 1]
            start = len(ids)
            if start + len(new) + len(completion) > max_tokens:
                break
            ids += [*new, *completion]
            answers.append(
                Answer(
                    place=start + len(new) + self._completions.decision,
                    options=tuple(start + place for place in options),
                    right=question.answer - 1,
                )
            )
        return Example(ids, answers)

    def _encode(self, question: Question, first: bool) -> tuple[list[int], list[int]]:
        """Ids of the question up to its answer, and the places of the tokens behind each option."""
        if first:
            text, ids = build_prompt(question, "\n".join(question.contexts)), [self._begin]
        else:
            text, ids = NEXT_INPUT + build_input(question) + INPUT_END, []
        places = []
        # A line break parts tokens, so what is between two options' ends can be encoded alone.
        for start, end in pairwise([0, *find_option_ends(question, text), len(text)]):
            ids += self._encoder.encode(text[start:end])
            places.append(len(ids))
        return ids, places[:-1]
