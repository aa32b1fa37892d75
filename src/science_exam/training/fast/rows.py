"""Rows to train on, alone or in groups that share a prefix, and what goes into one optimizer step."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class Row:
    """Token ids of a prompt with its completion, which alone carries loss."""

    ids: list[int]
    n_prompt: int

    @property
    def n_targets(self) -> int:
        """Tokens of the completion."""
        return len(self.ids) - self.n_prompt


@dataclass(frozen=True)
class Group:
    """Rows whose first `n_shared` tokens are the same; they go through the model once."""

    rows: tuple[Row, ...]
    n_shared: int  # 0 for a row alone; always less than every row's prompt

    @property
    def n_tokens(self) -> int:
        """Tokens that go through the model: a row's last one is a target, never an input."""
        return self.n_shared + sum(len(row.ids) - 1 - self.n_shared for row in self.rows)

    @property
    def n_targets(self) -> int:
        """Tokens that carry loss."""
        return sum(row.n_targets for row in self.rows)


def group_rows(examples: Sequence[dict], share_prefixes: bool = True) -> list[Group]:
    """Examples -> groups.

    Args:
        examples: `input_ids`, `completion_mask` (ones at the end), and for rows that come from one question
            `group`, the same in consecutive rows.
        share_prefixes: False gives every row a group of its own.

    Example:
        >>> row = {"completion_mask": [0, 0, 0, 1], "group": "q1"}
        >>> groups = group_rows([{"input_ids": [5, 6, 7, 1], **row}, {"input_ids": [5, 6, 8, 2], **row}])
        >>> [(group.n_shared, group.n_tokens) for group in groups]
        [(2, 4)]
    """
    groups: list[list[Row]] = []
    last = None
    for example in examples:
        ids, name = list(example["input_ids"]), example.get("group")
        row = Row(ids, len(ids) - sum(example["completion_mask"]))
        if share_prefixes and name is not None and name == last:
            groups[-1].append(row)
        else:
            groups.append([row])
        last = name
    return [Group(tuple(rows), count_shared(rows)) for rows in groups]


def count_shared(rows: list[Row]) -> int:
    """Length of the common prefix, 0 for a row alone; a prompt's last token stays in the tail, as the
    answer follows it.
    """
    if len(rows) == 1:
        return 0
    limit = min(row.n_prompt for row in rows) - 1
    columns = zip(*(row.ids[:limit] for row in rows), strict=True)
    return next((n for n, tokens in enumerate(columns) if len(set(tokens)) > 1), limit)


def order_steps(groups: Sequence[Group], rows_per_step: int, seed: int, epoch: int) -> list[list[Group]]:
    """The groups in an epoch's random order, divided into optimizer steps.

    A step takes groups until it has `rows_per_step` rows; a group is never divided, and the last step has
    what is left.
    """
    steps: list[list[Group]] = [[]]
    for number in np.random.default_rng([seed, epoch]).permutation(len(groups)):
        if sum(len(group.rows) for group in steps[-1]) >= rows_per_step:
            steps.append([])
        steps[-1].append(groups[number])
    return steps


def divide_step(groups: Sequence[Group], max_tokens: int, n_processes: int = 1) -> list[list[list[Group]]]:
    """A step's groups -> for each process, lists of groups that go through the model together.

    Args:
        groups: of one step.
        max_tokens: of a list; a group with more is divided, its prefix then goes through more than once.
        n_processes: all get about as many tokens.
    """
    pieces = [piece for group in groups for piece in _cut_group(group, max_tokens)]
    shares: list[list[Group]] = [[] for _ in range(n_processes)]
    for piece in sorted(pieces, key=lambda piece: -piece.n_tokens):
        min(shares, key=_count_tokens).append(piece)
    return [_fill_lists(share, max_tokens) for share in shares]


def _cut_group(group: Group, max_tokens: int) -> Iterator[Group]:
    if group.n_tokens <= max_tokens or len(group.rows) == 1:
        yield group
        return
    middle = len(group.rows) // 2
    for rows in (group.rows[:middle], group.rows[middle:]):
        yield from _cut_group(Group(rows, group.n_shared if len(rows) > 1 else 0), max_tokens)


def _fill_lists(groups: list[Group], max_tokens: int) -> list[list[Group]]:
    """Longest first, each into the first list that has room."""
    lists: list[list[Group]] = []
    for group in groups:
        room = (held for held in lists if _count_tokens(held) + group.n_tokens <= max_tokens)
        held = next(room, None)
        if held is None:
            lists.append([group])
        else:
            held.append(group)
    return lists


def _count_tokens(groups: list[Group]) -> int:
    return sum(group.n_tokens for group in groups)
