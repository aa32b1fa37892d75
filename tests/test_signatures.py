"""Signatures of texts: the same everywhere, and as alike as the texts."""

import os
import random
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from science_exam import signatures
from science_exam.overlap import measure_overlap, word_triples
from science_exam.signatures import Banding

SOURCE = Path(__file__).parents[1] / "src"
PASSAGES = Banding(n_bands=16, band_rows=4)


def overlap(a, b):
    return measure_overlap(word_triples(a), word_triples(b))


def invent_words(generator, n_words):
    return [f"w{generator.randrange(10**9)}" for _ in range(n_words)]


def make_pair(generator, n_common, n_own):
    """Two texts whose triples overlap by n_common / (n_common + 2 n_own)."""
    common = invent_words(generator, n_common + 2)  # one triple less than words, twice
    return [" ".join(common + invent_words(generator, n_own)) for _ in range(2)]


def test_a_signature_has_a_code_a_band_and_one_of_the_whole():
    signatures = PASSAGES.sign(["Ice melts at 273 K.", "Water boils at 373 K."])
    assert signatures.shape == (2, PASSAGES.n_codes) == (2, 16 + 1)
    assert signatures.dtype == np.uint64
    assert len(np.unique(signatures)) == signatures.size


def test_texts_of_the_same_triples_have_the_same_signature():
    first, *others = PASSAGES.sign(["Ice melts at 273 K.", "ICE melts, at\n273 K", "ice melts at 273 k ..."])
    assert all((other == first).all() for other in others)


@pytest.mark.parametrize("text", ["", "…", "Ice", "Ice melts", "水は氷になる", "👩‍🔬", "x" * 10_000])
def test_a_text_of_fewer_than_three_words_has_one_code(text):
    assert PASSAGES.hash_triples(text).shape == (1,)
    assert (PASSAGES.sign([text]) == PASSAGES.sign([text])).all()


def test_no_texts_have_no_signatures():
    assert PASSAGES.sign([]).shape == (0, PASSAGES.n_codes)


def test_a_triple_that_stands_twice_counts_once():
    assert (PASSAGES.hash_triples("a b c a b c") == PASSAGES.hash_triples("c a b c a b c a b")).all()
    assert len(PASSAGES.hash_triples("a b c a b c")) == 3


def test_the_code_of_the_whole_tells_texts_apart_that_share_all_words():
    # Sums of codes would not: in the middle of a text every word stands at each place of a triple.
    words = list("abcdefghij")
    texts = [" ".join(words), " ".join([*words[:3], *words[6:2:-1], *words[7:]])]
    one, other = PASSAGES.sign(texts)[:, PASSAGES.n_bands]
    assert one != other


def test_another_process_gives_the_same_signatures():
    texts = ["Ice melts at 273 K and water boils at 373 K.", "Ångström, 水", ""]
    code = f"from science_exam.signatures import Banding; print(Banding(16, 4).sign({texts!r}).tolist())"
    # The seed of `hash` is another one.
    environment = {**os.environ, "PYTHONPATH": str(SOURCE), "PYTHONHASHSEED": "1", "PYTHONUTF8": "1"}
    done = subprocess.run(
        [sys.executable, "-c", code], env=environment, capture_output=True, text=True, check=True
    )
    assert done.stdout.strip() == str(PASSAGES.sign(texts).tolist())


# Jaccard s = common / (common + 2 own).
@pytest.mark.parametrize(("n_common", "n_own"), [(10, 20), (14, 13), (20, 10), (40, 5), (36, 2)])
def test_texts_share_a_band_as_often_as_the_estimate_says(n_common, n_own):
    generator = random.Random(n_common)
    pairs = [make_pair(generator, n_common, n_own) for _ in range(800)]
    similarity = n_common / (n_common + 2 * n_own)
    assert overlap(*pairs[0]) == similarity
    first, second = (PASSAGES.sign(texts)[:, : PASSAGES.n_bands] for texts in zip(*pairs, strict=True))
    shared = first == second  # (pairs, bands)
    expected = 1 - (1 - similarity**4) ** PASSAGES.n_bands
    # 800 pairs: at most .018 of standard deviation; the bands' 12,800 are 800 clusters.
    assert shared.any(axis=1).mean() == pytest.approx(expected, abs=0.055)
    assert shared.mean() == pytest.approx(similarity**4, abs=0.03)


def test_signatures_are_those_that_earlier_runs_left_on_disk():
    texts = ["Ice melts at 273 K and water boils at 373 K.", "", "Ångström"]
    assert PASSAGES.sign(texts)[:, [0, 15, 16]].tolist() == [
        [9536551876527700672, 12300694905083842193, 12305261000394546769],
        [10015105206395510890, 15014411137220633186, 14558143475431885848],
        [16338569051892426734, 14002426344442090935, 820588046482115407],
    ]


def test_bands_are_made_of_the_minima():
    texts = ["Ice melts at 273 K.", "Ice melts at 273 K, and slowly.", "Water boils."]
    minima = PASSAGES.find_minima(texts)
    assert minima.shape == (3, PASSAGES.n_functions) == (3, 64)
    assert minima.max() < 2**32
    alike = (minima[0] == minima[1]).reshape(16, 4).all(axis=1)  # (bands,)
    codes = PASSAGES.sign(texts)[:, :16]
    assert ((codes[0] == codes[1]) == alike).all()
    assert 0 < alike.sum() < 16


@settings(max_examples=50, deadline=None)
@given(texts=st.lists(st.text(max_size=40) | st.lists(st.sampled_from("abc")).map(" ".join), max_size=9))
def test_a_text_has_the_same_signature_alone_and_among_others(texts):
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(signatures, "TEXTS_AT_ONCE", 4)
        together = PASSAGES.sign(texts)
    alone = [PASSAGES.sign([text])[0] for text in texts]
    assert together.tolist() == [row.tolist() for row in alone]
