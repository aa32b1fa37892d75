"""Wrong options: endless streams of candidates that look like the right option of a task.

With `nearby` they come from the task's own context, so that finding an option in the text is not
enough; without, from other articles. Some are near misses, the right option with a number or a
word exchanged. Near misses also start from earlier near misses: if all came from the right option
itself, it would be the one that is most like the others.
"""

from collections.abc import Iterator

from science_exam.pretraining.reading import Reading, has_digit


def similar_spans(reading: Reading, right: str, sentence: str, nearby: bool) -> Iterator[str]:
    """Spans like `right` from other sentences than `sentence`; numbers mostly keep their unit."""
    numeric, made = has_digit(right), [right]
    miss_share = 0.7 if numeric else 0.3 * nearby
    while True:
        other = _draw(reading, sentence, nearby)
        if reading.rng.random() < miss_share:
            made.append(reading.miss(reading.rng.choice(made), _donors(reading, other, nearby)))
            yield made[-1]
        else:
            yield _cut_like(reading, other, right, numeric)


def similar_statements(
    reading: Reading, right: str, sentence: str, nearby: bool, subject: str
) -> Iterator[str]:
    """Statements from other sentences, and near misses; all name `subject` unless it is ""."""
    made = [right]
    while True:
        other = _draw(reading, sentence, nearby)
        if nearby and reading.rng.random() < 0.4:
            candidate = reading.miss(reading.rng.choice(made), reading.words)
            made.append(candidate)
        else:
            candidate = _put_in(reading, reading.make_statement(other), subject)
        yield candidate if not subject or subject in reading.content(candidate) else ""


def similar_endings(reading: Reading, right: str, sentence: str, nearby: bool) -> Iterator[str]:
    """Ends of other sentences, about as many words, and near misses."""
    n_words, made = len(right.split(" ")), [right]
    while True:
        other = _draw(reading, sentence, nearby)
        if nearby and reading.rng.random() < 0.4:
            made.append(reading.miss(reading.rng.choice(made), reading.words))
            yield made[-1]
        else:
            words = other.split(" ")[-max(1, n_words + reading.rng.randint(-2, 2)) :]
            yield reading.close(" ".join(words), capital=False)


def similar_phrases(reading: Reading, right: str, sentence: str, nearby: bool) -> Iterator[str]:
    """Spans of other articles, or near misses of spans of the context."""
    numeric = has_digit(right)
    while True:
        other = _draw(reading, sentence, nearby)
        span = _cut_like(reading, other, right, numeric)
        if nearby and reading.rng.random() < 0.3:
            span = right
        yield reading.miss(span, reading.words) if nearby and span else span


def _draw(reading: Reading, sentence: str, nearby: bool) -> str:
    return reading.draw_other(sentence) if nearby else reading.draw_elsewhere()


def _donors(reading: Reading, other: str, nearby: bool) -> list[str]:
    return reading.words if nearby else reading.content(other)


def _cut_like(reading: Reading, sentence: str, right: str, numeric: bool) -> str:
    """A span of about as many words, a name for a name; "" when the sentence has none."""
    n_words = max(1, right.count(" ") + 1 + reading.rng.randint(-1, 1))
    span = reading.cut_span(sentence, n_words, numeric)
    return span if span[:1].isupper() == right[:1].isupper() else ""


def _put_in(reading: Reading, statement: str, subject: str) -> str:
    """The statement with one content word turned into `subject`."""
    words = [word for word in reading.content(statement) if not word.isdecimal()]
    if not subject or not words:
        return statement
    return reading.exchange(statement, reading.rng.choice(words), subject)
