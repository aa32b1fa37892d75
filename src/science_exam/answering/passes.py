"""Asking all questions, in one way or several, within the time and the memory there are."""

import time
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Protocol, TypeVar

import numpy as np
import torch
from tqdm import tqdm

from science_exam.answering.deadline import Deadline
from science_exam.answering.reading import Reading
from science_exam.answering.sheet import Sheet
from science_exam.answering.views import restore
from science_exam.training.fast.rows import Group

Pack = dict[int, Group]  # questions that are read together, by number
CHECKPOINT_SECONDS = 15.0
FIRST_TOKENS = 2048  # of the first pack under a time budget: it measures the speed
LARGEST_SHARE = 0.1  # of the time left, for a pack: when it takes longer than thought, it is not much longer
ENCODED_TOGETHER = 16  # prompts: the tokenizer's cores share them, and neither first pack nor end waits long


Result = TypeVar("Result")


class Reader(Protocol):
    """Scores prompts, several questions at a time."""

    def use(self, adapter: str) -> None:
        """Answer with that adapter from now on."""

    def group(self, prompts: Sequence[Sequence[int]]) -> Group:
        """One question's prompts as they are read."""

    def read(self, groups: Sequence[Group], exactly: bool = False) -> list[np.ndarray]:
        """(prompts, options) log-probabilities for each group; `exactly`: in fp32."""

    def start(self, groups: Sequence[Group]) -> Reading:
        """Begin what `read` does, behind what was begun before."""


@dataclass(frozen=True)
class Pass:
    """One way to ask every question.

    Attributes:
        encode: numbers of questions -> prompts of each, one for each of `orders`; None where one is longer
            than the model may read.
        sizes: (questions,) about proportional to the prompts' lengths, to sort by before they are encoded.
        orders: of the options.
        adapter: that answers.
        weight: of each view in the mean.
        asks: (questions,) bool, the questions that it asks; None: all of them.
    """

    encode: Callable[[Sequence[int]], Sequence[list[list[int]] | None]]
    sizes: Sequence[int]
    orders: Sequence[tuple[int, ...]]
    adapter: str
    weight: float = 1.0
    asks: np.ndarray | None = None


