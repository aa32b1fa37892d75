"""Near-identical questions: MinHash proposes pairs, exact word-triple overlap decides."""

from collections.abc import Sequence

from science_exam.overlap import measure_overlap, word_triples

N_PERMUTATIONS = 128


def find_near_duplicates(texts: Sequence[str], threshold: float) -> list[tuple[int, int]]:
    """Pairs (i, j), i < j, of texts whose word triples overlap by at least `threshold` (Jaccard).

    MinHash with locality-sensitive hashing proposes candidates without comparing all pairs; each
    candidate is then verified on the real sets, so no pair is reported by chance. A pair right at
    the threshold may be missed: the hashing is probabilistic below certainty there.

    Source: Broder, On the resemblance and containment of documents (1997).
    """
    from datasketch import MinHash, MinHashLSH

    triples = [word_triples(text) for text in texts]
    # Candidates are sought below the threshold: verification is exact, a miss is for good.
    index = MinHashLSH(threshold=0.5 * threshold, num_perm=N_PERMUTATIONS)
    pairs = []
    for j, words in enumerate(triples):
        signature = MinHash(num_perm=N_PERMUTATIONS)
        signature.update_batch([word.encode() for word in words])
        for i in index.query(signature):
            if measure_overlap(triples[i], words) >= threshold:
                pairs.append((i, j))
        index.insert(j, signature)
    return sorted(pairs)
