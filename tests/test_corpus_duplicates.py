"""Repeated passages: signatures, the pairs they propose, and which of them go."""

import os
import random
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from science_exam.corpus import duplicates
from science_exam.corpus.duplicates import find_repeated, propose_pairs
from science_exam.corpus.signatures import N_BANDS, N_CODES, hash_triples, sign_passages
from science_exam.overlap import measure_overlap, word_triples

SOURCE = Path(__file__).parents[1] / "src"


def overlap(a, b):
    return measure_overlap(word_triples(a), word_triples(b))


def fetch_from(texts):
    return lambda rows: {row: texts[row] for row in rows}


def repeated_among(texts, threshold=0.8):
    signatures = sign_passages(texts)
    return find_repeated(propose_pairs(lambda band: signatures[:, band]), fetch_from(texts), threshold)


def invent_words(generator, n_words):
    return [f"w{generator.randrange(10**9)}" for _ in range(n_words)]


def make_pair(generator, n_common, n_own):
    """Two texts whose triples overlap by n_common / (n_common + 2 n_own)."""
    common = invent_words(generator, n_common + 2)  # one triple less than words, twice
    return [" ".join(common + invent_words(generator, n_own)) for _ in range(2)]


# -------------------------------------------------------------------------------- signatures


def test_a_signature_has_a_code_a_band_and_one_of_the_whole():
    signatures = sign_passages(["Ice melts at 273 K.", "Water boils at 373 K."])
    assert signatures.shape == (2, N_CODES) == (2, N_BANDS + 1)
    assert signatures.dtype == np.uint64
    assert len(np.unique(signatures)) == signatures.size


def test_texts_of_the_same_triples_have_the_same_signature():
    first, *others = sign_passages(["Ice melts at 273 K.", "ICE melts, at\n273 K", "ice melts at 273 k ..."])
    assert all((other == first).all() for other in others)


@pytest.mark.parametrize("text", ["", "…", "Ice", "Ice melts", "水は氷になる", "👩‍🔬", "x" * 10_000])
def test_a_text_of_fewer_than_three_words_has_one_code(text):
    assert hash_triples(text).shape == (1,)
    assert (sign_passages([text]) == sign_passages([text])).all()


def test_no_texts_have_no_signatures():
    assert sign_passages([]).shape == (0, N_CODES)


def test_a_triple_that_stands_twice_counts_once():
    assert (hash_triples("a b c a b c") == hash_triples("c a b c a b c a b")).all()
    assert len(hash_triples("a b c a b c")) == 3


def test_the_code_of_the_whole_tells_texts_apart_that_share_all_words():
    # Sums of codes would not: in the middle of a text every word stands at each place of a triple.
    words = list("abcdefghij")
    texts = [" ".join(words), " ".join([*words[:3], *words[6:2:-1], *words[7:]])]
    one, other = sign_passages(texts)[:, N_BANDS]
    assert one != other


def test_another_process_gives_the_same_signatures():
    texts = ["Ice melts at 273 K and water boils at 373 K.", "Ångström, 水", ""]
    code = (
        f"from science_exam.corpus.signatures import sign_passages; print(sign_passages({texts!r}).tolist())"
    )
    # The seed of `hash` is another one.
    environment = {**os.environ, "PYTHONPATH": str(SOURCE), "PYTHONHASHSEED": "1", "PYTHONUTF8": "1"}
    done = subprocess.run(
        [sys.executable, "-c", code], env=environment, capture_output=True, text=True, check=True
    )
    assert done.stdout.strip() == str(sign_passages(texts).tolist())


# Jaccard s = common / (common + 2 own).
@pytest.mark.parametrize(("n_common", "n_own"), [(10, 20), (14, 13), (20, 10), (40, 5), (36, 2)])
def test_texts_share_a_band_as_often_as_the_estimate_says(n_common, n_own):
    generator = random.Random(n_common)
    pairs = [make_pair(generator, n_common, n_own) for _ in range(800)]
    similarity = n_common / (n_common + 2 * n_own)
    assert overlap(*pairs[0]) == similarity
    first, second = (sign_passages(texts)[:, :N_BANDS] for texts in zip(*pairs, strict=True))
    shared = first == second  # (pairs, bands)
    expected = 1 - (1 - similarity**4) ** N_BANDS
    # 800 pairs: at most .018 of standard deviation; the bands' 12,800 are 800 clusters.
    assert shared.any(axis=1).mean() == pytest.approx(expected, abs=0.055)
    assert shared.mean() == pytest.approx(similarity**4, abs=0.03)


