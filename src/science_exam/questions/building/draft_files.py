"""Drafts on disk while a set is built: parts of 10,000, so that memory does not grow with the set."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import asdict
from itertools import islice
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from science_exam.files import whole_file
from science_exam.questions.drafts import Draft
from science_exam.questions.repeats.wording import Row

PART_DRAFTS = 10_000
SCHEMA = pa.schema(
    {
        "place": pa.string(),
        "source": pa.string(),
        "prompt": pa.string(),
        "right": pa.string(),
        "wrong": pa.list_(pa.string()),
        "contexts": pa.list_(pa.string()),
        "group": pa.string(),
        "passage_id": pa.string(),
        "generated": pa.bool_(),
        "question_id": pa.string(),
    }
)


def write_drafts(drafts: Iterable[Draft], folder: Path) -> list[Path]:
    """Write drafts into parts below `folder`, in their order; returns the parts."""
    drafts, parts = iter(drafts), []
    while chunk := list(islice(drafts, PART_DRAFTS)):
        parts.append(folder / f"part-{len(parts):05d}.parquet")
        with whole_file(parts[-1]) as partial:
            table = pa.Table.from_pylist([asdict(draft) for draft in chunk], schema=SCHEMA)
            pq.write_table(table, partial, compression="zstd")
    return parts


def read_part(part: Path) -> list[Draft]:
    """The drafts of a part."""
    rows = pq.read_table(part).to_pylist()
    return [Draft(**row | {name: tuple(row[name]) for name in ("wrong", "contexts")}) for row in rows]


def read_rows(part: Path, positions: Sequence[int] | None = None) -> list[Row]:
    """Prompt and options, the right one first, of some drafts of a part, or of all; contexts stay on disk."""
    columns = pq.read_table(part, columns=["prompt", "right", "wrong"])
    if positions is not None:
        columns = columns.take(pa.array(positions, pa.int64()))
    return [(row["prompt"], (row["right"], *row["wrong"])) for row in columns.to_pylist()]


def stream_drafts(parts: Iterable[Path]) -> Iterator[Draft]:
    """The drafts of all parts, in their order."""
    for part in parts:
        yield from read_part(part)
