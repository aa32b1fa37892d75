"""A question on its way into a set: what is right, what is wrong, and where it came from."""

from collections import Counter, defaultdict
from dataclasses import dataclass, field

MAX_PLACES = 3  # that a report names for each reason


@dataclass(frozen=True)
class Draft:
    """A question before its options have places.

    Attributes:
        place: file and row, for messages: "train.csv: row 3".
        source: name of the source, a column of the questions table.
        prompt: the question.
        right: text of the right option.
        wrong: texts of the wrong options, any number; the best first where a source ranks them.
        contexts: texts that came with the question, best first.
        group: what must not be split over folds; "" where the question stands alone.
        passage_id: the passage it was made from, where that is known.
        generated: made from a passage by one of our engines.
        question_id: its name in the set that is built, given when it is collected.
    """

    place: str
    source: str
    prompt: str
    right: str
    wrong: tuple[str, ...]
    contexts: tuple[str, ...] = ()
    group: str = ""
    passage_id: str | None = None
    generated: bool = False
    question_id: str = ""

    @property
    def options(self) -> tuple[str, ...]:
        """The right option, then the wrong ones."""
        return (self.right, *self.wrong)


@dataclass
class Tally:
    """How often something happened to the rows of a source, by its reason, with the first places."""

    counts: Counter[tuple[str, str]] = field(default_factory=Counter)
    places: dict[tuple[str, str], list[str]] = field(default_factory=lambda: defaultdict(list))

    def add(self, source: str, reason: str, place: str) -> None:
        """Count one row of `source`."""
        self.counts[source, reason] += 1
        if len(self.places[source, reason]) < MAX_PLACES:
            self.places[source, reason].append(place)

    def total(self, source: str = "") -> int:
        """Rows counted, of one source or of all."""
        return sum(count for (name, _), count in self.counts.items() if source in ("", name))
