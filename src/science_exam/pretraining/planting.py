"""Questions of the question set whose answer the context states, whichever option it is.

A question that was asked before can be answered from memory, and then its context is not read. So
here the option that counts as right is drawn: a statement of it is planted among sentences of the
question's own passages, and other options stand there too, in answers to other questions. Whoever
reads, finds it; whoever remembers, fails.
"""

import random
from collections.abc import Sequence
from dataclasses import replace

from science_exam.pretraining.asking import shuffle_options
from science_exam.pretraining.known_texts import KnownTexts
from science_exam.pretraining.rewording import reword
from science_exam.pretraining.stating import SLOT, make_template
from science_exam.pretraining.words import PIECE, Library
from science_exam.prompt import Question
from science_exam.sentences import split_sentences

# Share of questions that keep their own answer, and with it all sentences of their passages.
TRUE_SHARE = 0.35
# Wrong options that are planted as well, and how many of them in a near miss of the question itself.
N_DECOYS, NEAR_MISS_SHARE = (0, 1, 2, 2, 3, 4), 0.35
# Words that a planted statement loses at most: of the question, of an option, of a long one. An option
# by a language model says more than its source does, so reading is to find the one that is nearest.
MAX_STEM_LOSS, MAX_OPTION_LOSS, MAX_LONG_LOSS = 0.4, 0.3, 0.6
LONG_WORDS = 10
MIN_LOSSY_WORDS = 5
# Words that stand in any of their forms.
INFLECTED_SHARE = 0.3
# Long statements that are planted as two sentences, with others between them.
PARTED_SHARE = 0.4
# From this share of its words on, a sentence is taken to state an option.
STATED_SHARE = 0.5


class Planter:
    """Makes contexts that state a drawn option of each question."""

    def __init__(self, library: Library, refused: KnownTexts) -> None:
        """
        Args:
            library: says which words carry matter.
            refused: texts whose sentences no context may hold.
        """
        self._library, self._refused = library, refused

    def plant(self, questions: Sequence[Question], rng: random.Random, n_words: int) -> list[Question]:
        """The questions with one context in common, each with the answer that it states.

        Args:
            questions: of different groups, each with its passages.
            rng: decides everything.
            n_words: that sentences of passages may have together, beside the planted ones.
        """
        asked, planted = [], []
        for number, question in enumerate(questions):
            question = shuffle_options(question, rng)
            truth = question.options[question.answer - 1]
            if rng.random() >= TRUE_SHARE:
                question = replace(question, answer=rng.randint(1, len(question.options)))
            others = [other.prompt for place, other in enumerate(questions) if place != number]
            planted += self._state(question, others, rng)
            planted += self._draw_sentences(question, truth, rng, n_words // len(questions))
            asked.append(question)
        rng.shuffle(planted)
        cut = rng.randint(0, len(planted))
        contexts = tuple(" ".join(part) for part in (planted[:cut], planted[cut:]) if part)
        return [replace(question, contexts=contexts) for question in asked]

    def _state(self, question: Question, others: list[str], rng: random.Random) -> list[str]:
        """The statement of the right option, and decoys with some of the wrong ones."""
        template, right = make_template(question.prompt, rng), question.options[question.answer - 1]
        wrong = [option for option in question.options if option != right]
        statements = self._write(template, right, rng)
        for option in rng.sample(wrong, min(rng.choice(N_DECOYS), len(wrong))):
            if others and rng.random() >= NEAR_MISS_SHARE:
                statements += self._write(make_template(rng.choice(others), rng), option, rng)
            elif miss := self._miss(template, rng):
                # The word that makes it another question has to stay.
                statements += self._write(miss, option, rng, max_stem_loss=0.0)
        return statements

    def _write(
        self, template: str, option: str, rng: random.Random, max_stem_loss: float = MAX_STEM_LOSS
    ) -> list[str]:
        """The template with the option in its slot, both with words missing and in other words."""
        words = option.rstrip(".").split(" ")
        is_long = len(words) >= LONG_WORDS
        words = _lose(words, rng, MAX_LONG_LOSS if is_long else MAX_OPTION_LOSS)
        rest: list[str] = []
        if is_long and rng.random() < PARTED_SHARE:
            middle = rng.randint(len(words) // 3, 2 * len(words) // 3)
            words, rest = words[:middle], words[middle:]
        told = reword(self._inflect(words, rng), rng, share=0.5)
        if not template.startswith(SLOT) and self._library.is_ordinary(told.split(" ", 1)[0].lower()):
            told = told[:1].lower() + told[1:]
        stem = self._inflect(_lose(template.split(" "), rng, max_stem_loss), rng)
        parts = [reword(stem, rng, share=0.5).replace(SLOT, told), self._inflect(rest, rng)]
        return [f"{part[:1].upper()}{part[1:]}." for part in map(str.strip, parts) if part]

    def _inflect(self, words: list[str], rng: random.Random) -> str:
        """The words as a text, some in another form: who asks when it ceased, reads that it ceases."""
        draw_form = self._library.draw_form
        return " ".join(draw_form(word, rng) if rng.random() < INFLECTED_SHARE else word for word in words)

    def _miss(self, template: str, rng: random.Random) -> str:
        """The template about something else: one of its words, or a few, exchanged."""
        pieces = PIECE.findall(template)
        places = [place for place, piece in enumerate(pieces) if self._library.is_content(piece)]
        for place in rng.sample(places, min(len(places), rng.randint(1, 3))):
            pieces[place] = self._library.draw_like(pieces[place], rng)
        return "".join(pieces) if places else ""

    def _draw_sentences(self, question: Question, truth: str, rng: random.Random, n_words: int) -> list[str]:
        """Sentences of the passages that do not state the true option where another one is right."""
        passages = question.contexts[: rng.randint(0, 3)]
        moved = question.options[question.answer - 1] != truth
        matter = self._matter(truth) - self._matter(question.prompt) if moved else set()
        sentences = []
        for sentence in (sentence for passage in passages for sentence in split_sentences(passage)):
            stated = matter and len(matter & self._matter(sentence)) >= STATED_SHARE * len(matter)
            n_words -= len(sentence.split())
            if n_words < 0:
                break
            if not stated and not self._refused.hold(sentence):
                sentences.append(sentence)
        return sentences

    def _matter(self, text: str) -> set[str]:
        return {word.lower() for word in self._library.list_content(text)}


def _lose(words: list[str], rng: random.Random, most: float) -> list[str]:
    """The words without some of them: a share drawn up to `most`; of few words none is lost."""
    if len(words) < MIN_LOSSY_WORDS:
        return words
    lost = set(rng.sample(range(len(words)), int(rng.random() * most * len(words))))
    return [word for place, word in enumerate(words) if place not in lost or SLOT in word]
