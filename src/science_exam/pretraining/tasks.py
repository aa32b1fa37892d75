"""Reading tasks: contexts, and questions about them with five options, made from articles at random.

What a base has to learn is not the articles but to use the context, so in many tasks the content
words of contexts, questions and options are replaced by random others beforehand: then the answer
can only be read. Every task is a `Question`, so it goes through the project's one prompt.
"""

import random
from collections.abc import Callable
from dataclasses import dataclass

from science_exam.errors import UserError
from science_exam.pretraining.articles import MIN_SENTENCES
from science_exam.pretraining.facts import holds_fact, make_fact, make_subject
from science_exam.pretraining.options import N_WRONG, Task, choose_wrong
from science_exam.pretraining.reading import Reading
from science_exam.pretraining.spans import make_cloze, make_continuation, make_lookup, make_phrase
from science_exam.pretraining.statements import make_definition, make_statement, make_variants
from science_exam.pretraining.words import Library, Place
from science_exam.prompt import Question

# Most contexts give a task within a few tries; far beyond that the articles cannot be what was meant.
MAX_TRIES = 500
FACT_TRIES = 40

Kind = Callable[[Reading, str, bool], Task | None]
# Those that few sentences fit come first: they choose theirs before the others do.
WEIGHTS: dict[Kind, float] = {
    make_definition: 0.2,
    make_fact: 0.12,
    make_subject: 0.08,
    make_statement: 0.14,
    make_variants: 0.24,
    make_continuation: 0.05,
    make_cloze: 0.09,
    make_lookup: 0.06,
    make_phrase: 0.05,
}
KINDS = tuple(WEIGHTS)


@dataclass(frozen=True)
class Mixture:
    """What tasks are like: the fields of the same names in `PretrainConfig`."""

    scramble_fraction: float
    same_context_fraction: float


@dataclass(frozen=True)
class _Plan:
    """What is decided of a question before the tries: else what fails often would become rare."""

    kind: int
    nearby: bool
    n_longer: int


def make_questions(
    library: Library, rng: random.Random, mixture: Mixture, n_words: int, n_questions: int
) -> list[Question]:
    """Random reading tasks on the same contexts, each on a sentence of its own.

    The right option's place is uniform, and so is the number of wrong options that are at least as
    long as it: it is strictly the longest in a fifth of the tasks.

    Args:
        library: the articles.
        rng: decides everything.
        mixture: shares of the sorts of tasks.
        n_words: words of all contexts together, about.
        n_questions: how many questions there are at most; there is at least one.

    Raises:
        UserError: the articles give no task, being too few or too short.
    """
    plans = sorted((_draw_plan(rng, mixture) for _ in range(n_questions)), key=lambda plan: plan.kind)
    scramble = rng.random() < mixture.scramble_fraction
    for _ in range(MAX_TRIES):
        reading = Reading(library, rng, n_words, scramble, _draw_anchors(library, rng, plans))
        if len(reading.sentences) >= MIN_SENTENCES and (questions := _ask_all(reading, plans)):
            rng.shuffle(questions)
            return questions
    raise UserError(f"articles: found no reading task in {MAX_TRIES} tries; give more or longer articles")


def _draw_anchors(library: Library, rng: random.Random, plans: list[_Plan]) -> list[Place]:
    """Sentences for the kinds that few sentences fit, or any sentence, in random order."""
    anchors = []
    for plan in plans:
        if KINDS[plan.kind] is make_definition:
            anchors.append(library.draw_definition(rng))
        elif KINDS[plan.kind] is make_fact:
            anchors.append(_draw_fact(library, rng))
    rng.shuffle(anchors)
    return anchors or [library.draw_sentence(rng)]


def _draw_fact(library: Library, rng: random.Random) -> Place:
    """A sentence that holds a fact; any, if that takes too long."""
    for _ in range(FACT_TRIES):
        number, place = library.draw_sentence(rng)
        if holds_fact(library.articles[number].sentences[place]):
            break
    return number, place


def _draw_plan(rng: random.Random, mixture: Mixture) -> _Plan:
    [kind] = rng.choices(range(len(KINDS)), WEIGHTS.values())
    return _Plan(kind, rng.random() < mixture.same_context_fraction, rng.randint(0, N_WRONG))


def _ask_all(reading: Reading, plans: list[_Plan]) -> list[Question]:
    """A question for each plan that a sentence is left for."""
    anchors = [anchor for anchor in reading.anchors if anchor in reading.sentences]
    others = reading.rng.sample(reading.sentences, len(reading.sentences))
    sentences = list(dict.fromkeys((*anchors, *others)))
    questions = []
    for plan in plans:
        for sentence in sentences:
            if question := _ask(reading, plan, sentence):
                questions.append(question)
                sentences.remove(sentence)
                break
    return questions


def _ask(reading: Reading, plan: _Plan, sentence: str) -> Question | None:
    task = KINDS[plan.kind](reading, sentence, plan.nearby)
    if not task or not (wrong := choose_wrong(task, plan.n_longer)):
        return None
    answer = reading.rng.randint(1, N_WRONG + 1)
    reading.rng.shuffle(wrong)
    options = (*wrong[: answer - 1], task.right, *wrong[answer - 1 :])
    return Question("reading task", task.prompt, options, answer, reading.contexts)
