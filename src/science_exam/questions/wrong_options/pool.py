"""Options of many questions, and which of them stand near a given question."""

import math
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from random import Random

import numpy as np

from science_exam.questions.drafts import Draft
from science_exam.questions.wrong_options.option_references import refers_to_others
from science_exam.questions.wrong_options.option_types import Lexicon, OptionType, describe_option
from science_exam.questions.wrong_options.prompt_forms import asks_for_exception, read_frame
from science_exam.questions.wrong_options.sameness import make_key
from science_exam.retrieval.hits import NO_ROW
from science_exam.retrieval.lexical import LexicalIndex
from science_exam.retrieval.postings import count_postings
from science_exam.retrieval.terms import split_terms

PROMPT_CHARS = 300  # the question proper stands at the end of a prompt, behind its story
NEAR_QUESTIONS = 50  # whose options are looked at, for each question
MAX_SIBLINGS = 20  # questions with a given option that are looked at
MAX_FITTING = 50  # questions an option is right in that are looked at
MAX_PROMPTS = 2  # an option is right in whose meaning is looked at
MAX_CACHED_TEXTS = 1 << 16  # 100 MB of vectors of 384 numbers

Encoder = Callable[[Sequence[str]], np.ndarray]


@dataclass(frozen=True)
class PooledQuestion:
    """A question whose options others may borrow.

    Attributes:
        asked: the prompt's end.
        terms: of the prompt's end.
        frame: what a clause must fit to answer it, see `read_frame`; "story" where it needs one told before.
        options: those that stand on their own.
        keys: of the options.
        right: key of the right one.
        fitting: the keys that the prompt holds for: the right one, or all others where the exception is
            asked for.
    """

    asked: str
    terms: frozenset[str]
    frame: str
    options: tuple[str, ...]
    keys: tuple[str, ...]
    right: str
    fitting: frozenset[str]

    @classmethod
    def of(cls, draft: Draft) -> "PooledQuestion":
        """What a draft can lend."""
        usable = tuple(text for text in draft.options if text.strip() and not refers_to_others(text))
        keys, right = tuple(map(make_key, usable)), make_key(draft.right)
        right_fits = not asks_for_exception(draft.prompt)
        return cls(
            asked=draft.prompt[-PROMPT_CHARS:],
            terms=read_terms(draft.prompt),
            frame="story" if len(draft.prompt) > PROMPT_CHARS else read_frame(draft.prompt),
            options=usable,
            keys=keys,
            right=right,
            fitting=frozenset(key for key in keys if (key == right) == right_fits),
        )


@dataclass
class Candidate:
    """An option of other questions.

    Attributes:
        text: as it is written there.
        topic: how near the nearest of its questions is, 0 to 1.
        siblings: options of the question that it stands beside elsewhere.
        denied: it is wrong where the right option of the question is right.
        frames: of its questions.
    """

    text: str
    topic: float = 0.0
    siblings: set[str] = field(default_factory=set)
    denied: bool = False
    frames: set[str] = field(default_factory=set)


