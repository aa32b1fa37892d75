"""A block of consecutive passages, read once: its sentences, terms, facts and values."""

import random
import re
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from functools import lru_cache

from science_exam.questions.generation.engines import Passage
from science_exam.questions.generation.rules.cloze import Terms, blank_terms
from science_exam.questions.generation.rules.definitions import Definition, read_definition, read_glossary
from science_exam.questions.generation.rules.distractors import Pool
from science_exam.questions.generation.rules.items import Option, Question
from science_exam.questions.generation.rules.meanings import (
    ask_for_meaning,
    ask_for_term,
    offer_meaning,
    offer_terms,
    type_term,
)
from science_exam.questions.generation.rules.nearness import find_neighbours
from science_exam.questions.generation.rules.phrases import Casing, stem_content
from science_exam.questions.generation.rules.quantities import (
    ask_for_value,
    ask_for_year,
    collect_values,
    is_about_something,
)
from science_exam.questions.generation.rules.relations import read_answers, read_facts, read_persons
from science_exam.questions.generation.rules.sentences import select_sentences, split_sentences
from science_exam.questions.generation.rules.vocabulary import SCIENCE_STEMS

MIN_COMMON, MAX_SHARE_OF_PASSAGES = 10, 0.02  # with a word from which on it is an everyday one
MIN_SCIENCE_WORDS, MIN_SCIENCE_WORDS_OF_NUMBERS = 3, 6  # distinct, that a passage must have

# Numbers of an exercise are made up.
_EXERCISE = re.compile(
    r"\b(?:Solution|Exercises?|Try It|Example|Examples|Calculate|Solve|Check Your|Find the|How many"
    r"|How much|Suppose)\b"
)
_LOWERCASE = re.compile(r"\b[a-z]+\b")
# Types of facts that tell what they are about, whatever that is.
OF_ANYTHING = frozenset("person law name product".split())
_NAME = re.compile(r"(?<=[a-z,] )[A-Z][a-z]+\b")
_GLOSSARY = re.compile(r"(?:.* )?(?:Glossary|Key Terms)\b")


class Block:
    """What a block of passages offers to ask about, and to offer as wrong options."""

    def __init__(self, passages: Sequence[Passage]) -> None:
        self.passages = passages
        self.article_of = _number_articles(passages)
        self.n_passages_with = Counter(w for p in passages for w in set(_LOWERCASE.findall(p.text)))
        capitals = {name for p in passages for name in _NAME.findall(p.text)}
        self.casing = Casing(frozenset(self.n_passages_with), capitals)
        self.papers = {p.article_id for p in passages if p.section_path.startswith("Abstract")}
        self.sentences = [[] if is_glossary(p) else select_sentences(p.text) for p in passages]
        self.definitions = [self._define(p, s) for p, s in zip(passages, self.sentences, strict=True)]
        self.terms = Terms(d for found in self.definitions for d in found)
        self.defined = {stem_content(term) for term in self.terms.definitions}
        texts = ["" for _ in range(max(self.article_of, default=-1) + 1)]
        for passage, article in zip(passages, self.article_of, strict=True):
            texts[article] += passage.text + "\n"
        self.neighbours = find_neighbours(texts)
        self.pool = Pool()
        self.values: dict[int, dict[str, list[float]]] = defaultdict(lambda: defaultdict(list))
        for i in range(len(passages)):
            self._fill_pool(i)

    def _define(self, passage: Passage, sentences: Sequence[str]) -> list[Definition]:
        if is_glossary(passage):
            return list(read_glossary(passage.text, self.casing))
        return [d for s in sentences for d in read_definition(s, passage.title, self.casing)]

    def _fill_pool(self, i: int) -> None:
        article = self.article_of[i]
        for definition in self.definitions[i]:
            self.pool.add(*_place(offer_meaning(definition), article))
            self.pool.add(*_place(offer_terms(definition), article))
        if is_glossary(self.passages[i]):
            return
        for sentence in split_sentences(self.passages[i].text):
            for answer in read_answers(sentence, self.casing):
                self.pool.add(*_place(answer, article))
            for unit, value in collect_values(sentence):
                self.values[article][unit].append(value)
        for person in read_persons(self.passages[i].text):
            self.pool.add("person", article, person)

    def ask(self, i: int, rng: random.Random) -> Iterator[Question]:
        """Questions about passage `i`, without wrong options but for numbers."""
        passage = self.passages[i]
        for definition in self.definitions[i]:
            yield ask_for_term(definition, rng.randrange(6))
            yield ask_for_meaning(definition, rng.randrange(6))
        if (
            not self.sentences[i]
            or passage.article_id in self.papers
            or not is_scientific(passage.text, MIN_SCIENCE_WORDS)
        ):
            return
        for sentence in self.sentences[i]:
            yield from self._keep_known(read_facts(sentence, self.casing), passage.title)
            yield from filter(self._is_telling, blank_terms(sentence, self.terms))
        if is_scientific(passage.text, MIN_SCIENCE_WORDS_OF_NUMBERS) and not _EXERCISE.search(passage.text):
            for sentence in filter(is_about_something, self.sentences[i]):
                yield from self._ask_for_numbers(sentence, self.values[self.article_of[i]], rng)

    def _ask_for_numbers(self, sentence: str, nearby: dict, rng: random.Random) -> Iterator[Question]:
        """Questions for quantities, and for the year of what has more to do with science than a name."""
        if is_scientific(sentence, 1):
            yield from ask_for_value(sentence, nearby, rng)
        if is_scientific(sentence, 2):
            yield from ask_for_year(sentence, nearby, rng, self.casing)

    def _is_telling(self, question: Question) -> bool:
        """The term is not an everyday word of the block, such as "cell" in biology."""
        limit = max(MIN_COMMON, MAX_SHARE_OF_PASSAGES * len(self.passages))
        return self.n_passages_with[question.right.text.lower()] <= limit

    def _keep_known(self, questions: Iterable[Question], title: str) -> Iterator[Question]:
        """Questions about what has a definition or is in the article's title, if their type needs that.

        Answers that are terms take the type of their definition; those without one are left out.
        """
        for question in questions:
            subject, definitions = question.right.subject, self.terms.definitions
            if question.type == "term":
                if known := definitions.get(question.right.text.lower()):
                    yield replace(question, type=type_term(known[0]))
            elif _is_of_anything(question.type) or subject <= stem_content(title) or subject in self.defined:
                yield question


def _is_of_anything(type_: str) -> bool:
    return type_ in OF_ANYTHING or type_.endswith("genes")


def is_glossary(passage: Passage) -> bool:
    """Its lines are terms with their meanings."""
    return bool(_GLOSSARY.match(passage.section_path))


def is_scientific(text: str, n_words: int) -> bool:
    """At least so many different words of the sciences are in it."""
    return sum(map(_is_science_word, set(text.lower().split()))) >= n_words


@lru_cache(maxsize=100_000)
def _is_science_word(word: str) -> bool:
    return word.startswith(SCIENCE_STEMS)


def _number_articles(passages: Sequence[Passage]) -> list[int]:
    numbers: dict[str, int] = {}
    return [numbers.setdefault(passage.article_id, len(numbers)) for passage in passages]


def _place(offer: tuple[str, Option], article: int) -> tuple[str, int, Option]:
    return offer[0], article, offer[1]
