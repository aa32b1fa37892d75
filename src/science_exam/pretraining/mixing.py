"""Which kind of example comes next, by the phase of the schedule."""

import random
from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import replace
from itertools import accumulate

from science_exam.pretraining.asking import QuestionPool
from science_exam.pretraining.config import PhaseConfig, PretrainConfig
from science_exam.pretraining.examples import Example, Layout, Texts
from science_exam.pretraining.planting import Planter
from science_exam.pretraining.tasks import Mixture, make_questions
from science_exam.pretraining.words import Library


class ExampleMaker:
    """Draws an example for a step of the schedule; every choice comes from the given `rng`."""

    def __init__(
        self,
        texts: Texts,
        library: Library,
        layout: Layout,
        pool: QuestionPool | None,
        planter: Planter,
        config: PretrainConfig,
    ) -> None:
        """
        Args:
            texts: the articles as token ids.
            library: the articles as sentences.
            layout: how questions become examples.
            pool: the question set; None when no phase asks its questions.
            planter: makes contexts that state an answer.
            config: the stage's settings.
        """
        self._texts, self._library, self._layout = texts, library, layout
        self._pool, self._planter = pool, planter
        self._mixture = Mixture(config.scramble_fraction, config.same_context_fraction)
        self._n_words = (config.min_context_words, config.max_context_words)
        self._max_tokens, self._max_questions = config.max_tokens, config.max_questions
        self._phases, self._steps = config.phases, config.steps

    def __call__(self, rng: random.Random, step: int, left: int) -> Example:
        """An example of at most `left` tokens."""
        phase = find_phase(self._phases, step, self._steps)
        n_tokens = min(left, self._max_tokens)
        weights = (phase.text, phase.tasks, phase.questions, phase.stated)
        makers = (self._make_text, self._make_task, self._make_question, self._make_stated)
        [make] = rng.choices(makers, weights)
        example = make(rng, n_tokens)
        # Where a pack ends there is no room for a question, but always for text.
        return example if example.ids else self._make_text(rng, n_tokens)

    def _make_text(self, rng: random.Random, n_tokens: int) -> Example:
        return self._texts.draw(rng, n_tokens)

    def _make_task(self, rng: random.Random, n_tokens: int) -> Example:
        n_words, n_questions = rng.randint(*self._n_words), rng.randint(1, self._max_questions)
        questions = make_questions(self._library, rng, self._mixture, n_words, n_questions)
        return self._layout.lay_out(questions, n_tokens)

    def _make_question(self, rng: random.Random, n_tokens: int) -> Example:
        question = self._pool.draw(rng, rng.randint(*self._n_words))
        return replace(self._layout.lay_out([question], n_tokens), asked=True)

    def _make_stated(self, rng: random.Random, n_tokens: int) -> Example:
        questions = self._pool.pick(rng, rng.randint(1, self._max_questions))
        questions = self._planter.plant(questions, rng, rng.randint(0, self._n_words[1]))
        return self._layout.lay_out(questions, n_tokens)


def find_phase(phases: Sequence[PhaseConfig], step: int, steps: int) -> PhaseConfig:
    """The phase that a step of the schedule, counted from 0, belongs to."""
    ends = list(accumulate(phase.share for phase in phases))
    return phases[min(bisect_right(ends, step / steps * ends[-1]), len(phases) - 1)]
