"""Tasks whose options are statements or definitions, often long ones, most of them near copies."""

from collections.abc import Callable, Iterator

from science_exam.pretraining.options import Task, draw_wrong
from science_exam.pretraining.reading import Reading
from science_exam.pretraining.rewording import reshape, reword
from science_exam.pretraining.sentences import BEING, PLURAL, Clause, find_definition

MIN_STATEMENT_WORDS, MAX_STATEMENT_WORDS = 15, 45
BASE_TRIES = 4
# 0: all wrong options are near misses of the right one.
STATEMENT_NOVELTY, DEFINITION_NOVELTY = 3.0, 2.0
VARIANTS_NOVELTIES = (0.0, 0.0, 0.0, 0.6)
# Shares of synonyms and small words that are exchanged; 0 leaves near copies of one wording.
REWORD_SHARES = (0.0, 0.3, 0.5, 0.8)
JOIN_SHARE, SKIP_SHORT_SHARE, PRONOUN_SHARE, WHOLE_DEFINITION_SHARE = 0.3, 0.7, 0.35, 0.3
# Few sentences of a context are definitions, so these are tried more often than they succeed.
NEARBY_DEFINITION_SHARE = 0.6
JOINTS = ("; ", ", and ", ", while ", ". ")

STATEMENT_WORDINGS = (
    "What is said about {}?",
    "Which statement about {} is correct?",
    "Which of the following statements about {} is true?",
    "What holds for {}?",
    "How does the text describe {}?",
    "What do we learn about {}?",
    "Which of the following statements accurately describes {}?",
    "Which statement accurately describes {}?",
    "What is true of {}?",
    "According to the text, what is known about {}?",
)
OPEN_WORDINGS = (
    "Which of the following statements is correct?",
    "Which statement is supported by the text?",
    "According to the text, which of the following is true?",
    "Which of these statements agrees with the context?",
    "What does the text say?",
)
PLAIN_WORDING_SHARE = 0.45  # "What is X?"
DEFINITION_WORDINGS = (
    "What is meant by {}?",
    "Which of the following best describes {}?",
    "Which of the following describes {}?",
    "What does the term {} refer to?",
    "How can {} be defined?",
    "Which definition of {} is correct?",
    "What is the definition of {}?",
)


def make_statement(reading: Reading, sentence: str, nearby: bool) -> Task | None:
    """What is said about the subject, or a word, of one sentence? Wrong: what is said of others."""
    clause = reading.parse(sentence)
    if clause:
        return _ask_statement(reading, sentence, clause, nearby, STATEMENT_NOVELTY)
    words = reading.own_words(sentence)
    reading.rng.shuffle(words)
    subject = next((word for word in words if reading.is_thing(word, sentence)), "")
    if not subject:
        return None
    right = shape(reading, sentence)
    named = subject in reading.content(right)

    def draw_other() -> str:
        other = shape(reading, reading.draw_other(sentence) if nearby else reading.draw_elsewhere())
        return reading.put_in(other, subject) if named else other

    spared = subject if named else ""
    wrong, right = _dress_all(reading, right, draw_other, nearby, STATEMENT_NOVELTY, spared)
    return Task(reading.word(STATEMENT_WORDINGS, subject), right, sentence, wrong)


def make_variants(reading: Reading, sentence: str, nearby: bool) -> Task | None:
    """Which statement is correct? Wrong: near misses of the right one, or of one another."""
    if sentence.count(" ") < MIN_STATEMENT_WORDS and reading.rng.random() < SKIP_SHORT_SHARE:
        return None
    novelty = reading.rng.choice(VARIANTS_NOVELTIES)
    clause = reading.parse(sentence)
    joins = reading.rng.random() < JOIN_SHARE
    if clause and not joins:
        return _ask_statement(reading, sentence, clause, nearby, novelty)
    truth, right = sentence, shape(reading, sentence)
    if joins:
        other = reading.draw_other(sentence)
        truth = f"{sentence} {other}"
        right = _join(reading, right, shape(reading, other))

    def draw_other() -> str:
        return shape(reading, reading.draw_other(sentence) if nearby else reading.draw_elsewhere())

    wrong, right = _dress_all(reading, right, draw_other, nearby, novelty)
    return Task(reading.rng.choice(OPEN_WORDINGS), right, truth, wrong)


def make_definition(reading: Reading, sentence: str, nearby: bool) -> Task | None:
    """What is X? Wrong: what other things are, and near misses."""
    clause = reading.parse(sentence)
    right = find_definition(clause) if clause else ""
    if not right:
        return None
    n_words = reading.rng.randint(MIN_STATEMENT_WORDS, MAX_STATEMENT_WORDS)
    lead = f"{clause.subject} {clause.verb} " if reading.rng.random() < WHOLE_DEFINITION_SHARE else ""

    def phrase(definition: str) -> str:
        return lead + reading.lower(reshape(definition, reading.rng, n_words, reading.lower))

    def draw_other() -> str:
        for _ in range(BASE_TRIES):
            near = nearby and reading.rng.random() < NEARBY_DEFINITION_SHARE
            other = reading.parse(reading.draw_other(sentence) if near else reading.draw_defining())
            if other and other.agrees(clause) and (definition := find_definition(other)):
                return phrase(definition)
        return ""

    wrong, option = _dress_all(reading, phrase(right), draw_other, nearby, DEFINITION_NOVELTY, lead)
    subject = reading.lower(clause.subject)
    verb = clause.verb if clause.verb in BEING else "is"
    plain = reading.rng.random() < PLAIN_WORDING_SHARE
    prompt = f"What {verb} {subject}?" if plain else reading.word(DEFINITION_WORDINGS, subject)
    return Task(prompt, option, sentence, wrong)


def shape(reading: Reading, sentence: str) -> str:
    """The sentence as a statement of a random length at most, turned around."""
    n_words = reading.rng.randint(MIN_STATEMENT_WORDS, MAX_STATEMENT_WORDS)
    return reshape(sentence, reading.rng, n_words, reading.lower)


def _ask_statement(reading: Reading, sentence: str, clause: Clause, nearby: bool, novelty: float) -> Task:
    """Statements that all have the same subject, or a pronoun in its place."""
    lead = clause.subject
    if reading.rng.random() < PRONOUN_SHARE:
        lead = "They" if clause.verb in PLURAL else "It"

    def draw_other() -> str:
        for _ in range(BASE_TRIES):
            other = reading.parse(reading.draw_other(sentence) if nearby else reading.draw_elsewhere())
            if other and other.agrees(clause) and other.subject != clause.subject:
                return shape(reading, f"{lead} {other.predicate}")
        return ""

    right = shape(reading, f"{lead} {clause.predicate}")
    wrong, right = _dress_all(reading, right, draw_other, nearby, novelty, lead)
    return Task(reading.word(STATEMENT_WORDINGS, reading.lower(clause.subject)), right, sentence, wrong)


def _dress_all(
    reading: Reading,
    right: str,
    draw_other: Callable[[], str],
    nearby: bool,
    novelty: float,
    lead: str = "",
) -> tuple[Iterator[str], str]:
    """Wrong options and the right one, all reworded as strongly; words of `lead` stay in all of them."""
    share = reading.rng.choice(REWORD_SHARES)

    def dress(text: str) -> str:
        return reading.close(reword(text, reading.rng, share) if share else text)

    return draw_wrong(reading, right, draw_other, nearby, novelty, dress, lead), dress(right)


def _join(reading: Reading, one: str, other: str) -> str:
    joint = reading.rng.choice(JOINTS)
    return f"{one}{joint}{other if joint == '. ' else reading.lower(other)}"