# --------------------------------------------------------------------------------- pairs


def pairs_of(n_rows, *shared):
    """Proposed pairs where each of `shared` is (band, rows that have one code there)."""
    codes = np.arange(n_rows * N_CODES, dtype=np.uint64).reshape(n_rows, N_CODES)
    for band, rows in shared:
        codes[rows, band] = codes[rows[0], band]
    return propose_pairs(lambda band: codes[:, band]).tolist()


def test_rows_without_a_common_code_are_no_pairs():
    assert pairs_of(3) == []
    assert pairs_of(1) == []
    assert pairs_of(0) == []


def test_the_same_code_in_another_band_is_no_pair():
    codes = np.zeros((2, N_CODES), dtype=np.uint64)
    codes[0], codes[1] = np.arange(N_CODES), np.roll(np.arange(N_CODES), 1)
    assert propose_pairs(lambda band: codes[:, band]).tolist() == []


def test_every_row_is_paired_with_the_first_of_its_code_and_pairs_come_in_order_of_the_later():
    assert pairs_of(5, (0, [0, 2, 4])) == [[0, 2], [0, 4]]
    assert pairs_of(5, (3, [1, 2]), (9, [0, 4, 3])) == [[1, 2], [0, 3], [0, 4]]
    assert pairs_of(5, (0, [1, 4]), (1, [0, 4]), (2, [2, 4])) == [[0, 4], [1, 4], [2, 4]]


def test_a_pair_that_shares_several_codes_is_proposed_once():
    assert pairs_of(3, *((band, [0, 2]) for band in range(N_CODES))) == [[0, 2]]


def test_the_code_of_the_whole_counts_too():
    assert pairs_of(3, (N_BANDS, [1, 2])) == [[1, 2]]


def test_the_smallest_and_the_largest_code_are_codes_like_others():
    column = np.array([2**64 - 1, 0, 0, 2**64 - 1], dtype=np.uint64)
    alone = np.arange(4, dtype=np.uint64)
    assert propose_pairs(lambda band: alone if band else column).tolist() == [[1, 2], [0, 3]]


def test_bands_are_loaded_one_after_the_other_and_once():
    loaded = []
    propose_pairs(lambda band: loaded.append(band) or np.zeros(2, dtype=np.uint64))
    assert loaded == list(range(N_CODES))


# -------------------------------------------------------------------------------- repeated


def test_of_two_texts_that_overlap_enough_the_earlier_stays():
    texts = ["a b c d e", "x y z", "a b c d e f"]  # 3 of 4 triples
    assert find_repeated(np.array([[0, 2]]), fetch_from(texts), 0.7) == {2: 0}


def test_the_threshold_itself_is_enough_and_a_hair_less_is_not():
    texts = ["a b c d e", "b c d e f"]  # 2 of 4 triples
    pairs = np.array([[0, 1]])
    assert find_repeated(pairs, fetch_from(texts), 0.5) == {1: 0}
    assert find_repeated(pairs, fetch_from(texts), np.nextafter(0.5, 1)) == {}


def test_a_text_that_resembles_only_a_repeated_one_stays():
    # b repeats a, c repeats b but not a: with b gone, c is the only one of its kind.
    a, b, c = "a b c d e f g h i j", "c d e f g h i j k l", "e f g h i j k l m n"
    assert overlap(a, b) == overlap(b, c) == 6 / 10
    assert overlap(a, c) == 4 / 12
    all_pairs = np.array([[0, 1], [0, 2], [1, 2]])
    assert find_repeated(all_pairs, fetch_from([a, b, c]), 0.6) == {1: 0}
    assert find_repeated(all_pairs, fetch_from([a, b, c]), 0.3) == {1: 0, 2: 0}


