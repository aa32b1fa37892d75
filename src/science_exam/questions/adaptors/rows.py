"""One row of a source, and the draft that it makes."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from science_exam.questions.drafts import Draft
from science_exam.questions.rows.values import RowError, to_text, to_texts


@dataclass(frozen=True)
class SourceRow:
    """The values of a row by column, its source's name, and its place: "train.csv: row 3".

    All methods raise RowError where the row is of no use.
    """

    source: str
    place: str
    values: dict[str, Any]

    def text(self, column: str) -> str:
        """A value as stripped text; nothing, NaN and an absent column are ""."""
        return to_text(self.values.get(column), column)

    def texts(self, column: str) -> list[str]:
        """The texts of a list, or one text, without the empty ones."""
        return to_texts(self.values.get(column), column)

    def options(self, column: str) -> list[str]:
        """The texts of a list of options, empty ones too."""
        options = self.values.get(column)
        if not isinstance(options, list):
            raise RowError("not multiple choice", f"expected a list, found {options!r:.40}", column)
        return [to_text(option, column) for option in options]

    def choose(
        self, prompt: str, options: Sequence[str], position: int | None, contexts=(), group: str = ""
    ) -> Draft:
        """The draft of a question whose options come together.

        Args:
            prompt: the question.
            options: in the row's order.
            position: of the right one, from 0; None where the row gives no answer.
            contexts: texts, best first.
            group: what must not be split over folds.
        """
        if not prompt:
            raise RowError("no question")
        if len(options) < 2:
            raise RowError("fewer than two options")
        if position is None:
            raise RowError("no answer")
        if not 0 <= position < len(options):
            raise RowError("answer names no option")
        wrong = [*options[:position], *options[position + 1 :]]
        return self.draft(prompt, options[position], wrong, contexts, group)

    def draft(
        self, prompt: str, right: str, wrong: Sequence[str], contexts: Sequence[str] = (), group: str = ""
    ) -> Draft:
        """The draft of a question whose right option is known by itself; see `choose`."""
        if not prompt:
            raise RowError("no question")
        if not right:
            raise RowError("no right option")
        return Draft(
            place=self.place,
            source=self.source,
            prompt=_join_line_ends(prompt),
            right=_join_line_ends(right),
            wrong=tuple(map(_join_line_ends, wrong)),
            contexts=tuple(map(_join_line_ends, contexts)),
            group=group,
        )


def _join_line_ends(text: str) -> str:
    return text.replace("\r\n", "\n")