class OptionPool:
    """Options of many questions, about 3 KB a question."""

    def __init__(self, drafts: Sequence[Draft], encoder: Encoder | None = None) -> None:
        self.questions = [PooledQuestion.of(draft) for draft in drafts]
        self.lexicon = Lexicon.learn(text for draft in drafts for text in (draft.prompt, *draft.options))
        self.encoder = encoder
        self._index = LexicalIndex([count_postings(map(_make_query, drafts))])
        self._holding: dict[str, list[int]] = defaultdict(list)
        self._fitting: dict[str, list[int]] = defaultdict(list)
        frequencies: Counter[str] = Counter()
        for number, question in enumerate(self.questions):
            frequencies.update(question.terms)
            for key in question.keys:
                self._holding[key].append(number)
            for key in question.fitting:
                self._fitting[key].append(number)
        self._rarest = math.log(1 + len(drafts))
        self._weights = {term: math.log(1 + len(drafts) / n) for term, n in frequencies.items()}
        self._types: dict[str, OptionType] = {}
        self._vectors: dict[str, np.ndarray] = {}
        self._of_form: dict[OptionType, list[str]] = defaultdict(list)
        for question in self.questions:
            for text in question.options:
                self._of_form[describe_option(text, self.lexicon).form_alone].append(text)

    @classmethod
    def build(
        cls, drafts: Iterable[Draft], max_drafts: int, seed: int, encoder: Encoder | None = None
    ) -> "OptionPool":
        """Collect the options of at most `max_drafts` drafts, drawn at random.

        Args:
            drafts: taken one by one.
            max_drafts: bounds the memory.
            seed: of the draw.
            encoder: texts -> unit vectors, float32 (texts, d), to tell synonyms; None goes by words alone.

        Source of the draw: Vitter, Random sampling with a reservoir (1985), algorithm R.
        """
        rng, kept = Random(seed), []
        for number, draft in enumerate(drafts):
            if number < max_drafts:
                kept.append(draft)
            elif (place := rng.randrange(number + 1)) < max_drafts:
                kept[place] = draft
        return cls(kept, encoder)

    def describe(self, text: str) -> OptionType:
        """The type of an option, worked out at the text's first sight."""
        if text not in self._types:
            if len(self._types) >= MAX_CACHED_TEXTS:
                self._types.clear()
            self._types[text] = describe_option(text, self.lexicon)
        return self._types[text]

    def encode(self, texts: Iterable[str]) -> dict[str, np.ndarray]:
        """Unit vectors by text, each text encoded once; needs an encoder."""
        texts = list(dict.fromkeys(texts))
        if len(self._vectors) + len(texts) > MAX_CACHED_TEXTS:
            self._vectors.clear()
        if new := [text for text in texts if text not in self._vectors]:
            self._vectors.update(zip(new, self.encoder(new), strict=True))
        return {text: self._vectors[text] for text in texts}

    def find_candidates(self, drafts: Sequence[Draft]) -> list[dict[str, Candidate]]:
        """Options of questions that are near each draft, or share an option with it, by key."""
        if not self.questions:
            return [{} for _ in drafts]
        hits = self._index.search([_make_query(draft) for draft in drafts], NEAR_QUESTIONS)
        return [
            self._gather(draft, dict(zip(rows[rows != NO_ROW].tolist(), scores.tolist(), strict=False)))
            for draft, rows, scores in zip(drafts, hits.rows, hits.scores, strict=True)
        ]

    def _gather(self, draft: Draft, near: dict[int, float]) -> dict[str, Candidate]:
        own = dict.fromkeys(map(make_key, draft.options))
        right = make_key(draft.right)
        best = max(near.values(), default=1.0)
        for key in own:
            for number in self._holding.get(key, ())[:MAX_SIBLINGS]:
                near.setdefault(number, 0.0)
        found: dict[str, Candidate] = {}
        for number, score in near.items():
            question = self.questions[number]
            shared = own.keys() & set(question.keys)
            for key, text in zip(question.keys, question.options, strict=True):
                candidate = found.setdefault(key, Candidate(text))
                candidate.topic = max(candidate.topic, score / best)
                candidate.siblings |= shared
                candidate.denied |= question.right == right and key not in question.fitting
                candidate.frames.add(question.frame)
        return {key: candidate for key, candidate in found.items() if key not in own}

    def draw_alike(self, found: OptionType, rng: Random, n_draws: int) -> dict[str, Candidate]:
        """Options of the same form from anywhere in the pool, by key."""
        texts = self._of_form.get(found.form_alone, [])
        drawn = rng.sample(texts, min(n_draws, len(texts)))
        return {make_key(text): Candidate(text) for text in drawn}

    def measure_fit(self, key: str, terms: frozenset[str]) -> tuple[float, float]:
        """How much of a prompt's terms, by weight, questions have for which an option holds, 0 to 1.

        Returns:
            what the likest of these questions has, and what all have together.
        """
        weights = {term: self._weights.get(term, self._rarest) for term in terms}
        shared = [terms & self.questions[number].terms for number in self._fitting.get(key, ())[:MAX_FITTING]]
        total = math.fsum(weights.values()) or 1.0

        def weigh(some: Iterable[str]) -> float:
            return math.fsum(weights[term] for term in some) / total  # exact: sets have no order

        return max(map(weigh, shared), default=0.0), weigh(frozenset().union(*shared))

    def list_prompts(self, key: str) -> list[str]:
        """The ends of a few prompts that an option holds for."""
        return [self.questions[number].asked for number in self._fitting.get(key, ())[:MAX_PROMPTS]]


def read_terms(prompt: str) -> frozenset[str]:
    """The search terms of a prompt's end, where the question itself is."""
    return frozenset(split_terms(prompt[-PROMPT_CHARS:]))


def _make_query(draft: Draft) -> str:
    return " ".join([draft.prompt[-PROMPT_CHARS:], *draft.options])
