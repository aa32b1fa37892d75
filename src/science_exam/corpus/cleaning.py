"""Sources -> articles: one part file a block, made by as many workers as there are."""

import json
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from science_exam.corpus.articles import tabulate_articles
from science_exam.corpus.dumps import plan_blocks, read_block
from science_exam.corpus.filters import ArticleFilter
from science_exam.corpus.sources import Block
from science_exam.files import write_text
from science_exam.tables import ARTICLES, write_table
from science_exam.workers import run_tasks


@dataclass(frozen=True)
class _Task:
    block: Block
    article_filter: ArticleFilter
    folder: Path


def clean_sources(
    sources: Sequence[Path],
    folder: Path,
    article_filter: ArticleFilter,
    block_bytes: int,
    n_workers: int,
    cluster: bool = False,
    progress: Callable[[Iterable], Iterable] = iter,
) -> Counter[str]:
    """Write the articles of `sources` to `folder`, skipping blocks that are done.

    Args:
        sources: files and folders.
        folder: gets `part-<block>.parquet` and, beside each, its counts.
        article_filter: which articles stay.
        block_bytes: about how much of a source a worker holds at a time.
        n_workers: processes.
        cluster: use Ray.
        progress: wraps the iterator over blocks (tqdm).

    Returns:
        What was read and what became of it, over all blocks.

    Raises:
        UserError: a source is missing, unknown or damaged; finished blocks stay.
    """
    tasks = (
        _Task(block, article_filter, folder)
        # A cluster gets descriptions only: bytes of a stream would all pass through this process.
        for block in plan_blocks(sources, block_bytes, inline=not cluster)
        if not _part(folder, block).is_file()
    )
    for _ in progress(run_tasks(_clean_block, tasks, n_workers, cluster)):
        pass
    total: Counter[str] = Counter()
    for path in sorted(folder.glob("counts-*.json")):
        total += Counter(json.loads(path.read_text(encoding="utf-8")))
    return total


def _part(folder: Path, block: Block) -> Path:
    return folder / f"part-{block.name}.parquet"


def _clean_block(task: _Task) -> str:
    """Write one block's counts and then its articles, whose presence says that it is done."""
    counts: Counter[str] = Counter()
    articles = []
    for article in read_block(task.block, counts):
        if task.article_filter.accepts(article):
            articles.append(article)
        else:
            counts["filtered out"] += 1
    counts["kept"] = len(articles)
    write_text(task.folder / f"counts-{task.block.name}.json", json.dumps(counts))
    write_table(tabulate_articles(articles), ARTICLES, _part(task.folder, task.block))
    return task.block.name
