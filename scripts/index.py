"""Passages -> a lexical index (BM25) and their vectors.

    make index CORPUS=sample
    python scripts/index.py corpus=data/corpus/sample encoder.name=intfloat/e5-base-v2

Writes data/index/<name>/lexical, …/dense and, when asked for, …/approximate. Each is a run of its
own: finished ones are skipped, and encoding goes on with the first part that is missing.
"""

from dataclasses import asdict
from pathlib import Path

from science_exam.cli import run_script
from science_exam.retrieval.config import IndexConfig
from science_exam.runs import MANIFEST, Run


def main(config: IndexConfig, _: str) -> None:
    from science_exam.retrieval import indexing
    from science_exam.retrieval.passages import PassageStore

    passages = Path(config.corpus) / "passages"
    folder = Path("data/index") / (config.name or Path(config.corpus).name)
    store, corpus = PassageStore(passages), {"corpus": config.corpus}

    def open_index(kind: str, settings: dict, source: Path) -> Run:
        return Run(folder / kind, settings, [source / MANIFEST], config.overwrite)

    indexing.index_lexically(store, open_index("lexical", corpus, passages), config.shard_passages)
    if config.encoder.name:
        run = open_index("dense", corpus | asdict(config.encoder), passages)
        indexing.index_densely(store, run, config.encoder, config.cluster)
    if config.approximate_gb:
        run = open_index("approximate", {"approximate_gb": config.approximate_gb}, folder / "dense")
        indexing.index_approximately(run, folder / "dense", config.approximate_gb)


if __name__ == "__main__":
    run_script(main, IndexConfig, "index")
