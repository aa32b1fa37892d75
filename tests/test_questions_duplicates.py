"""Near-identical questions: what counts as one, and that none is missed or made up."""

import itertools
import re
import zlib

import numpy as np
import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from science_exam.questions.repeats.duplicates import (
    CONTRADICTION,
    NEAR_DUPLICATE,
    PARAPHRASE,
    SAME_QUESTION,
    Duplicate,
    DuplicateCheck,
    find_near_duplicates,
)
from science_exam.questions.repeats.wording import normalise_text


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


# ---------------------------------------------------------------------------- a set that streams by


def encode(texts):
    """A bag of words in 64 places as a unit vector, as a stand-in for an encoder."""
    vectors = np.full((len(texts), 64), 1e-3, dtype=np.float32)
    for row, text in enumerate(texts):
        for word in re.findall(r"\w+", text.lower()):
            vectors[row, zlib.crc32(word.encode()) % 64] += 1
    return vectors / np.linalg.norm(vectors, axis=1, keepdims=True)


@pytest.fixture
def check(tmp_path):
    """Duplicates among rows of (prompt, (right option, wrong options …)), added some at a time."""
    counter = itertools.count()

    def run(rows, encoder=None, at_once=2, **settings):
        made = DuplicateCheck(tmp_path / str(next(counter)), encoder)
        for start in range(0, len(rows), at_once):
            made.add(rows[start : start + at_once])
        return made.find(lambda numbers: {number: rows[number] for number in numbers}, **settings)

    return run


def unlike(number):
    """A question that shares no word with that of another number."""
    return f"prompt{number} p{number} q{number}?", tuple(f"o{number}x{i} r{number}x{i}" for i in range(5))


LONG = "When a glacier melts from below, what carries the water to the sea over many long dark months?"
SHORT = ("a river under the ice", "the wind", "the sun", "a lake", "the tide")


def test_rows_that_are_unlike_stay(check):
    found = check([unlike(number) for number in range(9)], encode)
    assert found.gone == {}
    assert found.related.shape == (0, 2)


def test_no_rows_have_no_duplicates(check):
    found = check([], encode)
    assert (found.gone, found.related.shape) == ({}, (0, 2))


def test_the_same_prompt_and_right_option_is_the_same_question_whatever_the_wrong_ones(check):
    rows = [
        ("Why so?", ("right", "a", "b")),
        unlike(1),
        ("WHY so", ("Right.", "c")),
        ("why so?", ("right", "d")),
    ]
    assert check(rows).gone == {2: Duplicate(SAME_QUESTION, 0, 1.0), 3: Duplicate(SAME_QUESTION, 0, 1.0)}


def test_of_rows_that_contradict_each_other_none_stays_nor_any_copy(check):
    rows = [("Who?", ("Ann", "Ben")), ("Who?", ("Ben", "Ann")), ("Who?", ("Ann", "Cid")), unlike(3)]
    gone = check(rows).gone
    assert {row: (why.reason, why.row) for row, why in gone.items()} == {
        row: (CONTRADICTION, other) for row, other in [(0, 1), (1, 0), (2, 1)]
    }


def test_a_near_duplicate_with_the_same_right_option_goes_and_the_earlier_row_stays(check):
    found = check([(LONG, SHORT), unlike(1), (LONG.replace("long dark", "dark"), SHORT[:1] + SHORT[:0:-1])])
    assert found.gone.keys() == {2}
    assert (found.gone[2].reason, found.gone[2].row) == (NEAR_DUPLICATE, 0)
    assert 0.8 <= found.gone[2].score < 1
    assert found.related.tolist() == []


def test_a_sibling_with_another_right_option_stays_and_is_related(check):
    other = LONG.replace("below", "above"), (*SHORT[1:], SHORT[0])
    found = check([unlike(0), (LONG, SHORT), other], near_duplicate=0.6)
    assert found.gone == {}
    assert found.related.tolist() == [[1, 2]]


def test_pairs_below_the_threshold_are_related(check):
    found = check(
        [(LONG, SHORT), (LONG.replace("dark", "cold").replace("sea", "shore"), SHORT)], near_duplicate=0.9
    )
    assert (found.gone, found.related.tolist()) == ({}, [[0, 1]])


def test_paraphrases_go_where_there_is_an_encoder(check):
    prompt = "Which gas do green leaves take from the air?"
    rows = [
        (prompt, ("carbon dioxide", "a")),
        unlike(1),
        ("From the air green leaves take which gas do?", ("carbon dioxide", "b")),
    ]
    assert check(rows).gone == {}
    gone = check(rows, encode).gone
    assert gone.keys() == {2}
    assert (gone[2].reason, gone[2].row) == (PARAPHRASE, 0)
    assert gone[2].score == pytest.approx(1, abs=1e-3)


def test_nothing_that_goes_is_like_another_row_that_goes(check):
    rows = [(LONG, SHORT), (LONG.lower(), SHORT), (LONG.replace("many ", ""), SHORT), (LONG.upper(), SHORT)]
    gone = check(rows, encode).gone
    assert {row: why.row for row, why in gone.items()} == {1: 0, 2: 0, 3: 0}


def test_what_is_kept_of_a_row_is_less_than_200_bytes(tmp_path):
    made = DuplicateCheck(tmp_path)
    made.add([unlike(number) for number in range(1_000)])
    assert sum(path.stat().st_size for path in tmp_path.iterdir()) < 200_000


WORDS = st.lists(st.sampled_from("abcdefgh"), min_size=1, max_size=6).map(" ".join)


@settings(max_examples=50, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    rows=st.lists(st.tuples(WORDS, st.lists(WORDS, min_size=1, max_size=3).map(tuple)), max_size=12),
    at_once=st.integers(1, 5),
)
@example(rows=[("a", ("a a",)), ("a", ("a",)), ("a", ("a",))], at_once=1)  # the second goes for the first
def test_any_rows_leave_a_sound_rest_however_they_are_cut(check, rows, at_once):
    found = check(rows, encode, at_once)
    whole = check(rows, encode, 12)
    assert found.gone.keys() == whole.gone.keys()
    assert found.related.tolist() == whole.related.tolist()
    for row, why in found.gone.items():
        if why.reason != CONTRADICTION:
            assert why.row < row
            assert why.row not in found.gone
    names = [
        (normalise_text(p), normalise_text(o[0])) for n, (p, o) in enumerate(rows) if n not in found.gone
    ]
    assert len(set(names)) == len(names)
    assert not {*found.related.flatten().tolist()} & found.gone.keys()
