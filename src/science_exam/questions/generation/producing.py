"""Passages of a corpus -> tables of questions, block by block: what is done is kept, whatever happens.

A block writes `contexts/<part>`, `counts/<part>.json` and, last, `questions/<part>`: its presence says that
the block is done. The parts make up two long tables, a source of `make questions`.
"""

import json
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import asdict, dataclass, fields, replace
from functools import partial
from itertools import pairwise
from pathlib import Path

import numpy as np

from science_exam.files import write_text
from science_exam.questions.building.finishing import finish_drafts
from science_exam.questions.config import AugmentConfig
from science_exam.questions.drafts import Draft, Tally
from science_exam.questions.generation.asking import BudgetSpent
from science_exam.questions.generation.engines import Engine, Passage
from science_exam.tables import CONTEXTS, PASSAGES, QUESTIONS, count_rows, read_table, write_table
from science_exam.workers import run_tasks


@dataclass(frozen=True)
class Block:
    """Consecutive passages of a part, and which of them are asked about.

    Attributes:
        part: of the passages table.
        start: row of the first passage in its part.
        n_passages: of the block.
        chosen: positions in the block, rising.
        first_number: number of the first chosen passage among all.
        folder: of the run.
        name: of the files that it writes.
    """

    part: Path
    start: int
    n_passages: int
    chosen: tuple[int, ...]
    first_number: int
    folder: Path
    name: str

    def locate(self, kind: str, ending: str = ".parquet") -> Path:
        """The block's file below the folder of a kind: questions, contexts, counts."""
        return self.folder / kind / f"{self.name}{ending}"

    def read_counts(self) -> "Counts | None":
        """What became of the block; None where it is not done."""
        if not self.locate("questions").is_file():
            return None
        return Counts(**json.loads(self.locate("counts", ".json").read_text(encoding="utf-8")))


@dataclass(frozen=True)
class Counts:
    """What became of a block.

    Attributes:
        questions: that were made.
        not_asked: requests that the budget did not allow.
        given_up: reason -> passages or replies that gave no question.
    """

    questions: int
    not_asked: int
    given_up: dict[str, int]


def plan_blocks(
    parts: Sequence[Path], folder: Path, block_passages: int, max_passages: int, seed: int
) -> list[Block]:
    """The blocks that hold the passages to be asked about.

    Args:
        parts: of a passages table.
        folder: where the questions go.
        block_passages: passages that an engine sees together, and that a kill makes it ask about again.
        max_passages: passages drawn at random; 0 takes all.
        seed: of the draw.
    """
    bounds = np.cumsum([0, *map(count_rows, parts)]).tolist()
    rows = np.arange(bounds[-1])
    if 0 < max_passages < len(rows):
        rows = np.sort(np.random.default_rng(seed).choice(len(rows), max_passages, replace=False))
    blocks: list[Block] = []
    first_number = 0
    for part, (begin, end) in zip(parts, pairwise(bounds), strict=True):
        for start in range(begin, end, block_passages):
            size = min(block_passages, end - start)
            chosen = tuple((rows[(rows >= start) & (rows < start + size)] - start).tolist())
            if chosen:
                name = f"part-{len(blocks):05d}"
                blocks.append(Block(part, start - begin, size, chosen, first_number, folder, name))
                first_number += len(chosen)
    return blocks


def produce(
    engine: Engine,
    blocks: Sequence[Block],
    seed: int,
    n_workers: int,
    progress: Callable[..., Iterable] = lambda items, total: items,
) -> Counts:
    """Have an engine work through the blocks that are not done, or for which the budget did not last.

    Args:
        engine: that can be sent to other processes, where several take part.
        blocks: of the run.
        seed: of the options' places.
        n_workers: processes.
        progress: wraps the iterator over blocks, and is told their number as `total` (tqdm).

    Returns:
        The counts of all blocks together.
    """
    done = [block.read_counts() for block in blocks]
    waiting = [b for b, counts in zip(blocks, done, strict=True) if counts is None or counts.not_asked]
    tasks = run_tasks(partial(_produce_block, engine, seed), waiting, n_workers)
    for _ in progress(tasks, total=len(waiting)):
        pass
    return _add_counts(block.read_counts() for block in blocks)


def _produce_block(engine: Engine, seed: int, block: Block) -> None:
    passages = _read_passages(block)
    dropped, drafts, n_unasked = Tally(), [], 0
    try:
        for draft in engine.generate(passages, block.chosen, dropped):
            drafts.append(draft)
    except BudgetSpent as end:
        n_unasked = end.n_unasked
    finished = finish_drafts(list(_name_drafts(drafts)), block.first_number, AugmentConfig(), seed)
    given_up = {reason: count for (_, reason), count in dropped.counts.most_common()}
    block.locate("questions").unlink(missing_ok=True)  # of a smaller budget: it must not vouch for the others
    write_table(finished.contexts, CONTEXTS, block.locate("contexts"))
    write_text(block.locate("counts", ".json"), json.dumps(asdict(Counts(len(drafts), n_unasked, given_up))))
    write_table(finished.questions, QUESTIONS, block.locate("questions"))


def _read_passages(block: Block) -> list[Passage]:
    frame = read_table(PASSAGES, block.part)[block.start : block.start + block.n_passages]
    columns = [field.name for field in fields(Passage)]
    return [Passage(*row) for row in frame[columns].itertuples(index=False)]


def _name_drafts(drafts: Iterable[Draft]) -> Iterator[Draft]:
    """Each with a name of its own: source, passage, and which one of the passage it is."""
    seen: Counter[str | None] = Counter()
    for draft in drafts:
        seen[draft.passage_id] += 1
        yield replace(draft, question_id=f"{draft.source}-{draft.passage_id}-{seen[draft.passage_id]}")


def _add_counts(counts: Iterable[Counts]) -> Counts:
    n_questions, n_unasked, given_up = 0, 0, Counter()
    for own in counts:
        n_questions += own.questions
        n_unasked += own.not_asked
        given_up.update(own.given_up)
    return Counts(n_questions, n_unasked, dict(given_up.most_common()))
