"""One index, searched lexically and densely with several forms of each question."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

import pandas as pd

from science_exam.errors import UserError
from science_exam.retrieval.approximate import ApproximateIndex
from science_exam.retrieval.dense import CARRIED, ENCODER_FILE
from science_exam.retrieval.encoder import Encoder, EncoderSettings
from science_exam.retrieval.encoder_loading import choose_device, reload_encoder
from science_exam.retrieval.exact import search_exact
from science_exam.retrieval.fusion import FusionMethod, fuse_hits
from science_exam.retrieval.hits import NO_ROW, Hits
from science_exam.retrieval.lexical import LexicalIndex
from science_exam.retrieval.passages import PassageStore
from science_exam.retrieval.queries import QueryForm, merge_queries, write_queries
from science_exam.retrieval.vectors import VectorShards
from science_exam.runs import MANIFEST, find_changed, read_manifest, read_settings

LEXICAL, DENSE = "lexical", "dense"  # folders of an index, and names of its two kinds of search
MAKE_AGAIN = "delete its manifest.json and run make index, which makes what is missing"
APPROXIMATE = "approximate"  # the folder beside them for interactive search

Progress = Callable[[Iterable], Iterable]


@dataclass(frozen=True)
class Ranking:
    """The hits of one kind of search with one form of the questions."""

    kind: str
    form: str
    hits: Hits


class DenseIndex:
    """Vectors and the encoder that made them."""

    def __init__(self, folder: Path, approximate: Path | None = None) -> None:
        """Open the vectors in `folder` and load their encoder.

        Args:
            folder: data/index/<name>/dense.
            approximate: the index of the same vectors that answers instead of exact search, if any.

        Raises:
            UserError: vectors are missing or damaged, or the encoder cannot be loaded.
        """
        self.shards = VectorShards(folder)
        n_passages = read_manifest(folder)["results"]["passages"]
        if len(self.shards) != n_passages:  # row i would no longer be passage i
            raise UserError(
                f"{folder}: expected {n_passages} vectors, found {len(self.shards)}; {MAKE_AGAIN}"
            )
        self.approximate = ApproximateIndex.open(approximate, self.shards) if approximate else None
        settings = EncoderSettings.read(folder / ENCODER_FILE)
        if (carried := folder / CARRIED).is_dir():
            settings = replace(settings, name=str(carried))
        self.encoder: Encoder = reload_encoder(settings, choose_device())

    def __len__(self) -> int:
        return len(self.shards)

    def search(self, queries: list[str], k: int, progress: Progress = iter) -> Hits:
        """The best passages of each query; see `search_exact`."""
        vectors = self.encoder.encode_queries(queries)
        if self.approximate:
            return self.approximate.search(vectors, k)
        return search_exact(self.shards, vectors, k, str(self.encoder.device), progress)


@dataclass(frozen=True)
class Library:
    """The passages of a corpus and what searches them, by kind."""

    store: PassageStore
    indexes: dict[str, LexicalIndex | DenseIndex]


def open_library(folder: Path, kinds: Iterable[str], corpus: str = "", interactive: bool = False) -> Library:
    """Open the index in `folder` and its corpus.

    Args:
        folder: data/index/<name>.
        kinds: which kinds of search are wanted; those that the index was not made with are left out.
        corpus: folder of the corpus, when it is not where it was indexed.
        interactive: for single queries: search the vectors by their approximate index, if there is one.

    Raises:
        UserError: none of the kinds is there, one is damaged, or corpus and index do not belong together.
    """
    found = [kind for kind in kinds if (folder / kind).is_dir()]
    for kind in found:
        read_manifest(folder / kind)  # a kill in the middle of it must not make "fused" lexical alone
    if not found:
        raise UserError(f"{folder}: no finished {' or '.join(kinds)} index there; make it with: make index")
    settings = read_settings(folder / found[0])
    store = PassageStore(Path(corpus or settings["corpus"]) / "passages")
    approximate = _find_approximate(folder) if interactive else None
    openers = {
        LEXICAL: LexicalIndex.open,
        DENSE: partial(DenseIndex, approximate=approximate),
    }
    made_of = store.parts[0].parent / MANIFEST
    for kind in found:
        if find_changed(folder / kind, [made_of]):
            raise UserError(
                f"{folder / kind}: made of other passages than those in {made_of.parent}; make it again "
                f"with: make index (overwrite=true)"
            )
    library = Library(store, {kind: openers[kind](folder / kind) for kind in found})
    for kind, index in library.indexes.items():
        if len(index) != len(store):
            raise UserError(f"{folder / kind}: has {len(index)} rows for {len(store)} passages; {MAKE_AGAIN}")
    return library


def _find_approximate(folder: Path) -> Path | None:
    """The finished index for interactive search, if there is one of these vectors."""
    approximate = folder / APPROXIMATE
    if not (approximate / MANIFEST).is_file():
        return None
    if find_changed(approximate, [folder / DENSE / MANIFEST]):
        raise UserError(f"{approximate}: made of other vectors; delete it and run make index again")
    return approximate


def search_questions(
    indexes: dict[str, LexicalIndex | DenseIndex],
    questions: pd.DataFrame,
    forms: Iterable[QueryForm],
    depth: int,
    show: Callable[[str], Progress] = lambda kind: iter,
) -> list[Ranking]:
    """The best `depth` passages of every question, for each index and each form of the questions.

    Args:
        indexes: by kind of search.
        questions: a questions table.
        forms: of the questions.
        depth: passages a question.
        show: kind of search -> what wraps the iterator over its shards (tqdm).
    """
    queries = {form: write_queries(questions, form) for form in forms}
    # All forms at once: an index larger than the memory is read through for every search.
    flat = [query for own in queries.values() for several in own for query in several]
    rankings = []
    for kind, index in indexes.items():
        hits, start = index.search(flat, depth, progress=show(kind)), 0
        for form, own in queries.items():
            per_question = len(own[0])
            stop = start + len(own) * per_question
            merged = merge_queries(hits.select(slice(start, stop)), per_question, depth)
            rankings.append(Ranking(kind, form, merged))
            start = stop
    return rankings


def fuse_rankings(
    rankings: list[Ranking], lexical_weight: float, k: int, method: FusionMethod = "convex"
) -> Hits:
    """All rankings as one; the forms of one kind of search share its weight evenly."""
    kinds = {ranking.kind for ranking in rankings}
    weight = (
        {LEXICAL: lexical_weight, DENSE: 1 - lexical_weight} if len(kinds) > 1 else dict.fromkeys(kinds, 1)
    )
    used = [ranking for ranking in rankings if weight[ranking.kind] > 0]
    return fuse_hits([r.hits for r in used], [weight[r.kind] for r in used], k, method)


def find_passages(
    library: Library, query: str, k: int, lexical_weight: float, depth: int = 100
) -> tuple[pd.DataFrame, list[float]]:
    """The `k` best passages for one query, best first, and their fused scores."""
    rankings = [
        Ranking(kind, "question", index.search([query], depth)) for kind, index in library.indexes.items()
    ]
    best = fuse_rankings(rankings, lexical_weight, k)
    rows = best.rows[0][best.rows[0] != NO_ROW]
    return library.store.fetch(rows).loc[rows], best.scores[0][: len(rows)].tolist()
