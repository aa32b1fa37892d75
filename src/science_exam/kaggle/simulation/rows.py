"""The test.csv of a simulation: known questions as the competition would ask them, or odder ones."""

import csv
from collections.abc import Callable
from dataclasses import dataclass, replace
from itertools import cycle, islice
from pathlib import Path

from science_exam.kaggle.config import Fault
from science_exam.questions.sources import read_questions
from science_exam.tables import LETTERS, OPTION_COLUMNS

ODD_IDS = ("{:03}", "{}e5", "{} a", " {}", "#{}", '"{}", quoted', "é{}", "-{}", "{}.0", "NaN {}")
MISSING = ("", "NaN", "nan")
LONG_WORDS = 3000


@dataclass(frozen=True)
class TestRow:
    """A row of test.csv, and the right option's number, which is not written; 0 where it is not known."""

    __test__ = False  # no test, whatever its name

    id: str
    prompt: str
    options: tuple[str, ...]
    answer: int


def make_rows(questions: Path, n_rows: int, fault: Fault) -> list[TestRow]:
    """The questions, over and over until there are `n_rows`, with what the fault makes of them.

    Raises:
        UserError: see `read_questions`.
    """
    table, _ = read_questions(questions)
    answers = table["answer"].fillna(0).astype(int)
    texts = zip(table["prompt"], table[list(OPTION_COLUMNS)].to_numpy().tolist(), answers, strict=True)
    asked = islice(cycle(texts), n_rows)
    rows = [TestRow(str(n), prompt, tuple(own), answer) for n, (prompt, own, answer) in enumerate(asked)]
    return ODDITIES.get(fault, lambda rows: rows)(rows)


def write_rows(rows: list[TestRow], path: Path, fault: Fault) -> None:
    """Write test.csv, without the answers."""
    path.parent.mkdir(parents=True, exist_ok=True)
    is_windows = fault == "crlf"
    with path.open("w", encoding="utf-8-sig" if is_windows else "utf-8", newline="") as file:
        writer = csv.writer(file, lineterminator="\r\n" if is_windows else "\n")
        writer.writerow(["id", "prompt", *LETTERS])
        writer.writerows([row.id, row.prompt, *row.options] for row in rows)


def _set_odd_ids(rows: list[TestRow]) -> list[TestRow]:
    return [replace(row, id=ODD_IDS[n % len(ODD_IDS)].format(n)) for n, row in enumerate(rows)]


def _drop_options(rows: list[TestRow]) -> list[TestRow]:
    """A wrong option is missing in every third row, all are in one."""
    changed = list(rows)
    for n, row in list(enumerate(rows))[::3]:
        wrong = 0 if row.answer != 1 else 1
        options = [
            MISSING[n % len(MISSING)] if place == wrong else text for place, text in enumerate(row.options)
        ]
        changed[n] = replace(row, options=tuple(options))
    changed[-1] = replace(rows[-1], options=("",) * len(LETTERS))
    return changed


def _lengthen(rows: list[TestRow]) -> list[TestRow]:
    """Every fourth question is as long as a short story."""
    filler = "so it is said again and again " * (LONG_WORDS // 7)
    return [replace(row, prompt=filler + row.prompt) if n % 4 == 0 else row for n, row in enumerate(rows)]


def _repeat(rows: list[TestRow]) -> list[TestRow]:
    """Every fifth row stands twice."""
    return [row for n, row in enumerate(rows) for row in [row] * (1 + (n % 5 == 0))]


ODDITIES: dict[str, Callable[[list[TestRow]], list[TestRow]]] = {
    "odd-ids": _set_odd_ids,
    "nan-options": _drop_options,
    "long-prompts": _lengthen,
    "duplicate-rows": _repeat,
}
