"""MinHash signatures of texts, cut into bands: near-duplicates share a band.

Broder, On the resemblance and containment of documents (1997); banding as in Leskovec, Rajaraman
and Ullman, Mining of Massive Datasets, chapter 3.

With b bands of r hash functions, texts whose word triples overlap by s (Jaccard) share a band with a
chance of 1 - (1 - s^r)^b. One more code is that of all triples together: by it copies find each other
where texts that resemble both come first in all their bands.
"""

import hashlib
import zlib
from collections.abc import Iterator, Sequence
from functools import lru_cache
from itertools import accumulate

import numpy as np

from science_exam.overlap import TRIPLE, WORD

SEED = 20_230_711
TEXTS_AT_ONCE = 256  # whose triples are hashed together: enough to hide the cost of a call


class Banding:
    """Hash functions in bands; the same numbers of both give the same codes in every process.

    Attributes:
        n_bands: number of bands.
        band_rows: hash functions in a band.
        n_functions: hash functions in all.
        n_codes: of a text: one a band and one of the whole.
    """

    def __init__(self, n_bands: int, band_rows: int) -> None:
        self.n_bands, self.band_rows = n_bands, band_rows
        self.n_functions, self.n_codes = n_bands * band_rows, n_bands + 1
        random = np.random.default_rng(SEED)
        # Hash function i of a triple's 64-bit code h: the upper 32 bits of (a_i h + b_i) mod 2^64, a_i odd.
        self._factors = _draw_odd(random, self.n_functions)
        self._summands = random.integers(0, 2**63, self.n_functions, dtype=np.uint64)
        self._places = _draw_odd(random, TRIPLE)
        self._band_factors = _draw_odd(random, band_rows)

    def sign(self, texts: Sequence[str]) -> np.ndarray:
        """Codes of the bands and of the whole, uint64 (texts, `n_codes`)."""
        signatures = np.empty((len(texts), self.n_codes), dtype=np.uint64)
        for rows, triples in self._hash_batches(texts):
            bands = self._minimise(triples).reshape(len(triples), self.n_bands, self.band_rows)
            signatures[rows, : self.n_bands] = (bands * self._band_factors).sum(axis=2, dtype=np.uint64)
            signatures[rows, self.n_bands] = [_hash_all(own) for own in triples]
        return signatures

    def find_minima(self, texts: Sequence[str]) -> np.ndarray:
        """The least value of every hash function in each text, uint64 below 2^32 (texts, `n_functions`)."""
        minima = np.empty((len(texts), self.n_functions), dtype=np.uint64)
        for rows, triples in self._hash_batches(texts):
            minima[rows] = self._minimise(triples)
        return minima

    def hash_triples(self, text: str) -> np.ndarray:
        """Sorted codes of the distinct runs of three lower-case words, uint64; a shorter text is one run."""
        words = np.array([_hash_word(word) for word in WORD.findall(text.lower())], dtype=np.uint64)
        if len(words) < TRIPLE:
            words = np.pad(words, (0, TRIPLE - len(words)))
        first, second, third = self._places
        return np.unique(words[:-2] * first + words[1:-1] * second + words[2:] * third)

    def _hash_batches(self, texts: Sequence[str]) -> Iterator[tuple[slice, list[np.ndarray]]]:
        """Rows and the triples of their texts, a batch at a time."""
        for start in range(0, len(texts), TEXTS_AT_ONCE):
            triples = [self.hash_triples(text) for text in texts[start : start + TEXTS_AT_ONCE]]
            yield slice(start, start + len(triples)), triples

    def _minimise(self, triples: list[np.ndarray]) -> np.ndarray:
        together = np.concatenate(triples)
        starts = [0, *accumulate(len(own) for own in triples[:-1])]
        minima = np.empty((len(triples), self.n_functions), dtype=np.uint64)
        for number, (factor, summand) in enumerate(zip(self._factors, self._summands, strict=True)):
            minima[:, number] = np.minimum.reduceat((together * factor + summand) >> np.uint64(32), starts)
        return minima


def _draw_odd(random: np.random.Generator, n_numbers: int) -> np.ndarray:
    return random.integers(1, 2**63, n_numbers, dtype=np.uint64) * np.uint64(2) + np.uint64(1)


def _hash_all(triples: np.ndarray) -> int:
    return int.from_bytes(hashlib.blake2b(triples.tobytes(), digest_size=8).digest())


@lru_cache(maxsize=1_000_000)
def _hash_word(word: str) -> int:
    """A code that is the same in every process and on every machine, unlike `hash`."""
    return zlib.crc32(word.encode())
