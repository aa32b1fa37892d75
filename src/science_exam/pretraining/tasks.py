"""Reading tasks: a context, a question about it and five options, made from articles at random.

What a base has to learn is not the articles but to use the context, so in most tasks the content
words of context, question and options are replaced by random others beforehand: then the answer
can only be read. Every task is a `Question`, so it goes through the project's one prompt.
"""

import random
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice

from science_exam.errors import UserError
from science_exam.pretraining.distractors import (
    similar_endings,
    similar_phrases,
    similar_spans,
    similar_statements,
)
from science_exam.pretraining.reading import Reading, has_digit
from science_exam.pretraining.words import PIECE, Library
from science_exam.prompt import Question

N_WRONG = 4
MAX_CANDIDATES = 40
MIN_SPLIT_WORDS = 8
# Most tasks succeed within a few tries; far beyond that the articles cannot be what was meant.
MAX_TRIES = 2000

GAP = "____"
GAP_WORDINGS = (
    "{}",
    "Fill the gap: {}",
    "Complete the sentence: {}",
    'Which words belong into the gap of "{}"?',
    "Which of the following fits the blank? {}",
    'What stands in place of the blank in "{}"?',
)
LOOKUP_WORDINGS = (
    "What is named together with {}?",
    "Which of these is connected with {}?",
    "In connection with {}, which of these is mentioned?",
    "Which of the following goes with {}?",
    "What belongs to {}?",
    "As to {}: what is stated?",
)
STATEMENT_WORDINGS = (
    "What is said about {}?",
    "Which statement about {} is correct?",
    "Which of the following statements about {} is true?",
    "What holds for {}?",
    "How is {} described?",
    "What do we learn about {}?",
)
CONTINUATION_WORDINGS = (
    'How does this sentence go on: "{} …"?',
    "{} …",
    'What follows after "{}"?',
    'Which ending completes "{}"?',
    "Which of the following continues: {} …",
)
PHRASE_WORDINGS = (
    "Which phrase stands in the text?",
    "Which of these is mentioned in the context?",
    "Which of the following can be found in the text above?",
    "What does the text contain?",
    "Which words were quoted from the context?",
)


@dataclass(frozen=True)
class Task:
    """A question with its right option and an endless supply of wrong ones.

    A candidate that stands in `truth`, the text that makes the right option right, is not wrong.
    """

    prompt: str
    right: str
    truth: str
    wrong: Iterator[str]


@dataclass(frozen=True)
class Mixture:
    """What tasks are like: the fields of the same names in `PretrainConfig`."""

    scramble_fraction: float
    same_context_fraction: float


def make_question(library: Library, rng: random.Random, mixture: Mixture, n_words: int) -> Question:
    """A random reading task with its one context.

    The right option's place is uniform, and so is the number of wrong options that are at least as
    long as it: it is strictly the longest in a fifth of the tasks.

    Args:
        library: the articles.
        rng: decides everything.
        mixture: shares of the sorts of tasks.
        n_words: words of context, about.

    Raises:
        UserError: the articles give no task, being too few or too short.
    """
    [kind] = rng.choices(KINDS, WEIGHTS)
    scramble = rng.random() < mixture.scramble_fraction
    nearby = rng.random() < mixture.same_context_fraction
    n_longer = rng.randint(0, N_WRONG)
    # All of the above is decided before the tries: else what fails often would become rare.
    for _ in range(MAX_TRIES):
        reading = Reading(library, rng, n_words, scramble)
        task = kind(reading, rng.choice(reading.sentences), nearby)
        if task and (wrong := choose_wrong(task, n_longer)):
            answer = rng.randint(1, N_WRONG + 1)
            rng.shuffle(wrong)
            options = (*wrong[: answer - 1], task.right, *wrong[answer - 1 :])
            return Question("reading task", task.prompt, options, answer, (reading.context,))
    raise UserError(
        f"articles: {kind.__name__} found no task in {MAX_TRIES} tries; give more or longer articles"
    )


