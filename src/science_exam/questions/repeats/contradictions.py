"""Rows that ask the same and cannot both be right."""

from collections.abc import Callable, Iterator, Sequence

import numpy as np

from science_exam.questions.repeats.wording import Row, normalise_text

ROWS_AT_ONCE = 10_000  # whose texts are in memory together, but for a longer group


def find_contradicting(
    prompts: np.ndarray, rights: np.ndarray, fetch_rows: Callable[[Sequence[int]], dict[int, Row]]
) -> dict[int, int]:
    """Row -> a row of the same prompt that it contradicts: what is right in the one is wrong in the other.

    Both are listed: which of them is mistaken cannot be told. Rows of one prompt with other right
    options and none of them among the wrong ones ("Which of these is a metal?") are other questions.

    Args:
        prompts: a code of every row's prompt, uint64 (rows,).
        rights: a code of every row's right option, uint64 (rows,).
        fetch_rows: numbers of rows -> these rows; the right option is the first of each.
    """
    contradicting = {}
    for batch in _batch_groups(prompts, rights):
        rows = fetch_rows([number for group in batch for number in group])
        for group in batch:
            contradicting |= _compare_group({number: rows[number] for number in group})
    return contradicting


def _batch_groups(prompts: np.ndarray, rights: np.ndarray) -> Iterator[list[list[int]]]:
    """Groups of rows with one prompt and several right options, about `ROWS_AT_ONCE` rows at a time."""
    order = np.argsort(prompts, kind="stable")
    bounds = np.flatnonzero(np.diff(prompts[order])) + 1
    batch: list[list[int]] = []
    for start, stop in zip([0, *bounds], [*bounds, len(order)], strict=True):
        group = order[start:stop]
        if len(group) < 2 or (rights[group] == rights[group[0]]).all():
            continue
        batch.append(group.tolist())
        if sum(map(len, batch)) >= ROWS_AT_ONCE:
            yield batch
            batch = []
    if batch:
        yield batch


def _compare_group(rows: dict[int, Row]) -> dict[int, int]:
    """The contradictions among rows of one prompt."""
    right = {number: normalise_text(options[0]) for number, (_, options) in rows.items()}
    with_right: dict[str, list[int]] = {}
    for number, text in right.items():
        with_right.setdefault(text, []).append(number)
    found: dict[int, int] = {}
    denied_by: dict[str, int] = {}
    for number, (_, options) in rows.items():
        for wrong in dict.fromkeys(map(normalise_text, options[1:])):
            if wrong != right[number] and wrong in with_right:
                found.setdefault(number, with_right[wrong][0])
                denied_by.setdefault(wrong, number)
    return {row: number for wrong, number in denied_by.items() for row in with_right[wrong]} | found
