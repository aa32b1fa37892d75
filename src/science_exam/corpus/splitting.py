"""Articles -> passages: each part of articles becomes a part of passages; then repeated ones go."""

import shutil
from collections.abc import Callable, Iterable
from dataclasses import asdict, dataclass
from functools import lru_cache, partial
from itertools import accumulate, pairwise
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from science_exam.corpus.articles import restore_articles
from science_exam.corpus.passages import Passage, load_token_counter, split_article
from science_exam.files import whole_file
from science_exam.repeats import find_repeated, propose_pairs
from science_exam.signatures import Banding
from science_exam.tables import ARTICLES, PASSAGES, REPEATED, count_rows, read_column, read_table, write_table
from science_exam.workers import run_tasks

# Below the folder of the passages, while they are made.
SPLIT = "split"

# Passages whose word triples overlap by .8 share a band with a chance of .9998, by .5 of .64, by .2 of .025;
# 17 codes of 8 bytes are 136 bytes a passage.
BANDING = Banding(n_bands=16, band_rows=4)

# Counting tokens is the same for every part of a worker.
_load_counter = lru_cache(maxsize=1)(load_token_counter)


@dataclass(frozen=True)
class _Task:
    articles: Path
    part: Path
    max_tokens: int
    overlap_tokens: int
    tokenizer: str
    sign: bool


def split_parts(
    articles: list[Path],
    folder: Path,
    max_tokens: int,
    overlap_tokens: int,
    tokenizer: str,
    near_duplicate: float,
    n_workers: int,
    cluster: bool = False,
    progress: Callable[[Iterable], Iterable] = iter,
) -> dict[str, int]:
    """Write the passages of parts of articles to `folder`, skipping parts that are done.

    Args:
        articles: the parts of an articles table.
        folder: gets a part of passages for each.
        max_tokens: of a passage.
        overlap_tokens: that neighbouring passages share.
        tokenizer: what counts tokens; see `load_token_counter`.
        near_duplicate: overlap from which a passage is left out as repeated; 0 keeps all.
        n_workers: processes.
        cluster: use Ray.
        progress: wraps the iterator over parts (tqdm).

    Returns:
        Numbers of passages kept and left out as repeated.
    """
    split = [folder / SPLIT / path.name for path in articles]
    kept = [folder / path.name for path in articles]
    listed = folder / "repeated.parquet"
    # Else an earlier call did all this, and was interrupted while it cleared up or behind that.
    if not all(path.is_file() for path in (listed, *kept)):
        tasks = (
            _Task(path, part, max_tokens, overlap_tokens, tokenizer, sign=near_duplicate > 0)
            for path, part in zip(articles, split, strict=True)
            if not part.is_file()
        )
        for _ in progress(run_tasks(_split_part, tasks, n_workers, cluster)):
            pass
        if not listed.is_file():
            write_table(_list_repeated(split, near_duplicate), REPEATED, listed)
        _keep_rest(split, read_table(REPEATED, listed)["row"].to_numpy(), kept)
    shutil.rmtree(folder / SPLIT, ignore_errors=True)
    n_rows = sum(map(count_rows, kept))
    return {"passages": n_rows, "repeated": count_rows(listed)}


def _split_part(task: _Task) -> None:
    """Write one part's signatures and then its passages, whose presence says that it is done."""
    count_tokens = _load_counter(task.tokenizer)
    # Within a part the same passage twice would be the same key twice.
    passages: dict[str, Passage] = {}
    for article in restore_articles(read_table(ARTICLES, task.articles)):
        for passage in split_article(article, task.max_tokens, task.overlap_tokens, count_tokens):
            passages.setdefault(passage.passage_id, passage)
    if task.sign:
        signatures = BANDING.sign([passage.text for passage in passages.values()])
        _write_array(signatures, _signatures(task.part))
    frame = pd.DataFrame(map(asdict, passages.values()), columns=list(PASSAGES.columns))
    write_table(frame, PASSAGES, task.part)


def _signatures(part: Path) -> Path:
    return part.with_suffix(".signatures.npy")


def _write_array(array: np.ndarray, path: Path) -> None:
    with whole_file(path) as partial, partial.open("wb") as file:
        np.save(file, array, allow_pickle=False)


def _list_repeated(parts: list[Path], threshold: float) -> pd.DataFrame:
    """The passages that repeat an earlier one, and which."""
    if not threshold:
        return pd.DataFrame(columns=list(REPEATED.columns))
    signatures = [np.load(_signatures(part), mmap_mode="r", allow_pickle=False) for part in parts]
    starts = [0, *accumulate(len(codes) for codes in signatures)]
    pairs = propose_pairs(partial(_load_band, signatures), BANDING.n_codes)
    fetch = partial(_fetch_column, parts, starts)
    kept = find_repeated(pairs, partial(fetch, "text"), threshold)
    names = fetch("passage_id", sorted({*kept, *kept.values()}))
    articles = fetch("article_id", sorted(kept))
    rows = [(row, names[row], articles[row], names[kept[row]]) for row in sorted(kept)]
    return pd.DataFrame(rows, columns=list(REPEATED.columns))


def _load_band(signatures: list[np.ndarray], band: int) -> np.ndarray:
    """The codes of one band over all parts, uint64 (passages,)."""
    return np.concatenate([codes[:, band] for codes in signatures])


def _fetch_column(parts: list[Path], starts: list[int], name: str, rows: list[int]) -> dict[int, str]:
    """Row -> its value in a column, for rows over all parts."""
    wanted, values = np.array(rows), {}
    for part, (start, stop) in zip(parts, pairwise(starts), strict=True):
        own = wanted[(start <= wanted) & (wanted < stop)]
        if len(own):
            column = read_column(part, name)
            values |= {row: column[row - start] for row in own.tolist()}
    return values


def _keep_rest(split: list[Path], repeated: np.ndarray, kept: list[Path]) -> None:
    """Write the parts in `kept` that are not there yet: those in `split` without the repeated rows."""
    start = 0
    for part, path in zip(split, kept, strict=True):
        rows = np.arange(start, start := start + count_rows(part))
        if path.is_file():
            continue
        stays = ~np.isin(rows, repeated)
        with whole_file(path) as partial:
            if stays.all():
                partial.unlink(missing_ok=True)
                partial.hardlink_to(part)  # the same bytes twice would double the disk that is needed
            else:
                pq.write_table(pq.read_table(part).filter(pa.array(stays)), partial, compression="zstd")
