"""What writes questions: one interface, three engines behind it."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Protocol

from science_exam.questions.drafts import Draft, Tally


@dataclass(frozen=True)
class Passage:
    """A row of the passages table; `text` begins with a line of title and section path."""

    passage_id: str
    article_id: str
    title: str
    section_path: str
    text: str


class Engine(Protocol):
    """Writes questions about passages."""

    def generate(self, passages: Sequence[Passage], chosen: Sequence[int], dropped: Tally) -> Iterator[Draft]:
        """Questions about the chosen passages, in their order; each keeps its `passage_id`.

        Args:
            passages: consecutive ones of a corpus; wrong options may come from those around.
            chosen: positions in `passages` that are asked about.
            dropped: gets what was begun and given up, by reason.
        """
