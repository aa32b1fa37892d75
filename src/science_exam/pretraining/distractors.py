"""Wrong options: endless streams of candidates that look like the right option of a task.

With `nearby` they come from the task's own context, so that finding an option in the text is not
enough; without, from other articles. Some are near misses, another candidate with a number or a
word exchanged. They start from the right option and from wrong ones alike: if all were made from
the right one, it would be the one that is most like the others.
"""

from collections.abc import Callable, Iterator

from science_exam.pretraining.reading import Reading, has_digit

MISS_SHARE = 0.4
NUMBER_MISS_SHARE = 0.7  # numbers that keep their unit are the best wrong numbers


def similar_spans(reading: Reading, right: str, sentence: str, nearby: bool) -> Iterator[str]:
    """Spans like `right` from other sentences than `sentence`, and near misses."""
    numeric = has_digit(right)
    share = NUMBER_MISS_SHARE if numeric else MISS_SHARE * nearby

    def cut(other: str) -> str:
        return _cut_like(reading, other, right, numeric)

    return _mix(reading, right, sentence, nearby, cut, share)


def similar_statements(
    reading: Reading, right: str, sentence: str, nearby: bool, subject: str
) -> Iterator[str]:
    """Statements from other sentences, and near misses; all name `subject` unless it is ""."""

    def state(other: str) -> str:
        return _put_in(reading, reading.make_statement(other), subject)

    for candidate in _mix(reading, right, sentence, nearby, state, MISS_SHARE * nearby):
        yield candidate if not subject or subject in reading.content(candidate) else ""


def similar_endings(reading: Reading, right: str, sentence: str, nearby: bool) -> Iterator[str]:
    """Ends of other sentences, about as many words, and near misses."""
    n_words = len(right.split(" "))

    def end(other: str) -> str:
        words = other.split(" ")[1:][-max(1, n_words + reading.rng.randint(-2, 2)) :]
        return reading.close(" ".join(words), capital=False)

    return _mix(reading, right, sentence, nearby, end, MISS_SHARE * nearby)


def similar_phrases(reading: Reading, right: str, sentence: str, nearby: bool) -> Iterator[str]:
    """Spans of other articles, or near misses of spans of the context."""
    numeric = has_digit(right)

    def cut(other: str) -> str:
        span = _cut_like(reading, other, right, numeric)
        return reading.miss(span, reading.words) if nearby and span else span

    return _mix(reading, right, sentence, nearby, cut, MISS_SHARE * nearby)


def _mix(
    reading: Reading, right: str, sentence: str, nearby: bool, make: Callable[[str], str], miss_share: float
) -> Iterator[str]:
    """What `make` makes of other sentences, mixed with near misses of all options so far."""
    made = [right]
    while True:
        other = reading.draw_other(sentence) if nearby else reading.draw_elsewhere()
        if reading.rng.random() < miss_share:
            donors = reading.words if nearby else reading.content(other)
            candidate = reading.miss(reading.rng.choice(made), donors)
        else:
            candidate = make(other)
        if candidate:
            made.append(candidate)
        yield candidate


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
