"""Repeated passages: MinHash bands propose pairs, exact overlap of word triples decides.

Bands are looked at one at a time, over all passages, so that memory is 58 bytes a passage (2.3 GB
for 40 million) whatever their texts.
"""

from collections.abc import Callable, Sequence

import numpy as np

from science_exam.corpus.signatures import N_CODES
from science_exam.overlap import measure_overlap, word_triples

PAIRS_AT_ONCE = 200_000  # whose texts are in memory together

FetchTexts = Callable[[Sequence[int]], dict[int, str]]


def propose_pairs(load_band: Callable[[int], np.ndarray]) -> np.ndarray:
    """Pairs of rows (a < b), int64 (pairs, 2), in order of b, that share at least one code.

    In each band every row is paired with the first that has its code, so that a thousand copies
    make a thousand pairs and not half a million.

    Args:
        load_band: number of a band (the last: of whole texts) -> its codes, uint64 (passages,).
    """
    found = [_pair_with_first(load_band(band)) for band in range(N_CODES)]
    pairs = np.unique(np.concatenate(found)[:, ::-1], axis=0)  # sorted by (b, a)
    return pairs[:, ::-1]


def _pair_with_first(codes: np.ndarray) -> np.ndarray:
    """(first row with a code, later row with it) for all repeated codes, int64 (pairs, 2)."""
    order = np.argsort(codes, kind="stable")
    ordered = codes[order]
    starts = np.flatnonzero(np.diff(ordered, prepend=ordered[:1] + np.uint64(1)))
    first = np.repeat(order[starts], np.diff(starts, append=len(order)))
    pairs = np.stack([first, order], axis=1)
    return pairs[first != order]


def find_repeated(pairs: np.ndarray, fetch_texts: FetchTexts, threshold: float) -> dict[int, int]:
    """Repeated row -> the earlier row that stays, for pairs that overlap by at least `threshold`.

    Args:
        pairs: (a, b) with a < b, in order of b: when b is looked at, a's fate is known.
        fetch_texts: rows -> their texts.
        threshold: Jaccard similarity of word triples.
    """
    repeated: dict[int, int] = {}
    for start in range(0, len(pairs), PAIRS_AT_ONCE):
        batch = pairs[start : start + PAIRS_AT_ONCE].tolist()
        texts = fetch_texts(sorted({row for pair in batch for row in pair}))
        for a, b in batch:
            if a in repeated or b in repeated:
                continue
            if measure_overlap(word_triples(texts[a]), word_triples(texts[b])) >= threshold:
                repeated[b] = a
    return repeated