def test_a_repeated_text_is_repeated_once_by_the_first_that_it_resembles():
    texts = ["a b c d", "a b c d", "a b c d"]
    assert find_repeated(np.array([[0, 1], [0, 2], [1, 2]]), fetch_from(texts), 0.8) == {1: 0, 2: 0}


def test_texts_are_fetched_a_batch_of_pairs_at_a_time_and_once_in_it(monkeypatch):
    texts = [f"text {n // 2} of some" for n in range(8)]
    pairs = np.array([[0, 1], [0, 2], [2, 3], [4, 5], [6, 7]])
    whole = find_repeated(pairs, fetch_from(texts), 0.8)
    assert whole == {1: 0, 3: 2, 5: 4, 7: 6}
    monkeypatch.setattr(duplicates, "PAIRS_AT_ONCE", 2)
    fetched = []
    assert find_repeated(pairs, lambda rows: fetched.append(rows) or fetch_from(texts)(rows), 0.8) == whole
    assert fetched == [[0, 1, 2], [2, 3, 4, 5], [6, 7]]


def test_no_pairs_fetch_nothing():
    assert find_repeated(np.empty((0, 2), dtype=np.int64), None, 0.8) == {}


# ------------------------------------------------------------------------------- together


def test_near_duplicates_in_a_large_set_are_found_and_nothing_else():
    generator = random.Random(5)
    texts = [" ".join(invent_words(generator, 60)) for _ in range(300)]
    copies = {}
    for row in generator.sample(range(300), 60):
        words = texts[row].split()
        words[30] = "changed"  # 3 of 58 triples on either side: 55 of 61
        copies[len(texts)] = row
        texts.append(" ".join(words))
    assert overlap(texts[300], texts[copies[300]]) == 55 / 61
    assert repeated_among(texts) == copies


def test_copies_are_found_even_where_others_that_resemble_them_come_first_in_every_band():
    # A text of eight parts, and others that each lack one. The four minima of a band lie in at most four
    # parts, so that half of the others have them too.
    generator = random.Random(0)
    parts = [" ".join(invent_words(generator, 60)) for _ in range(8)]
    whole = " ".join(parts)
    others = [" ".join([*parts[:n], *parts[n + 1 :], *invent_words(generator, 60)]) for n in 3 * [*range(8)]]
    assert all(overlap(other, whole) < 0.8 for other in others)
    *earlier, own = sign_passages([*others, whole])[:, :N_BANDS]
    assert (np.array(earlier) == own).any(axis=0).all()
    assert repeated_among([*others, whole, whole, whole.upper()]) == {25: 24, 26: 24}


# Few words and short texts, so that copies and every degree of overlap arise by chance.
SHORT_TEXTS = st.lists(
    st.lists(st.sampled_from("abc"), max_size=6).map(" ".join)
    | st.lists(st.sampled_from("abcdefgh"), min_size=8, max_size=14).map(" ".join),
    max_size=25,
)


@settings(max_examples=150, deadline=None)
@given(texts=SHORT_TEXTS)
def test_at_a_threshold_of_1_the_copies_go_and_nothing_else(texts):
    first = {}
    for row, text in enumerate(texts):
        first.setdefault(frozenset(word_triples(text)), row)
    copies = {
        row: first[frozenset(word_triples(text))]
        for row, text in enumerate(texts)
        if first[frozenset(word_triples(text))] < row
    }
    assert repeated_among(texts, 1.0) == copies


@settings(max_examples=150, deadline=None)
@given(texts=SHORT_TEXTS, threshold=st.floats(0.05, 1))
def test_at_any_threshold_copies_go_and_what_goes_overlaps_enough_with_what_stays(texts, threshold):
    repeated = repeated_among(texts, threshold)
    for row, kept in repeated.items():
        assert kept < row
        assert kept not in repeated
        assert overlap(texts[row], texts[kept]) >= threshold
    triples = [word_triples(text) for text in texts]
    for row in range(len(texts)):
        if triples[row] in triples[:row]:
            assert row in repeated
