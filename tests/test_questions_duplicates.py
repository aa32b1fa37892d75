"""Near-identical questions: what counts as one, and that none is missed or made up."""

import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from science_exam.questions.duplicates import find_near_duplicates


def overlap(a, b):
    """Jaccard of the word triples, written anew from the definition."""

    def triples(text):
        words = re.findall(r"\w+", text.lower())
        return {tuple(words[i : i + 3]) for i in range(max(1, len(words) - 2))}

    return len(triples(a) & triples(b)) / len(triples(a) | triples(b))


@pytest.mark.parametrize("texts", [[], ["one text alone"], ["", ""][:1]])
def test_fewer_than_two_texts_have_no_pair(texts):
    assert find_near_duplicates(texts, 0.5) == []


def test_identical_texts_are_pairs_in_order():
    texts = ["the speed of light", "something else altogether", "the speed of light", "the speed of light"]
    assert find_near_duplicates(texts, 0.5) == [(0, 2), (0, 3), (2, 3)]


def test_identical_texts_are_found_at_the_highest_threshold():
    assert find_near_duplicates(["the speed of light", "the speed of light"], 1.0) == [(0, 1)]


def test_case_and_punctuation_do_not_count():
    assert find_near_duplicates(["What, exactly, is light?", "what exactly is LIGHT"], 1.0) == [(0, 1)]


def test_letters_beyond_ascii_count():
    assert find_near_duplicates(["die Größe der Körner", "die Große der Korner"], 0.5) == []
    assert find_near_duplicates(
        ["die Größe der Körner", "DIE GRÖSSE DER KÖRNER".replace("SS", "ß")], 0.5
    ) == [(0, 1)]


@pytest.mark.parametrize("text", ["Why?", "of light", ""])
def test_a_text_of_fewer_than_three_words_is_one_run(text):
    assert find_near_duplicates([text, text.upper(), "something else altogether"], 0.5) == [(0, 1)]


def test_the_order_of_words_counts():
    assert find_near_duplicates(["a b c d e f", "f e d c b a"], 0.1) == []


def test_overlap_is_shared_triples_over_all_triples():
    # a b c d e f g h -> 6 triples; the other shares the first 5: 5 / 7 = 0.714
    texts = ["a b c d e f g h", "a b c d e f g x"]
    assert find_near_duplicates(texts, 0.5) == [(0, 1)]
    assert find_near_duplicates(texts, 0.72) == []


def test_a_triple_that_comes_again_counts_once():
    # "a b c a b c a b c" has the triples abc, bca, cab: the same three as "a b c a b".
    assert find_near_duplicates(["a b c a b c a b c", "a b c a b"], 1.0) == [(0, 1)]


def test_pairs_well_above_the_threshold_are_all_found():
    # Ten words, the last two changed: 6 of 10 triples shared, overlap 0.6. Other pairs share nothing.
    texts = []
    for pair in range(400):
        words = [f"w{pair}x{i}" for i in range(10)]
        texts += [" ".join(words), " ".join([*words[:8], f"y{pair}", f"z{pair}"])]
    assert find_near_duplicates(texts, 0.5) == [(2 * pair, 2 * pair + 1) for pair in range(400)]


@settings(max_examples=40, deadline=None)
@given(
    texts=st.lists(st.lists(st.sampled_from("abcd"), max_size=7).map(" ".join), max_size=10),
    threshold=st.sampled_from([0.2, 0.5, 0.8, 1.0]),
)
def test_every_pair_that_is_reported_is_real_and_every_equal_pair_is_reported(texts, threshold):
    pairs = find_near_duplicates(texts, threshold)
    assert pairs == sorted(set(pairs))
    assert all(i < j and overlap(texts[i], texts[j]) >= threshold for i, j in pairs)
    equal = {(i, j) for j, b in enumerate(texts) for i, a in enumerate(texts[:j]) if a == b}
    assert equal <= set(pairs)


def test_the_same_texts_give_the_same_pairs():
    texts = [f"{a} {b} {c} d e f" for a in "abc" for b in "abc" for c in "abc"]
    assert find_near_duplicates(texts, 0.5) == find_near_duplicates(texts, 0.5)
