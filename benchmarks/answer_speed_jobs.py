"""What answer_speed.py measures."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

LIMIT = "limit"  # the job that times a matrix product
CHECK = "check"  # the job that compares answers, not speeds
PEERS = ("blog", "blog-8", "constrained", "xgrammar", "greedy", "padded")
OWN = ("packed", "budgets", "orders", "adapters")


@dataclass(frozen=True)
class Job:
    """One way to answer, on one base; `base`, `closed` and `opened` are absolute paths."""

    way: str
    base: str
    closed: str  # rows without contexts
    opened: str  # rows with contexts
    few: int  # questions of the short measurement
    many: int  # questions of the long one, which this project's own way alone has
    most_seconds: float  # the long one takes fewer questions where it would last longer
    max_tokens: int  # of a prompt with its answer
    batch_size: int  # of the ways that pad
    tokens_together: int  # of the ways that pack
    repeat: int = 0

    @property
    def name(self) -> str:
        """What a log calls it."""
        return self.way + (f", {self.base.rpartition('/')[2]}" if self.base else "")


def list_jobs(bases: Sequence[str], ways: Sequence[str], repeats: int, **settings) -> Iterator[Job]:
    """The limit, then on every base every way once, then again.

    Args:
        bases: folders.
        ways: their names.
        repeats: jobs of each way.
        settings: the other fields of `Job`.
    """
    yield Job(LIMIT, "", **settings)
    for repeat in range(repeats):
        for base in bases:
            for way in ways:
                yield Job(way, base, repeat=repeat, **settings)
