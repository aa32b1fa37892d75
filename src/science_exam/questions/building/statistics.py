"""What a built set is like, gathered row by row: balance, lengths, and some rows to look at."""

import random
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np

from science_exam.questions.building.balance import measure_extreme
from science_exam.questions.building.positions import N_OPTIONS

N_EXAMPLES = 10


@dataclass(frozen=True)
class Example:
    """A row of the set for a person to read."""

    question_id: str
    prompt: str
    options: Sequence[str]
    answer: int


@dataclass
class Statistics:
    """Of the rows of a set so far; memory does not grow with them.

    Attributes:
        seed: of the draw of examples.
        rows: of each source.
        longest: source -> rows whose longest option is right (a tie of n counts as 1/n).
        shortest: likewise.
        positions: how often each option (1-5) is right.
        prompt_words: length -> prompts of so many words.
        option_words: length -> options of so many words.
        n_contexts: number -> rows with so many contexts.
        examples: rows drawn at random, each with the same chance.
    """

    seed: int
    rows: Counter[str] = field(default_factory=Counter)
    longest: Counter[str] = field(default_factory=Counter)
    shortest: Counter[str] = field(default_factory=Counter)
    positions: Counter[int] = field(default_factory=Counter)
    prompt_words: Counter[int] = field(default_factory=Counter)
    option_words: Counter[int] = field(default_factory=Counter)
    n_contexts: Counter[int] = field(default_factory=Counter)
    examples: list[Example] = field(default_factory=list)

    def __post_init__(self) -> None:
        self._rng = random.Random(f"examples {self.seed}")

    def add(self, source: str, row: Example, n_contexts: int) -> None:
        """Count one row."""
        lengths = list(map(len, row.options))
        self.rows[source] += 1
        self.longest[source] += measure_extreme(lengths, row.answer - 1, max)
        self.shortest[source] += measure_extreme(lengths, row.answer - 1, min)
        self.positions[row.answer] += 1
        self.prompt_words[len(row.prompt.split())] += 1
        self.option_words.update(len(option.split()) for option in row.options)
        self.n_contexts[n_contexts] += 1
        self._draw(row)

    def position_shares(self) -> list[float]:
        """Share of the rows in which option 1, 2 … 5 is right."""
        return [self.positions[number] / max(1, self.rows.total()) for number in range(1, N_OPTIONS + 1)]

    def _draw(self, row: Example) -> None:
        """Reservoir sampling, algorithm R (Vitter, 1985): a row stays with the same chance as all others."""
        if len(self.examples) < N_EXAMPLES:
            self.examples.append(row)
        elif (place := self._rng.randrange(self.rows.total())) < N_EXAMPLES:
            self.examples[place] = row


def describe_spread(counts: Counter[int]) -> str:
    """Median, 95th percentile and maximum of counted lengths."""
    lengths = sorted(counts)
    reached = np.cumsum([counts[length] for length in lengths]) / counts.total()
    middle, high = (lengths[int(np.searchsorted(reached, share))] for share in (0.5, 0.95))
    return f"median {middle}, 95% have at most {high}, the longest {lengths[-1]}"
