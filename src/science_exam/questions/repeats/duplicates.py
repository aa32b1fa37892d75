"""Questions that are there twice: in a set in memory, or in one of a million rows that comes in chunks.

What is kept of a row is 188 bytes on disk (and its vector, 2 bytes a number, where there is an encoder);
texts are asked for again where a pair is looked at.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from science_exam.questions.repeats.contradictions import find_contradicting
from science_exam.questions.repeats.embeddings import Encode, find_alike
from science_exam.questions.repeats.overlap_index import BANDING
from science_exam.questions.repeats.row_codes import RowCodes
from science_exam.questions.repeats.wording import Row, join_options
from science_exam.repeats import measure_pairs, propose_pairs
from science_exam.signatures import Banding

SAME_QUESTION = "same prompt and right option as an earlier row"
CONTRADICTION = "contradicts another row"
NEAR_DUPLICATE = "near-duplicate of an earlier row"
PARAPHRASE = "paraphrase of an earlier row"

# Below an overlap of .5, where `BANDING` misses more and more: texts that overlap by .3 share a band
# with a chance of .998.
FINE_BANDING = Banding(n_bands=64, band_rows=2)
# Of the rows before it in a bucket, how many a row is paired with. Buckets of stock phrases are long, and
# what resembles a row is seldom their first.
N_BEFORE = 16

MIN_RELATED_OVERLAP = 0.5

FetchRows = Callable[[Sequence[int]], dict[int, Row]]


@dataclass(frozen=True)
class Duplicate:
    """Why a row goes, the row that it is like, and how much: overlap or cosine, 1 for the same."""

    reason: str
    row: int
    score: float


@dataclass(frozen=True)
class Duplicates:
    """What is there twice in a set.

    Attributes:
        gone: row -> why it goes.
        related: pairs (a < b) of rows that stay and overlap by `MIN_RELATED_OVERLAP` or more: not to be
            split over folds. int64 (pairs, 2).
    """

    gone: dict[int, Duplicate]
    related: np.ndarray


def find_near_duplicates(texts: Sequence[str], threshold: float) -> list[tuple[int, int]]:
    """Pairs (i, j), i < j, of texts whose word triples overlap by at least `threshold` (Jaccard).

    Shared bands of MinHash signatures propose candidates without comparing all pairs; each candidate
    is then verified on the real sets, so no pair is reported by chance. A pair right at the threshold
    may be missed: the hashing is probabilistic below certainty there. Of many texts that are alike,
    each is paired with the first and with the `N_BEFORE` before it.
    """
    banding = BANDING if threshold >= MIN_RELATED_OVERLAP else FINE_BANDING
    codes = banding.sign(texts)
    pairs = propose_pairs(lambda band: codes[:, band], banding.n_codes, N_BEFORE)
    measured = measure_pairs(pairs, lambda rows: {row: texts[row] for row in rows})
    return sorted((a, b) for a, b, overlap in measured if overlap >= threshold)


class DuplicateCheck:
    """Rows come in chunks, then duplicates are looked for among all of them; the earlier row stays."""

    def __init__(self, folder: Path, encode: Encode | None = None) -> None:
        """Start with no rows.

        Args:
            folder: empty; what is kept of the rows goes there.
            encode: texts -> unit vectors; None looks for no paraphrases.
        """
        self._codes = RowCodes(folder, encode)
        self.finds_paraphrases = encode is not None

    def add(self, rows: Sequence[Row]) -> None:
        """Take the next rows; the right option is the first of each."""
        self._codes.add(rows)

    def find(
        self, fetch_rows: FetchRows, near_duplicate: float = 0.8, min_cosine: float = 0.97
    ) -> Duplicates:
        """Look for duplicates among all rows.

        Args:
            fetch_rows: numbers of rows, from 0 in the order they were added -> these rows.
            near_duplicate: overlap of the word triples of prompt and options from which a row with the
                same right option goes, `MIN_RELATED_OVERLAP` or more. With another right option it is
                a sibling ("the lowest …", "the highest …"): it stays, in the same fold.
            min_cosine: of prompts with their right options, from which a row goes.
        """
        prompts, rights = self._codes.load_names()
        gone = {
            row: Duplicate(CONTRADICTION, other, 1.0)
            for row, other in find_contradicting(prompts, rights, fetch_rows).items()
        }
        for row, first in _find_same(prompts * np.uint64(3) + rights).items():
            gone.setdefault(row, Duplicate(SAME_QUESTION, first, 1.0))
        related = self._drop_overlapping(gone, rights, fetch_rows, near_duplicate)
        if self.finds_paraphrases:
            self._drop_paraphrases(gone, min_cosine)
        stays = [a not in gone and b not in gone for a, b in related]
        return Duplicates(_point_at_rest(gone), np.array(related, dtype=np.int64).reshape(-1, 2)[stays])

    def _drop_overlapping(
        self, gone: dict[int, Duplicate], rights: np.ndarray, fetch_rows: FetchRows, near_duplicate: float
    ) -> list[tuple[int, int]]:
        """Add near-duplicates to `gone`; returns the pairs that overlap less, but still a lot."""
        rest = self._list_rest(gone)
        proposed = propose_pairs(lambda band: self._codes.load_band(band)[rest], BANDING.n_codes, N_BEFORE)

        def fetch_texts(rows: Sequence[int]) -> dict[int, str]:
            return {number: join_options(row) for number, row in fetch_rows(rows).items()}

        related = []
        measured = measure_pairs(rest[proposed], fetch_texts, lambda a, b: a in gone or b in gone)
        for a, b, overlap in measured:
            if overlap >= near_duplicate and rights[a] == rights[b]:
                gone[b] = Duplicate(NEAR_DUPLICATE, a, overlap)
            elif overlap >= MIN_RELATED_OVERLAP:
                related.append((a, b))
        return related

    def _drop_paraphrases(self, gone: dict[int, Duplicate], min_cosine: float) -> None:
        rest = self._list_rest(gone)
        alike = find_alike(
            lambda start, stop: self._codes.load_vectors(rest[start:stop]), len(rest), min_cosine
        )
        for a, b, cosine in alike:
            a, b = int(rest[a]), int(rest[b])
            if a not in gone and b not in gone:
                gone[b] = Duplicate(PARAPHRASE, a, cosine)

    def _list_rest(self, gone: dict[int, Duplicate]) -> np.ndarray:
        stays = np.ones(self._codes.n_rows, dtype=bool)
        stays[list(gone)] = False
        return np.flatnonzero(stays)


def _point_at_rest(gone: dict[int, Duplicate]) -> dict[int, Duplicate]:
    """The same rows, each with one that stays: what it is like may have gone for another row later."""

    def follow(why: Duplicate) -> Duplicate:
        while why.reason != CONTRADICTION and why.row in gone and gone[why.row].reason != CONTRADICTION:
            why = replace(why, row=gone[why.row].row)
        return why

    return {row: follow(why) for row, why in gone.items()}


def _find_same(names: np.ndarray) -> dict[int, int]:
    """Row -> the first row of the same name, for all but the first."""
    _, first, inverse = np.unique(names, return_index=True, return_inverse=True)
    firsts = first[inverse]
    later = np.flatnonzero(firsts != np.arange(len(names)))
    return dict(zip(later.tolist(), firsts[later].tolist(), strict=True))
