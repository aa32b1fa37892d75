"""The file of one shard: for every term the passages that hold it, and how often."""

import hashlib
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, fields
from itertools import chain, islice
from pathlib import Path

import numpy as np

from science_exam.files import whole_file
from science_exam.retrieval.terms import split_terms

CHUNK = 1 << 15  # passages counted at a time; their rows fit into 16 bits


@dataclass(frozen=True)
class Postings:
    """Term counts of a shard's passages, ordered by term and row.

    Terms are known by a 64-bit hash: an array of numbers is searched and mapped as it lies in the
    file, and a vocabulary of strings need not fit into memory. Among 20 million different terms two
    share a hash with a probability of 20e6² / 2^65 = 1e-5.

    Attributes:
        hashes: uint64 (terms,), rising.
        starts: int64 (terms + 1,); term t's postings are `rows[starts[t]:starts[t + 1]]`.
        digest: uint8 (16,), of the texts the postings were counted in.
        lengths: int32 (passages,), terms of each passage, repetitions included.
        rows: int32 (postings,), positions in the shard, rising within a term.
        counts: unsigned, of the smallest size that holds the highest count (postings,).
    """

    hashes: np.ndarray
    starts: np.ndarray
    digest: np.ndarray
    lengths: np.ndarray
    rows: np.ndarray
    counts: np.ndarray

    def locate(self, hashes: np.ndarray) -> np.ndarray:
        """Where the postings of terms begin and end: int64 (terms, 2), empty for terms that are not here."""
        spans = np.zeros((len(hashes), 2), dtype=np.int64)
        places = np.searchsorted(self.hashes, hashes)
        known = places < len(self.hashes)
        known[known] = self.hashes[places[known]] == hashes[known]
        spans[known, 0] = self.starts[places[known]]
        spans[known, 1] = self.starts[places[known] + 1]
        return spans


def hash_terms(terms: Iterable[str]) -> np.ndarray:
    """64-bit hashes, the same in every process: uint64 (terms,)."""
    digests = (hashlib.blake2b(term.encode(), digest_size=8).digest() for term in terms)
    return np.frombuffer(b"".join(digests), dtype="<u8")


def digest_texts(texts: Iterable[str]) -> tuple[int, np.ndarray]:
    """The number of texts and their digest, as it is kept in the postings."""
    digest, number = hashlib.blake2b(digest_size=16), 0
    for text in texts:
        digest.update(_as_bytes(text))
        number += 1
    return number, np.frombuffer(digest.digest(), dtype=np.uint8)


def count_postings(texts: Iterable[str]) -> Postings:
    """Count the terms of a shard's texts, one text after the other.

    Memory: 3 bytes a posting while counting, 5 more while putting them in order; for a million
    passages with 100 different terms each 0.8 GB, and the shard's vocabulary beside it.
    """
    texts, digest = iter(texts), hashlib.blake2b(digest_size=16)
    numbers: defaultdict[str, int] = defaultdict()
    numbers.default_factory = numbers.__len__  # a new term takes the next number
    lengths, chunks = [np.empty(0, dtype=np.int32)], []
    while batch := list(islice(texts, CHUNK)):
        for text in batch:
            digest.update(_as_bytes(text))
        terms = [split_terms(text) for text in batch]
        lengths.append(np.fromiter(map(len, terms), dtype=np.int32))
        sequence = np.fromiter(map(numbers.__getitem__, chain.from_iterable(terms)), dtype=np.int64)
        chunks.append(_Chunk.count(sequence, lengths[-1]))
    hashes = hash_terms(numbers)
    order = np.argsort(hashes)
    starts, rows, counts = _join_chunks(chunks, np.argsort(order))
    digest = np.frombuffer(digest.digest(), dtype=np.uint8)
    return Postings(hashes[order], starts, digest, np.concatenate(lengths), rows, counts)


def _as_bytes(text: str) -> bytes:
    """The text and a byte that no UTF-8 has, so that moving a text's end changes the digest."""
    return text.encode(errors="surrogatepass") + b"\xff"


@dataclass(frozen=True)
class _Chunk:
    """Postings of a few passages, ordered by term number and row."""

    terms: np.ndarray  # int32 (different terms,)
    sizes: np.ndarray  # int32 (different terms,): postings of each
    rows: np.ndarray  # uint16 (postings,), positions in the chunk
    counts: np.ndarray  # (postings,)

    @classmethod
    def count(cls, sequence: np.ndarray, lengths: np.ndarray) -> "_Chunk":
        """Count a chunk's term numbers, one passage's after the other."""
        keys = sequence * CHUNK + np.repeat(np.arange(len(lengths)), lengths)
        keys, counts = np.unique(keys, return_counts=True)
        terms, sizes = np.unique(keys // CHUNK, return_counts=True)
        smallest = np.min_scalar_type(counts.max(initial=0))
        return cls(
            terms.astype(np.int32),
            sizes.astype(np.int32),
            (keys % CHUNK).astype(np.uint16),
            counts.astype(smallest),
        )


def _join_chunks(chunks: list[_Chunk], places: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Starts, rows and counts of all chunks; term number n gets place `places[n]`. Empties `chunks`."""
    sizes = np.zeros(len(places), dtype=np.int64)
    for chunk in chunks:
        sizes[places[chunk.terms]] += chunk.sizes
    starts = np.concatenate([[0], np.cumsum(sizes)])
    rows = np.empty(starts[-1], dtype=np.int32)
    counts = np.empty(starts[-1], dtype=np.result_type(np.uint8, *(chunk.counts for chunk in chunks)))
    free = starts[:-1].copy()  # where the next posting of each term goes
    chunks.reverse()
    for first_row in range(0, CHUNK * len(chunks), CHUNK):
        chunk = chunks.pop()
        term_places = places[chunk.terms]
        shift = free[term_places] - (np.cumsum(chunk.sizes) - chunk.sizes)
        targets = np.repeat(shift, chunk.sizes) + np.arange(len(chunk.rows))
        rows[targets] = chunk.rows + np.int32(first_row)
        counts[targets] = chunk.counts
        free[term_places] += chunk.sizes
    return starts, rows, counts


def save_postings(path: Path, postings: Postings) -> None:
    """Write a shard's file whole: the arrays in the order of `Postings`, each as `numpy.save` writes it."""
    with whole_file(path) as partial, partial.open("wb") as file:
        for field in fields(postings):
            np.save(file, getattr(postings, field.name))


def map_postings(path: Path) -> Postings:
    """A shard's arrays, mapped: only what is looked at comes into memory.

    Raises:
        FileNotFoundError: there is no such file.
        ValueError: the file is not whole.
    """
    arrays, end = [], 0
    with path.open("rb") as file:
        whole = np.asarray(np.memmap(file, dtype=np.uint8, mode="r"))
        for _ in fields(Postings):
            file.seek(end)
            np.lib.format.read_magic(file)
            shape, _, dtype = np.lib.format.read_array_header_1_0(file)
            start, end = file.tell(), file.tell() + shape[0] * dtype.itemsize
            if end > len(whole):
                break
            arrays.append(whole[start:end].view(dtype))
    if end != len(whole):
        raise ValueError(f"has {len(whole)} bytes where {end} are expected")
    return Postings(*arrays)
