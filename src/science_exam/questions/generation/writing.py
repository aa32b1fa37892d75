"""The engine that has a language model write questions, wherever the model runs."""

from collections.abc import Callable, Iterable, Iterator, Sequence

from science_exam.questions.drafts import Draft, Tally
from science_exam.questions.generation.asking import BUDGET_SPENT, Asker, BudgetSpent, Failure, Reply
from science_exam.questions.generation.engines import Passage
from science_exam.questions.generation.prompting import SCHEMA, write_messages
from science_exam.questions.generation.replies.malformed import Malformed
from science_exam.questions.generation.replies.reading import read_reply


class ModelEngine:
    """Asks a language model about each chosen passage; an `Engine`."""

    def __init__(
        self,
        asker: Asker,
        source: str,
        per_passage: int = 1,
        progress: Callable[[Iterable], Iterable] = iter,
    ) -> None:
        """Set what is asked.

        Args:
            asker: the model.
            source: name of the source in the questions table.
            per_passage: questions asked for from one passage, of as many kinds.
            progress: wraps the iterator over replies (tqdm).
        """
        self._asker = asker
        self._source = source
        self._per_passage = per_passage
        self._progress = progress

    def generate(self, passages: Sequence[Passage], chosen: Sequence[int], dropped: Tally) -> Iterator[Draft]:
        """Questions about the chosen passages, in their order.

        Args:
            passages: consecutive ones of a corpus.
            chosen: positions in `passages` that are asked about.
            dropped: gets the replies that are no questions, by reason.

        Raises:
            BudgetSpent: once everything that was paid for has been handed out.
        """
        asked = [(passages[position], number) for position in chosen for number in range(self._per_passage)]
        requests = [write_messages(passage, number) for passage, number in asked]
        n_unasked = 0
        for (passage, _), outcome in zip(
            asked, self._asker.ask(requests, SCHEMA, self._progress), strict=True
        ):
            if outcome == Failure(BUDGET_SPENT):
                n_unasked += 1
            elif (draft := self._read(outcome, passage, dropped)) is not None:
                yield draft
        if n_unasked:
            raise BudgetSpent(n_unasked)

    def _read(self, outcome: Reply | Failure, passage: Passage, dropped: Tally) -> Draft | None:
        place = f"passage {passage.passage_id}"
        try:
            if isinstance(outcome, Failure):
                raise Malformed(outcome.reason)
            return read_reply(outcome.text, passage, self._source, place)
        except Malformed as fault:
            truncated = isinstance(outcome, Reply) and outcome.truncated
            dropped.add(self._source, "cut off" if truncated else fault.reason, place)
            return None
