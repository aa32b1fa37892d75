"""MinHash signatures of passages, cut into bands: near-duplicates share a band.

Broder, On the resemblance and containment of documents (1997); banding as in Leskovec, Rajaraman
and Ullman, Mining of Massive Datasets, chapter 3.

64 hash functions in 16 bands of 4: texts whose word triples overlap by .8 (Jaccard) share a band
with a chance of 1 - (1 - .8^4)^16 = .9998, by .5 of .64, by .2 of .025. A 17th code is that of all
triples together: by it copies find each other where texts that resemble both come first in all their
bands. 17 codes of 8 bytes are 136 bytes a passage.
"""

import hashlib
import zlib
from collections.abc import Sequence
from functools import lru_cache

import numpy as np

from science_exam.overlap import TRIPLE, WORD

N_BANDS, BAND_ROWS = 16, 4
N_CODES = N_BANDS + 1

# Hash function i of a triple's 64-bit code h: the upper 32 bits of (a_i h + b_i) mod 2^64, a_i odd.
_RANDOM = np.random.default_rng(20_230_711)
_FACTORS = _RANDOM.integers(1, 2**63, N_BANDS * BAND_ROWS, dtype=np.uint64) * np.uint64(2) + np.uint64(1)
_SUMMANDS = _RANDOM.integers(0, 2**63, N_BANDS * BAND_ROWS, dtype=np.uint64)
_PLACES = _RANDOM.integers(1, 2**63, TRIPLE, dtype=np.uint64) * np.uint64(2) + np.uint64(1)
_BAND_FACTORS = _RANDOM.integers(1, 2**63, BAND_ROWS, dtype=np.uint64) * np.uint64(2) + np.uint64(1)


def sign_passages(texts: Sequence[str]) -> np.ndarray:
    """Codes of the bands and of the whole, uint64 (texts, `N_CODES`)."""
    signatures = np.empty((len(texts), N_CODES), dtype=np.uint64)
    for number, text in enumerate(texts):
        triples = hash_triples(text)
        hashed = (triples[:, None] * _FACTORS + _SUMMANDS) >> np.uint64(32)  # (triples, 64)
        bands = hashed.min(axis=0).reshape(N_BANDS, BAND_ROWS)
        signatures[number, :N_BANDS] = (bands * _BAND_FACTORS).sum(axis=1, dtype=np.uint64)
        signatures[number, N_BANDS] = _hash_all(triples)
    return signatures


def hash_triples(text: str) -> np.ndarray:
    """Sorted codes of the distinct runs of three lower-case words, uint64; a shorter text is one run."""
    words = np.array([_hash_word(word) for word in WORD.findall(text.lower())], dtype=np.uint64)
    if len(words) < TRIPLE:
        words = np.pad(words, (0, TRIPLE - len(words)))
    runs = np.lib.stride_tricks.sliding_window_view(words, TRIPLE)  # (triples, 3)
    return np.unique((runs * _PLACES).sum(axis=1, dtype=np.uint64))


def _hash_all(triples: np.ndarray) -> int:
    return int.from_bytes(hashlib.blake2b(triples.tobytes(), digest_size=8).digest())


@lru_cache(maxsize=1_000_000)
def _hash_word(word: str) -> int:
    """A code that is the same in every process and on every machine, unlike `hash`."""
    return zlib.crc32(word.encode())
