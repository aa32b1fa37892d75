"""Which articles of a block are about similar things."""

import math
import re
from collections import Counter, defaultdict
from collections.abc import Sequence

WORD = re.compile(r"[^\W\d_]{5,}")
PREFIX = 7  # letters; a stem that is cheap to find
MAX_WORDS = 60  # that stand for an article
MAX_NEIGHBOURS = 40
MIN_SIMILARITY = 0.04  # cosine


def find_neighbours(texts: Sequence[str]) -> list[list[int]]:
    """For each text the numbers of those most similar to it, itself first.

    Cosine of tf-idf over the beginnings of words; what half of the texts have in common is left out.
    """
    counts = [Counter(word[:PREFIX].lower() for word in WORD.findall(text)) for text in texts]
    n_texts_with = Counter(word for count in counts for word in count)
    limit = max(2, 0.3 * len(texts))
    vectors = []
    for count in counts:
        weights = {
            w: (1 + math.log(n)) * math.log(1 + len(texts) / n_texts_with[w])
            for w, n in count.items()
            if n_texts_with[w] <= limit
        }
        best = sorted(weights, key=lambda w: (-weights[w], w))[:MAX_WORDS]
        norm = math.sqrt(sum(weights[w] ** 2 for w in best)) or 1.0
        vectors.append({w: weights[w] / norm for w in best})
    postings = defaultdict(list)
    for i, vector in enumerate(vectors):
        for word, weight in vector.items():
            postings[word].append((i, weight))
    return [_rank_similar(i, vector, postings) for i, vector in enumerate(vectors)]


def _rank_similar(
    own: int, vector: dict[str, float], postings: dict[str, list[tuple[int, float]]]
) -> list[int]:
    similarity: dict[int, float] = defaultdict(float)
    for word, weight in vector.items():
        for other, other_weight in postings[word]:
            similarity[other] += weight * other_weight
    similarity.pop(own, None)
    near = sorted(
        (i for i, s in similarity.items() if s >= MIN_SIMILARITY), key=lambda i: (-similarity[i], i)
    )
    return [own, *near[:MAX_NEIGHBOURS]]
