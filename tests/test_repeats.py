"""Repeated texts: the pairs that shared codes propose, and which of them go."""

import random

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from science_exam import repeats
from science_exam.overlap import measure_overlap, word_triples
from science_exam.repeats import find_repeated, measure_pairs, propose_pairs
from science_exam.signatures import Banding

PASSAGES = Banding(n_bands=16, band_rows=4)


def overlap(a, b):
    return measure_overlap(word_triples(a), word_triples(b))


def fetch_from(texts):
    return lambda rows: {row: texts[row] for row in rows}


def repeated_among(texts, threshold=0.8):
    signatures = PASSAGES.sign(texts)
    pairs = propose_pairs(lambda band: signatures[:, band], PASSAGES.n_codes)
    return find_repeated(pairs, fetch_from(texts), threshold)


def invent_words(generator, n_words):
    return [f"w{generator.randrange(10**9)}" for _ in range(n_words)]


# --------------------------------------------------------------------------------- pairs


def pairs_of(n_rows, *shared):
    """Proposed pairs where each of `shared` is (band, rows that have one code there)."""
    codes = np.arange(n_rows * PASSAGES.n_codes, dtype=np.uint64).reshape(n_rows, PASSAGES.n_codes)
    for band, rows in shared:
        codes[rows, band] = codes[rows[0], band]
    return propose_pairs(lambda band: codes[:, band], PASSAGES.n_codes).tolist()


def test_rows_without_a_common_code_are_no_pairs():
    assert pairs_of(3) == []
    assert pairs_of(1) == []
    assert pairs_of(0) == []


def test_the_same_code_in_another_band_is_no_pair():
    codes = np.zeros((2, PASSAGES.n_codes), dtype=np.uint64)
    codes[0], codes[1] = np.arange(PASSAGES.n_codes), np.roll(np.arange(PASSAGES.n_codes), 1)
    assert propose_pairs(lambda band: codes[:, band], PASSAGES.n_codes).tolist() == []


def test_every_row_is_paired_with_the_first_of_its_code_and_pairs_come_in_order_of_the_later():
    assert pairs_of(5, (0, [0, 2, 4])) == [[0, 2], [0, 4]]
    assert pairs_of(5, (3, [1, 2]), (9, [0, 4, 3])) == [[1, 2], [0, 3], [0, 4]]
    assert pairs_of(5, (0, [1, 4]), (1, [0, 4]), (2, [2, 4])) == [[0, 4], [1, 4], [2, 4]]


def test_a_pair_that_shares_several_codes_is_proposed_once():
    assert pairs_of(3, *((band, [0, 2]) for band in range(PASSAGES.n_codes))) == [[0, 2]]


def test_the_code_of_the_whole_counts_too():
    assert pairs_of(3, (PASSAGES.n_bands, [1, 2])) == [[1, 2]]


def test_the_smallest_and_the_largest_code_are_codes_like_others():
    column = np.array([2**64 - 1, 0, 0, 2**64 - 1], dtype=np.uint64)
    alone = np.arange(4, dtype=np.uint64)
    assert propose_pairs(lambda band: alone if band else column, PASSAGES.n_codes).tolist() == [
        [1, 2],
        [0, 3],
    ]


def test_rows_are_paired_with_those_right_before_them_too():
    codes = np.array([7, 7, 1, 7, 7, 7], dtype=np.uint32)
    paired = [propose_pairs(lambda band: codes, 1, n_before).tolist() for n_before in (0, 1, 2, 9)]
    assert paired[0] == [[0, 1], [0, 3], [0, 4], [0, 5]]
    assert paired[1] == [[0, 1], [0, 3], [1, 3], [0, 4], [3, 4], [0, 5], [4, 5]]
    assert paired[2] == [[0, 1], [0, 3], [1, 3], [0, 4], [1, 4], [3, 4], [0, 5], [3, 5], [4, 5]]
    assert paired[3] == [[a, b] for b in (1, 3, 4, 5) for a in (0, 1, 3, 4) if a < b]


@given(codes=st.lists(st.integers(0, 3), max_size=20), n_before=st.integers(0, 5))
def test_pairs_are_those_of_the_definition(codes, n_before):
    expected = []
    for b, code in enumerate(codes):
        same = [a for a in range(b) if codes[a] == code]
        expected += [[a, b] for place, a in enumerate(same) if place == 0 or place >= len(same) - n_before]
    column = np.array(codes, dtype=np.uint64)
    assert propose_pairs(lambda band: column, 1, n_before).tolist() == expected


def test_bands_are_loaded_one_after_the_other_and_once():
    loaded = []
    propose_pairs(lambda band: loaded.append(band) or np.zeros(2, dtype=np.uint64), PASSAGES.n_codes)
    assert loaded == list(range(PASSAGES.n_codes))


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
    monkeypatch.setattr(repeats, "PAIRS_AT_ONCE", 2)
    fetched = []
    assert find_repeated(pairs, lambda rows: fetched.append(rows) or fetch_from(texts)(rows), 0.8) == whole
    assert fetched == [[0, 1, 2], [2, 3, 4, 5], [6, 7]]


def test_no_pairs_fetch_nothing():
    assert find_repeated(np.empty((0, 2), dtype=np.int64), None, 0.8) == {}


def test_pairs_are_measured_in_order_but_for_those_settled_by_then():
    texts = ["a b c d e", "b c d e f", "x y z", "a b c d e"]
    pairs = np.array([[0, 1], [1, 2], [0, 3]])
    assert list(measure_pairs(pairs, fetch_from(texts))) == [(0, 1, 0.5), (1, 2, 0), (0, 3, 1)]
    seen = []
    for a, b, _ in measure_pairs(pairs, fetch_from(texts), lambda a, b: a in seen):
        seen.extend([a, b])
    assert seen == [0, 1]


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
    *earlier, own = PASSAGES.sign([*others, whole])[:, : PASSAGES.n_bands]
    assert (np.array(earlier) == own).any(axis=0).all()
    assert repeated_among([*others, whole, whole, whole.upper()]) == {25: 24, 26: 24}


# Few words and short texts, so that copies and every degree of overlap arise by chance.
SHORT_TEXTS = st.lists(
    st.lists(st.sampled_from("abc"), max_size=6).map(" ".join)
    | st.lists(st.sampled_from("abcdefgh"), min_size=8, max_size=14).map(" ".join),
    max_size=25,
)


@settings(max_examples=50, deadline=None)
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


@settings(max_examples=50, deadline=None)
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
