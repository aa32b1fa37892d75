"""Parquet files with a row for every article: `text`, and perhaps id, url, title.

Hugging Face's `wikimedia/wikipedia` is of this kind. Blocks are ranges of row groups.
"""

from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from science_exam.corpus.articles import Article
from science_exam.corpus.records import Record, make_article
from science_exam.corpus.sources import Block
from science_exam.errors import UserError

COLUMNS = ("id", "url", "title", "text", "source", "licence", "license", "categories")
BATCH_ROWS = 256  # in memory at once, beside the compressed pages of their row group


def plan_row_groups(whole: Block, block_bytes: int) -> Iterator[Block]:
    """Blocks of row groups of at least `block_bytes` before compression.

    Raises:
        UserError: no Parquet file, or no `text` column.
    """
    with _open(whole.path) as file:
        if "text" not in file.schema_arrow.names:
            names = ", ".join(file.schema_arrow.names)
            raise UserError(f"{whole.path}: expected a column text, found {names!r:.200}")
        start = n_bytes = 0
        for group in range(file.num_row_groups):
            n_bytes += file.metadata.row_group(group).total_byte_size
            if n_bytes >= block_bytes or group + 1 == file.num_row_groups:
                yield replace(whole, start=start, stop=group + 1)
                start, n_bytes = group + 1, 0


def read_rows(block: Block, counts: Counter[str]) -> Iterator[Article]:
    """The articles of a block's rows; see `make_article`.

    Raises:
        UserError: a damaged file, text that is not UTF-8, a value of the wrong type.
    """
    with _open(block.path) as file:
        row = sum(file.metadata.row_group(group).num_rows for group in range(block.start))
        columns = [name for name in COLUMNS if name in file.schema_arrow.names]
        groups = list(range(block.start, block.stop))
        for batch in file.iter_batches(BATCH_ROWS, groups, columns):
            for values in batch.to_pylist():
                row += 1

                def locate(row: int = row) -> str:
                    return f"{block.path}: row {row}"

                if article := make_article(Record(values, locate), block.source, row, counts):
                    yield article


@contextmanager
def _open(path: Path) -> Iterator[pq.ParquetFile]:
    try:
        with pq.ParquetFile(path, pre_buffer=False) as file:
            yield file
    except (pa.ArrowException, OSError, UnicodeDecodeError) as error:
        raise UserError(f"{path}: expected a whole Parquet file: {error}; download it again") from None