def choose_wrong(task: Task, n_longer: int) -> list[str]:
    """Four wrong options, `n_longer` of them at least as long as the right one; [] if none fit."""
    truth, taken = task.truth.lower(), {task.right.lower()}
    longer, shorter = [], []
    for candidate in islice(task.wrong, MAX_CANDIDATES):
        key = candidate.lower()
        if len(candidate) >= len(task.right):
            side, wanted = longer, n_longer
        else:
            side, wanted = shorter, N_WRONG - n_longer
        if len(side) < wanted and key and key not in taken and key.rstrip(".") not in truth:
            taken.add(key)
            side.append(candidate)
            if len(longer) + len(shorter) == N_WRONG:
                return longer + shorter
    return []


def make_cloze(reading: Reading, sentence: str, nearby: bool) -> Task | None:
    """A span of 1-6 words is missing in a sentence, or in what stands around the gap."""
    right = _cut_answer(reading, sentence)
    if not right or sentence.count(right) > 1:
        return None
    before, after = (part.split(" ") for part in sentence.split(right))
    if reading.rng.random() < 0.4:
        before, after = before[-reading.rng.randint(4, 8) :], after[: reading.rng.randint(4, 8)]
    question = f"{' '.join(before)}{GAP}{' '.join(after)}"
    wrong = similar_spans(reading, right, sentence, nearby)
    return Task(_word(reading, GAP_WORDINGS, question), right, sentence, wrong)


def make_lookup(reading: Reading, sentence: str, nearby: bool) -> Task | None:
    """What stands in the sentence that holds these words? One of them stands in no other."""
    right = _cut_answer(reading, sentence)
    keys = [word for word in reading.own_words(sentence) if word not in right]
    if not right or not keys:
        return None
    key = reading.rng.choice(keys)
    rest = [word for word in reading.content(sentence) if word not in (key, *right.split(" "))]
    others = reading.rng.sample(rest, min(len(rest), reading.rng.randint(0, 3)))
    words = [key, *others]
    reading.rng.shuffle(words)
    question = " and ".join(filter(None, [", ".join(words[:-1]), words[-1]]))
    wrong = similar_spans(reading, right, sentence, nearby)
    return Task(_word(reading, LOOKUP_WORDINGS, question), right, sentence, wrong)


def make_statement(reading: Reading, sentence: str, nearby: bool) -> Task | None:
    """What is said about a word of one sentence? The options are statements.

    All of them name the word, or the right one does not: naming it must not give it away.
    """
    subjects = reading.own_words(sentence)
    right = reading.make_statement(sentence)
    if not subjects:
        return None
    subject = reading.rng.choice(subjects)
    named = subject in reading.content(right)
    if named and reading.rng.random() < 0.5:
        named, right = False, reading.close(_leave_out(right, subject))
    wrong = similar_statements(reading, right, sentence, nearby, subject if named else "")
    return Task(_word(reading, STATEMENT_WORDINGS, subject), right, sentence, wrong)


def make_continuation(reading: Reading, sentence: str, nearby: bool) -> Task | None:
    """How does the sentence go on after its first half?"""
    words = sentence.split(" ")
    if len(words) < MIN_SPLIT_WORDS:
        return None
    cut = reading.rng.randint(len(words) // 3, 2 * len(words) // 3)
    first, right = " ".join(words[:cut]), reading.close(" ".join(words[cut:]), capital=False)
    wrong = similar_endings(reading, right, sentence, nearby)
    return Task(_word(reading, CONTINUATION_WORDINGS, first), right, sentence, wrong)


def make_phrase(reading: Reading, sentence: str, nearby: bool) -> Task | None:
    """Which phrase stands in the context?"""
    right = reading.cut_span(sentence, reading.rng.randint(1, 8))
    if not right:
        return None
    wrong = similar_phrases(reading, right, sentence, nearby)
    return Task(reading.rng.choice(PHRASE_WORDINGS), right, reading.context, wrong)


KINDS = (make_cloze, make_lookup, make_statement, make_continuation, make_phrase)
WEIGHTS = (0.25, 0.25, 0.25, 0.1, 0.15)


def _leave_out(text: str, word: str) -> str:
    return " ".join(part for part in text.split(" ") if word not in PIECE.findall(part))


def _word(reading: Reading, wordings: tuple[str, ...], text: str) -> str:
    return reading.rng.choice(wordings).format(text)


def _cut_answer(reading: Reading, sentence: str) -> str:
    """A span of 1-6 words; with a number in it where there is one and a coin says so."""
    numeric = has_digit(sentence) and reading.rng.random() < 0.5
    return reading.cut_span(sentence, reading.rng.randint(1, 3 if numeric else 6), numeric)
