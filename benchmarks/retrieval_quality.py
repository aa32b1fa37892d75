"""Recall@1/5/10 and nDCG@10, with 95% intervals, of every way to search an index.

    python benchmarks/retrieval_quality.py data/index/all data/raw/retrieval/stem_1k.questions/stem_1k.jsonl

A hit is relevant when its passage belongs to a gold article, or stands for one that was left out as
repeated. nDCG looks at articles: their best passage counts, later ones are passed over.
`misses=FILE` writes the questions that the fused search misses at 10, with what it found instead.
"""

import json
import sys
from pathlib import Path

import numpy as np
import pandas as pd

from science_exam.evaluation.intervals import bootstrap_difference, bootstrap_mean
from science_exam.evaluation.metrics import ndcg_at, recall_at
from science_exam.retrieval.config import RetrieveConfig
from science_exam.retrieval.hits import NO_ROW, Hits
from science_exam.retrieval.search import (
    DENSE,
    LEXICAL,
    Library,
    fuse_rankings,
    open_library,
    search_questions,
)
from science_exam.tables import OPTION_COLUMNS, REPEATED, read_table

DEPTH, K = 100, 10
CONFIG = RetrieveConfig()
WEIGHTS = np.round(np.arange(0, 1.01, 0.1), 1)


def read_questions(path: Path) -> tuple[pd.DataFrame, list[set[str]]]:
    records = [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]
    rows = [{"prompt": r["prompt"], **dict(zip(OPTION_COLUMNS, r["options"], strict=True))} for r in records]
    return pd.DataFrame(rows), [set(record["gold"]) for record in records]


class Judge:
    """Which rows belong to which articles."""

    def __init__(self, library: Library, gold: list[set[str]]) -> None:
        self.gold = gold
        self.articles: dict[int, set[str]] = {}
        ids = {}
        for number, start in enumerate(library.store.starts[:-1]):
            part = library.store.read_part(number)
            for row, (passage, article) in enumerate(
                zip(part["passage_id"], part["article_id"], strict=True), start
            ):
                self.articles[row] = {article}
                ids[passage] = row
        repeated = read_table(REPEATED, library.store.parts[0].parent / "repeated.parquet")
        for article, kept in zip(repeated["article_id"], repeated["kept_id"], strict=True):
            self.articles[ids[kept]].add(article)

    def measure(self, hits: Hits) -> dict[str, np.ndarray]:
        """R@1, R@5, R@10 and nDCG@10 of each question."""
        relevant = np.zeros(hits.rows.shape, dtype=bool)
        by_article = np.zeros(hits.rows.shape, dtype=bool)
        for number, (rows, gold) in enumerate(zip(hits.rows, self.gold, strict=True)):
            seen: set[str] = set()
            place = 0
            for column, row in enumerate(rows[rows != NO_ROW]):
                articles = self.articles[row]
                relevant[number, column] = bool(articles & gold)
                if new := articles - seen:
                    by_article[number, place] = bool(new & gold)
                    place += 1
                    seen |= articles
        sizes = np.array([len(gold) for gold in self.gold])
        recalls = {f"R@{k}": recall_at(relevant, k) for k in (1, 5, K)}
        return recalls | {"nDCG@10": ndcg_at(by_article, sizes, K)}


def show(name: str, measured: dict[str, np.ndarray]) -> None:
    print(
        f"| {name} | " + " | ".join(str(bootstrap_mean(values)) for values in measured.values()) + " |",
        flush=True,
    )


def main(index: Path, path: Path, misses: str) -> None:
    questions, gold = read_questions(path)
    has_options = questions[list(OPTION_COLUMNS)].ne("").any(axis=None)
    forms = ("question", "all_options", "each_option") if has_options else ("question",)
    default = [form for form in CONFIG.queries if form in forms]
    library = open_library(index, (LEXICAL, DENSE))
    judge = Judge(library, gold)
    rankings = search_questions(library.indexes, questions, forms, DEPTH)
    print(f"\n{path.stem}: {len(questions):,} questions, {len(library.store):,} passages\n")
    print("| search | R@1 | R@5 | R@10 | nDCG@10 |\n| --- | --- | --- | --- | --- |")
    for ranking in rankings:
        show(f"{ranking.kind}, {ranking.form}", judge.measure(ranking.hits))
    used = [ranking for ranking in rankings if ranking.form in default]
    measured = {}
    for kind in library.indexes:
        measured[kind] = judge.measure(fuse_rankings([r for r in used if r.kind == kind], 0.5, DEPTH))
        if len(default) > 1:
            show(f"{kind}, {' + '.join(default)}", measured[kind])
    by_rank = fuse_rankings(used, CONFIG.lexical_weight, DEPTH, "reciprocal_rank")
    show("fused by reciprocal ranks", judge.measure(by_rank))
    tried = {w: judge.measure(fuse_rankings(used, float(w), DEPTH)) for w in WEIGHTS}
    fused = tried[CONFIG.lexical_weight]
    show(f"**fused, weight {CONFIG.lexical_weight}**", fused)
    best = max(tried, key=lambda w: tried[w]["nDCG@10"].mean())
    show(f"fused, weight {best} (the best here)", tried[best])
    print()
    for kind, scores in measured.items():
        for name in ("R@10", "nDCG@10"):
            print(f"fused - {kind}: {name} {bootstrap_difference(fused[name], scores[name])}")
    if misses:
        write_misses(
            Path(misses),
            library,
            questions,
            fuse_rankings(used, CONFIG.lexical_weight, K),
            fused["R@10"],
            gold,
        )


def write_misses(
    path: Path, library: Library, questions: pd.DataFrame, hits: Hits, found: np.ndarray, gold
) -> None:
    missed = np.flatnonzero(found == 0)
    texts = library.store.fetch(hits.rows[missed][hits.rows[missed] != NO_ROW])["text"]
    records = [
        {
            **questions.iloc[number].to_dict(),
            "gold": sorted(gold[number]),
            "found": [texts[row] for row in hits.rows[number] if row != NO_ROW],
        }
        for number in missed
    ]
    path.write_text(json.dumps(records, ensure_ascii=False, indent=1), encoding="utf-8")


if __name__ == "__main__":
    words = [word for word in sys.argv[1:] if not word.startswith("misses=")]
    misses = next((w.removeprefix("misses=") for w in sys.argv[1:] if w.startswith("misses=")), "")
    main(Path(words[0]), Path(words[1]), misses)
