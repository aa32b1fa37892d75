"""An index of a few thousand texts that every other text is checked against by its word triples."""

from collections.abc import Iterator, Sequence

from science_exam.overlap import measure_overlap, word_triples
from science_exam.signatures import Banding

# Texts that overlap by .5 share a band with a chance of .996, by .6 of .99997, by .1 of .04.
BANDING = Banding(n_bands=42, band_rows=3)


class OverlapIndex:
    """MinHash bands propose the texts that resemble another one, exact overlap decides.

    The signatures are our own, which batches make several times faster; the buckets are datasketch's.
    """

    def __init__(self, texts: Sequence[str]) -> None:
        from datasketch import MinHashLSH

        self._triples = [word_triples(text) for text in texts]
        self._buckets = MinHashLSH(num_perm=BANDING.n_functions, params=(BANDING.n_bands, BANDING.band_rows))
        for row, signature in enumerate(_wrap_minima(texts)):
            self._buckets.insert(row, signature)

    def find(self, texts: Sequence[str], threshold: float) -> list[list[tuple[int, float]]]:
        """(row of the index, overlap) of at least `threshold`, the largest first, for each text."""
        return [
            self._verify(text, self._buckets.query(signature), threshold)
            for text, signature in zip(texts, _wrap_minima(texts), strict=True)
        ]

    def _verify(self, text: str, candidates: list[int], threshold: float) -> list[tuple[int, float]]:
        if not candidates:
            return []
        triples = word_triples(text)
        measured = [(row, measure_overlap(self._triples[row], triples)) for row in sorted(candidates)]
        return sorted((pair for pair in measured if pair[1] >= threshold), key=lambda pair: -pair[1])


def _wrap_minima(texts: Sequence[str]) -> Iterator:
    """Signatures as datasketch takes them; the seed is a label there, nothing is drawn from it."""
    from datasketch import LeanMinHash

    for minima in BANDING.find_minima(texts):
        yield LeanMinHash(seed=1, hashvalues=minima, scheme="legacy")
