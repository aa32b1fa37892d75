"""Repeated texts: shared codes propose pairs, exact overlap of word triples decides.

Codes are looked at one band at a time, over all texts, and texts are fetched for a batch of pairs at a
time, so that memory is the codes of one band and the pairs, whatever the texts.
"""

from collections.abc import Callable, Iterator, Sequence

import numpy as np

from science_exam.overlap import measure_overlap, word_triples

PAIRS_AT_ONCE = 200_000  # whose texts are in memory together
ROW_BITS = np.int64(32)

FetchTexts = Callable[[Sequence[int]], dict[int, str]]


def propose_pairs(load_band: Callable[[int], np.ndarray], n_codes: int, n_before: int = 0) -> np.ndarray:
    """Pairs of rows (a < b), int64 (pairs, 2), in order of b, that share at least one code.

    In each band every row is paired with the first that has its code, so that a thousand copies
    make a thousand pairs and not half a million.

    Args:
        load_band: number of a band (the last: of whole texts) -> its codes, unsigned (rows,).
        n_codes: number of bands, with that of whole texts.
        n_before: of the rows with its code, how many right before it each row is paired with as well:
            rows that resemble each other but not the first are found too.
    """
    found = np.empty(0, dtype=np.int64)
    for band in range(n_codes):
        found = np.union1d(found, _pair_equal(load_band(band), n_before))
    return np.stack([found & np.int64(2**32 - 1), found >> ROW_BITS], axis=1)


def _pair_equal(codes: np.ndarray, n_before: int) -> np.ndarray:
    """Pairs (a, b) of rows with the same code, as b 2^32 + a: in the order of numbers, b comes first."""
    order = np.argsort(codes, kind="stable")
    ordered = codes[order]
    places = np.arange(len(order))
    starts_run = np.ones(len(order), dtype=bool)
    starts_run[1:] = ordered[1:] != ordered[:-1]
    start = np.maximum.accumulate(places * starts_run)  # place of the first with the same code
    later = places[~starts_run]
    pairs = [(order[later] << ROW_BITS) + order[start[later]]]
    for distance in range(1, n_before + 1):
        later = later[later - distance > start[later]]  # the first itself is paired already
        pairs.append((order[later] << ROW_BITS) + order[later - distance])
    return np.concatenate(pairs)


def measure_pairs(
    pairs: np.ndarray,
    fetch_texts: FetchTexts,
    is_settled: Callable[[int, int], bool] = lambda a, b: False,
) -> Iterator[tuple[int, int, float]]:
    """(a, b, overlap of their word triples) of every pair, in order, but for those settled by then.

    Args:
        pairs: of rows, int64 (pairs, 2).
        fetch_texts: rows -> their texts.
        is_settled: asked before a pair is measured, when what came before has been taken.
    """
    for start in range(0, len(pairs), PAIRS_AT_ONCE):
        batch = pairs[start : start + PAIRS_AT_ONCE].tolist()
        texts = fetch_texts(sorted({row for pair in batch for row in pair}))
        for a, b in batch:
            if not is_settled(a, b):
                yield a, b, measure_overlap(word_triples(texts[a]), word_triples(texts[b]))


def find_repeated(pairs: np.ndarray, fetch_texts: FetchTexts, threshold: float) -> dict[int, int]:
    """Repeated row -> the earlier row that stays, for pairs that overlap by at least `threshold`.

    Args:
        pairs: (a, b) with a < b, in order of b: when b is looked at, a's fate is known.
        fetch_texts: rows -> their texts.
        threshold: Jaccard similarity of word triples.
    """
    repeated: dict[int, int] = {}
    for a, b, overlap in measure_pairs(pairs, fetch_texts, lambda a, b: a in repeated or b in repeated):
        if overlap >= threshold:
            repeated[b] = a
    return repeated
