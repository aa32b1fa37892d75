"""Dumps and text files -> articles -> passages.

    make corpus SOURCES="path/to/dump.xml.bz2 path/to/folder" CORPUS=wiki
    python scripts/corpus.py name=sample sources=data/sample/articles.jsonl

Writes data/corpus/<name>/articles and data/corpus/<name>/passages, in parts; finished parts are
kept when it is interrupted.
"""

from collections.abc import Callable
from dataclasses import asdict
from functools import partial
from pathlib import Path

from tqdm import tqdm

from science_exam.cli import run_script
from science_exam.corpus.config import CorpusConfig
from science_exam.runs import MANIFEST, Run
from science_exam.tables import list_parts
from science_exam.workers import count_workers


def main(config: CorpusConfig, name: str) -> None:
    folder = Path("data/corpus") / (config.name or name or "sample")
    make_articles(config, folder / "articles")
    make_passages(config, folder / "passages", folder / "articles")


def make_articles(config: CorpusConfig, folder: Path) -> None:
    from science_exam.corpus.cleaning import clean_sources
    from science_exam.corpus.dumps import list_files

    files = list_files(sources := [Path(source) for source in config.sources])
    # The order of the files, the size of blocks and who cuts them decide which part is which.
    settings = {"files": [f"{file.parent.name}/{file.name}" for file in files], "cluster": config.cluster}
    settings |= {"filter": asdict(config.filter), "block_bytes": config.block_bytes}
    clean = partial(clean_sources, sources, folder, config.filter, config.block_bytes)
    finish(config, Run(folder, settings, files, config.overwrite), clean, " blocks")


def make_passages(config: CorpusConfig, folder: Path, articles: Path) -> None:
    from science_exam.corpus.splitting import split_parts

    settings = asdict(config.passages)
    split = partial(split_parts, list_parts(articles, "make them with: make corpus"), folder, **settings)
    finish(config, Run(folder, settings, [articles / MANIFEST], config.overwrite), split, " parts")


def finish(config: CorpusConfig, run: Run, make: Callable[..., dict[str, int]], unit: str) -> None:
    if not run.finished:
        run.begin()
        workers, show = count_workers(config.workers), partial(tqdm, unit=unit)
        counts = make(n_workers=workers, cluster=config.cluster, progress=show)
        run.finish(dict(counts))
        print(f"{run.folder}: {', '.join(f'{number:,} {what}' for what, number in counts.items())}")


if __name__ == "__main__":
    run_script(main, CorpusConfig, "corpus")
