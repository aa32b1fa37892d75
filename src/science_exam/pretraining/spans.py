"""Tasks on stretches of a sentence: gaps, words that belong together, endings, quoted phrases."""

from science_exam.pretraining.misses import miss
from science_exam.pretraining.options import Task, draw_wrong
from science_exam.pretraining.reading import Reading, has_digit

GAP = "____"
MIN_SPLIT_WORDS = 8
BASE_TRIES = 3
# Numbers that keep their unit are the best wrong numbers; names and terms come from other sentences.
NUMERIC_NOVELTY, NOVELTY = 1.5, 6.0

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


def make_cloze(reading: Reading, sentence: str, nearby: bool) -> Task | None:
    """A span of 1-6 words is missing in a sentence, or in what stands around the gap."""
    right = _cut_answer(reading, sentence)
    if not right or sentence.count(right) > 1:
        return None
    before, after = (part.split(" ") for part in sentence.split(right))
    if reading.rng.random() < 0.4:
        before, after = before[-reading.rng.randint(4, 8) :], after[: reading.rng.randint(4, 8)]
    question = f"{' '.join(before)}{GAP}{' '.join(after)}"
    return _ask_span(reading, GAP_WORDINGS, question, right, sentence, nearby)


def make_lookup(reading: Reading, sentence: str, nearby: bool) -> Task | None:
    """What stands in the sentence that holds these words? One of them stands in no other."""
    right = _cut_answer(reading, sentence)
    keys = [word for word in reading.own_words(sentence) if word not in right]
    if not right or not keys:
        return None
    key = reading.rng.choice(keys)
    rest = [word for word in reading.content(sentence) if word not in (key, *right.split(" "))]
    others = reading.rng.sample(rest, min(len(rest), reading.rng.randint(0, 3)))
    words = list(dict.fromkeys((key, *others)))
    reading.rng.shuffle(words)
    question = " and ".join(filter(None, [", ".join(words[:-1]), words[-1]]))
    return _ask_span(reading, LOOKUP_WORDINGS, question, right, sentence, nearby)


def make_continuation(reading: Reading, sentence: str, nearby: bool) -> Task | None:
    """How does the sentence go on after its first half?"""
    words = sentence.split(" ")
    if len(words) < MIN_SPLIT_WORDS:
        return None
    cut = reading.rng.randint(len(words) // 3, 2 * len(words) // 3)
    first, right = " ".join(words[:cut]), " ".join(words[cut:])

    def draw_end() -> str:
        n_words = max(1, len(words) - cut + reading.rng.randint(-2, 2))
        other = reading.draw_other(sentence) if nearby else reading.draw_elsewhere()
        return " ".join(other.split(" ")[1:][-n_words:])

    def close(text: str) -> str:
        return reading.close(text, capital=False)

    wrong = draw_wrong(reading, right, draw_end, nearby, NOVELTY, close)
    return Task(reading.word(CONTINUATION_WORDINGS, first), close(right), sentence, wrong)


def make_phrase(reading: Reading, sentence: str, nearby: bool) -> Task | None:
    """Which phrase stands in the contexts? Wrong: phrases of other texts, or changed ones of these."""
    right = reading.cut_span(sentence, reading.rng.randint(2, 10))
    if not right:
        return None

    def draw_phrase() -> str:
        span = _cut_like(reading, reading.draw_other(sentence) if nearby else reading.draw_elsewhere(), right)
        return miss(reading, span, nearby) if nearby and span else span

    wrong = draw_wrong(reading, right, draw_phrase, nearby, NOVELTY)
    return Task(reading.rng.choice(PHRASE_WORDINGS), right, "\n".join(reading.contexts), wrong)


def _ask_span(
    reading: Reading, wordings: tuple[str, ...], question: str, right: str, sentence: str, nearby: bool
) -> Task:
    """A task whose options are spans like the right one."""

    def draw_span() -> str:
        return _cut_like(reading, reading.draw_other(sentence) if nearby else reading.draw_elsewhere(), right)

    novelty = NUMERIC_NOVELTY if has_digit(right) else NOVELTY
    wrong = draw_wrong(reading, right, draw_span, nearby, novelty)
    return Task(reading.word(wordings, question), right, sentence, wrong)


def _cut_answer(reading: Reading, sentence: str) -> str:
    """A span of 1-6 words; with a number in it where there is one and a coin says so."""
    numeric = has_digit(sentence) and reading.rng.random() < 0.5
    return reading.cut_span(sentence, reading.rng.randint(1, 3 if numeric else 6), numeric)


def _cut_like(reading: Reading, sentence: str, right: str) -> str:
    """A span of about as many words, a name for a name; "" when the sentence has none."""
    for _ in range(BASE_TRIES):
        n_words = max(1, right.count(" ") + 1 + reading.rng.randint(-1, 1))
        span = reading.cut_span(sentence, n_words, has_digit(right))
        if span and span[0].isupper() == right[0].isupper():
            return span
    return ""
