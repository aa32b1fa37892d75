"""What train_speed.py measures."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

LIMIT = "limit"  # the job that times a matrix product
FAST = "fast"


@dataclass(frozen=True)
class Job:
    """One measurement of one peer; `base` and `rows` are absolute paths."""

    peer: str
    base: str
    rows: str
    max_tokens: int
    warm_up: int  # optimizer steps that are not timed
    steps: int  # timed ones
    repeat: int = 0
    memory_budget_gb: float | None = None

    @property
    def name(self) -> str:
        """The name of its row in the table."""
        return self.peer + (f", {self.memory_budget_gb:g} GB" if self.memory_budget_gb else "")


def list_jobs(
    peers: Sequence[str], memory_budgets_gb: Sequence[float], repeats: int, **settings
) -> Iterator[Job]:
    """The limit, then every peer once, then again: what slows a machine down meanwhile meets all of them.

    Args:
        peers: their names; the fast engine has a job for every memory budget.
        memory_budgets_gb: without any, the engine chooses.
        repeats: jobs of each.
        settings: the other fields of `Job`.
    """
    yield Job(LIMIT, **settings)
    for repeat in range(repeats):
        for peer in peers:
            for budget in (memory_budgets_gb or [None]) if peer == FAST else [None]:
                yield Job(peer, repeat=repeat, memory_budget_gb=budget, **settings)