class Examination:
    """Works off passes over the questions; the sheet holds a whole set of answers all the time."""

    def __init__(
        self,
        reader: Reader,
        sheet: Sheet,
        max_tokens: int,
        deadline: Deadline,
        save: Callable[[Sheet], None],
    ) -> None:
        """
        Args:
            reader: of the prompts.
            sheet: blank, or of an interrupted examination with the same passes.
            max_tokens: that are read together; halved when memory runs out.
            deadline: after which nothing new is begun.
            save: keeps the sheet; called from time to time and at the end.
        """
        self._reader, self.sheet, self._max_tokens = reader, sheet, max_tokens
        self._deadline, self._save = deadline, save
        self._saved = time.monotonic()

    def work_off(self, passes: Sequence[Pass], progress: str | None = None) -> None:
        """Take each pass over all questions.

        Those without an answer come first, from the shortest to the longest when the time is limited, so that
        as many as possible are answered; then the others, from the least to the most confident answer.
        """
        for number, one in enumerate(passes):
            waiting = self._find_waiting(number, one)
            if not len(waiting) or not self._deadline.count_fitting_tokens():
                continue
            self._reader.use(one.adapter)
            queue = self._order(waiting, one)
            label = progress if len(passes) == 1 else progress and f"{progress} {number + 1}/{len(passes)}"
            with tqdm(total=len(queue), desc=label, unit="q", disable=progress is None) as bar:
                for pack, results in self._read_ahead(self._fill_packs(queue, one)):
                    self._note(pack, results, one)
                    bar.update(len(pack))
                    self._save_sometimes()
        self._save(self.sheet)

    def _find_waiting(self, number: int, one: Pass) -> np.ndarray:
        """Questions that this pass has still to ask; those that it never asks are counted as done."""
        waiting = np.flatnonzero(self.sheet.done == number)
        if one.asks is None:
            return waiting
        self.sheet.done[waiting[~one.asks[waiting]]] += 1
        return waiting[one.asks[waiting]]

    def _order(self, waiting: np.ndarray, one: Pass) -> list[int]:
        # Without an end the longest come first: memory that is too small shows at once.
        sign = 1 if self._deadline.has_end else -1
        confidences = self.sheet.confidences  # 0 where there is no answer
        return sorted(
            waiting.tolist(), key=lambda question: (confidences[question], sign * one.sizes[question])
        )

    def _fill_packs(self, queue: list[int], one: Pass) -> Iterator[Pack]:
        """Consecutive questions that are read together, as long as the time allows."""
        limit = min(self._max_tokens, FIRST_TOKENS) if self._deadline.has_end else self._max_tokens
        pack: Pack = {}
        n_tokens = 0
        for question, group in self._encode(queue, one):
            fitting = self._deadline.count_fitting_tokens()
            if pack and n_tokens + group.n_tokens > min(limit, LARGEST_SHARE * fitting):
                yield pack
                pack, n_tokens, limit = {}, 0, self._max_tokens
                fitting = self._deadline.count_fitting_tokens()
            if group.n_tokens > fitting:
                break
            pack[question] = group
            n_tokens += group.n_tokens
        if pack:
            yield pack

    def _encode(self, queue: list[int], one: Pass) -> Iterator[tuple[int, Group]]:
        n_together = max(1, ENCODED_TOGETHER // len(one.orders))
        for start in range(0, len(queue), n_together):
            some = queue[start : start + n_together]
            for question, prompts in zip(some, one.encode(some), strict=True):
                if prompts is None:
                    self.sheet.give_up(question, len(one.orders))
                else:
                    yield question, self._reader.group(prompts)

    def _read_ahead(self, packs: Iterator[Pack]) -> Iterator[tuple[Pack, list[np.ndarray]]]:
        """Each pack with its scores. While a GPU reads one, the next is filled and given to it."""
        begun: deque[tuple[Pack, Reading | None]] = deque()
        for pack in packs:
            begun.append((pack, self._start(pack)))
            while begun and (len(begun) > 1 or self._must_finish(begun[0][1])):
                yield self._finish(*begun.popleft())
        while begun:
            yield self._finish(*begun.popleft())

    def _start(self, pack: Pack) -> Reading | None:
        """None if memory runs out."""
        groups = list(pack.values())
        self._deadline.begin(_count_tokens(groups))
        return _attempt(lambda: self._reader.start(groups))

    def _must_finish(self, reading: Reading | None) -> bool:
        """Whether there is nothing to wait for, or nothing can be filled before it is done."""
        return reading is None or reading.is_done or not self._deadline.is_measured

    def _finish(self, pack: Pack, reading: Reading | None) -> tuple[Pack, list[np.ndarray]]:
        results = reading and _attempt(reading.finish)
        if results is None:
            results = self._read_in_parts(list(pack.values()))
        self._deadline.finish()
        return pack, results

    def _note(self, pack: Pack, results: list[np.ndarray], one: Pass) -> None:
        """Put what the views of some questions say onto the sheet."""
        for (question, group), scores in zip(pack.items(), results, strict=True):
            if np.isnan(scores).any():
                [scores] = self._read([group], exactly=True)
            views = [restore(row, order) for row, order in zip(scores, one.orders, strict=True)]
            self.sheet.add(question, np.array(views), one.weight)

    def _read(self, groups: list[Group], exactly: bool = False) -> list[np.ndarray]:
        """The scores of the groups, in parts if memory runs out."""
        results = _attempt(lambda: self._reader.read(groups, exactly))
        return self._read_in_parts(groups, exactly) if results is None else results

    def _read_in_parts(self, groups: list[Group], exactly: bool = False) -> list[np.ndarray]:
        """The scores of groups that were too many: of halves; then also what follows is read so.

        A row that does not fit alone has no numbers.
        """
        torch.cuda.empty_cache()
        if len(groups) > 1:
            # Not half of the limit: what was given to a GPU together may run out of memory together.
            self._max_tokens = max(1, min(self._max_tokens, _count_tokens(groups) // 2))
            middle = len(groups) // 2
            return self._read(groups[:middle], exactly) + self._read(groups[middle:], exactly)
        [group] = groups
        if len(group.rows) > 1:
            alone = [Group((row,), 0) for row in group.rows]
            return [np.concatenate(self._read(alone, exactly))]
        return [np.full((1, self.sheet.fallback.shape[1]), np.nan)]

    def _save_sometimes(self) -> None:
        # More and more often towards the end: a process that is ended there loses little.
        if time.monotonic() - self._saved > min(CHECKPOINT_SECONDS, self._deadline.seconds_left):
            self._save(self.sheet)
            self._saved = time.monotonic()


def _attempt(run: Callable[[], Result]) -> Result | None:
    """What it returns; None if memory runs out, with nothing left that holds its tensors."""
    try:
        return run()
    except torch.OutOfMemoryError:
        return None


def _count_tokens(groups: Sequence[Group]) -> int:
    return sum(group.n_tokens for group in groups)
