"""Questions of a question set, asked with some of their retrieved contexts."""

import math
import random
from collections.abc import Sequence
from dataclasses import replace
from itertools import accumulate

import pandas as pd

from science_exam.errors import UserError
from science_exam.pretraining.config import PretrainConfig
from science_exam.pretraining.known_texts import KnownTexts
from science_exam.prompt import Question, join_contexts
from science_exam.sentences import split_sentences

# Passages a question is asked with: none too, since a base has to answer then as well.
N_PASSAGES = (0, 1, 1, 2, 2, 2, 3, 3, 4, 5)
# A reader must not take it for granted that the best passage comes first.
DISORDER = 0.3


class QuestionPool:
    """Questions that are drawn by weight, each time with other passages and another order of options."""

    def __init__(
        self,
        questions: Sequence[Question],
        groups: Sequence[str],
        weights: Sequence[float],
        refused: KnownTexts,
    ) -> None:
        """
        Args:
            questions: with all their passages, best first; at least one.
            groups: of each question; those of one group are about the same.
            weights: of each question.
            refused: texts whose sentences no context may hold.
        """
        self._questions, self._groups = list(questions), list(groups)
        self._cumulated = list(accumulate(weights))
        self._refused = refused

    def pick(self, rng: random.Random, n_questions: int = 1) -> list[Question]:
        """Questions of different groups as they are, with all their passages; fewer where groups repeat."""
        places = rng.choices(range(len(self._questions)), cum_weights=self._cumulated, k=n_questions)
        by_group = {self._groups[place]: self._questions[place] for place in places}
        return list(by_group.values())

    def draw(self, rng: random.Random, n_words: int) -> Question:
        """A question with a context of about `n_words` words at most."""
        [question] = self.pick(rng)
        question = shuffle_options(question, rng)
        passages = list(question.contexts[: rng.choice(N_PASSAGES)])
        if rng.random() < DISORDER:
            rng.shuffle(passages)
        return replace(question, contexts=cut_passages(passages, n_words, self._refused))


def shuffle_options(question: Question, rng: random.Random) -> Question:
    """The question with its options in random order, and its answer following."""
    order = rng.sample(range(len(question.options)), len(question.options))
    return replace(
        question,
        options=tuple(question.options[place] for place in order),
        answer=order.index(question.answer - 1) + 1,
    )


def cut_passages(passages: Sequence[str], n_words: int, refused: KnownTexts) -> tuple[str, ...]:
    """The first passages without refused sentences, and as much of the one that no longer fits as does."""
    kept: list[str] = []
    for passage in passages:
        sentences = []
        for sentence in split_sentences(passage):
            if refused.hold(sentence):
                continue
            n_words -= len(sentence.split())
            if n_words < 0:
                break
            sentences.append(sentence)
        if sentences:
            kept.append(" ".join(sentences))
        if n_words < 0:
            break
    return tuple(kept)


def split_questions(
    questions: pd.DataFrame, contexts: pd.DataFrame, config: PretrainConfig, refused: KnownTexts
) -> tuple[QuestionPool, list[Question]]:
    """Tables of a question set -> what is trained on, and the questions that are held out.

    Args:
        questions: a questions table; rows without an answer are left out.
        contexts: its contexts table.
        config: the stage's settings; says what is held out, and how often sources are drawn.
        refused: texts whose sentences no context may hold.

    Raises:
        UserError: a weight that is none, or of no source of the questions; no question to train on.
    """
    weights = _read_weights(config.source_weights, set(questions["source"]))
    questions = questions[questions["answer"].notna()]
    trained: list[tuple[Question, str, float]] = []
    held_out: list[Question] = []
    rows = zip(
        join_contexts(questions, contexts, max(N_PASSAGES)),
        questions["group"],
        questions["source"],
        strict=True,
    )
    for question, group, source in rows:
        # By group, so that no rewording of a held-out question is trained on.
        if random.Random(f"{config.seed}-{group}").random() < config.held_out_fraction:
            held_out.append(question)
        else:
            trained.append((question, group, weights.get(source, 1.0)))
    if not any(weight for *_, weight in trained):
        raise UserError("no question with an answer and a weight above 0 is left to train on")
    return QuestionPool(*zip(*trained, strict=True), refused), held_out


def _read_weights(words: Sequence[str], sources: set[str]) -> dict[str, float]:
    weights = {}
    for word in words:
        source, _, weight = word.rpartition("=")
        try:
            weights[source] = float(weight)
        except ValueError:
            weights[source] = math.nan
        if not 0 <= weights[source] < math.inf:
            raise UserError(f"source_weights: expected source=weight of 0 or more, found {word!r}")
        if source not in sources:
            raise UserError(f"source_weights: no source {source!r}; there are {', '.join(sorted(sources))}")
    return weights
