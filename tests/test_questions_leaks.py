"""Leaks of evaluation questions: every disguise of one is seen through, and nothing else is taken for one."""

import re
import zlib

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from science_exam.questions.repeats.leaks import NEAR_DUPLICATE, PARAPHRASE, SAME_PROMPT, Leak, LeakCheck
from science_exam.tables import OPTION_COLUMNS

EVALUATION = [
    (
        "Why does a “mirage” appear above a hot road?",
        (
            "Air near the ground bends light upwards because it is less dense.",
            "Water evaporates from the asphalt and reflects the sky above it.",
            "Dust in the air scatters blue light more than it scatters red light.",
            "The eye tires in the heat and sees the same picture twice.",
            "Light is slowed by the tar and stays behind as a faint glow.",
        ),
    ),
    ("What is the boiling point of brine?", ("101 °C", "99 °C", "0 °C", "−21 °C", "78 °C")),
    (
        "Which of the following is true?",
        ("Tin rusts.", "Gold floats.", "Lead melts.", "Ice sinks.", "Tar boils."),
    ),
    ("Which of the following is the meaning of the term albedo?", ("a", "b", "c", "d", "e")),
]
UNRELATED = ("How many legs does a spider have?", ("eight", "six", "four", "ten", "none"))


def encode(texts):
    """A bag of words in 512 places as a unit vector, as a stand-in for an encoder."""
    vectors = np.zeros((len(texts), 512), dtype=np.float32)
    for row, text in enumerate(texts):
        vectors[row, 0] = 1e-3
        for word in re.findall(r"\w+", text.lower()):
            vectors[row, zlib.crc32(word.encode()) % 512] += 1
    return vectors / np.linalg.norm(vectors, axis=1, keepdims=True)


@pytest.fixture(scope="module")
def by_words():
    return LeakCheck(EVALUATION)


@pytest.fixture(scope="module")
def by_vectors():
    return LeakCheck(EVALUATION, encode)


def find_one(check, prompt, options=UNRELATED[1]):
    return check.find([(prompt, options)])[0]


# ------------------------------------------------------------------------------------ same prompt


def test_an_evaluation_question_itself_leaks(by_words):
    assert by_words.find(EVALUATION) == [Leak(SAME_PROMPT, row, 1.0) for row in range(4)]


@pytest.mark.parametrize(
    "prompt",
    [
        'why does a "mirage" appear above a hot road',
        "  Why does a ‘mirage’\nappear above a HOT road ?!",
        "Why does a mirage appear, above a hot road...",
    ],
)
def test_case_space_punctuation_and_quotes_do_not_hide_it(by_words, prompt):
    assert find_one(by_words, prompt) == Leak(SAME_PROMPT, 0, 1.0)


def test_the_same_prompt_leaks_whatever_its_options(by_words):
    assert find_one(by_words, EVALUATION[1][0], ()) == Leak(SAME_PROMPT, 1, 1.0)


def test_a_prompt_that_says_nothing_leaks_with_the_same_options_alone(by_vectors):
    prompt, options = EVALUATION[2]
    assert find_one(by_vectors, prompt) is None
    assert find_one(by_vectors, "Which one of the following statements is correct?") is None
    assert find_one(by_vectors, prompt.upper(), options[::-1]) == Leak(SAME_PROMPT, 2, 1.0)


def test_the_first_of_two_equal_evaluation_questions_is_named():
    assert find_one(LeakCheck([UNRELATED, EVALUATION[1], EVALUATION[1]]), EVALUATION[1][0]).row == 1


# ---------------------------------------------------------------------------------- near-duplicates


def test_options_that_overlap_give_a_reworded_question_away(by_words):
    leak = find_one(by_words, "What makes roads shimmer in summer?", EVALUATION[0][1][::-1])
    assert (leak.reason, leak.row) == (NEAR_DUPLICATE, 0)
    assert 0.5 <= leak.score < 1


def test_a_prompt_that_overlaps_is_enough_where_it_is_about_the_same(by_words):
    # 6 runs of three words each, 5 of them shared.
    leak = find_one(by_words, "Why does a mirage appear above a hot street road?", ())
    assert (leak.reason, leak.row) == (NEAR_DUPLICATE, 0)


def test_a_prompt_that_shares_its_stock_phrases_alone_is_another(by_words):
    assert find_one(by_words, "Which of the following is the meaning of the term entropy?") is None


# -------------------------------------------------------------------------------------- paraphrases


def test_other_words_in_another_order_are_found_with_an_encoder_alone(by_words, by_vectors):
    prompt = "Does a “mirage” appear, why, above a hot road?"  # 4 of 10 runs
    assert find_one(by_words, prompt) is None
    leak = find_one(by_vectors, prompt)
    assert (leak.reason, leak.row) == (PARAPHRASE, 0)
    assert leak.score == pytest.approx(1, abs=0.1)


def test_the_options_decide_where_prompts_are_not_so_close():
    prompt, options = (
        "Brine begins at which point of heat boiling?",
        ("101 °C", "99 °C", "0 °C", "−21 °C", "78 °C"),
    )
    check = LeakCheck([("Brine begins at which point boiling then?", options)], encode)
    other = find_one(check, prompt, ("blue", "green", "red", "black", "white"))
    alike = find_one(check, prompt, options[::-1])
    assert other is None
    assert alike.reason in (NEAR_DUPLICATE, PARAPHRASE)


def test_the_caller_can_tell_whether_paraphrases_are_looked_for(by_words, by_vectors):
    assert by_vectors.finds_paraphrases
    assert not by_words.finds_paraphrases


def test_only_rows_that_did_not_leak_yet_are_encoded():
    encoded = []
    check = LeakCheck(EVALUATION, lambda texts: encoded.append(list(texts)) or encode(texts))
    encoded.clear()
    check.find([EVALUATION[0], UNRELATED])
    assert encoded == [[UNRELATED[0]]]


# ------------------------------------------------------------------------------------------- inputs


def test_a_questions_table_is_taken_too():
    table = pd.DataFrame(
        {"prompt": [prompt for prompt, _ in EVALUATION]}
        | {
            column: [options[place] for _, options in EVALUATION]
            for place, column in enumerate(OPTION_COLUMNS)
        }
    )
    assert LeakCheck(table).find(EVALUATION) == [Leak(SAME_PROMPT, row, 1.0) for row in range(4)]


@pytest.mark.parametrize("encoder", [None, encode])
def test_no_evaluation_questions_and_no_rows_leak_nothing(encoder):
    assert LeakCheck([], encoder).find([UNRELATED]) == [None]
    assert LeakCheck(EVALUATION, encoder).find([]) == []


def test_rows_leak_alike_alone_and_among_thousands(by_vectors):
    rows = [UNRELATED, *EVALUATION, ("", ()), ("…", ("",))] * 300
    alone = [by_vectors.find([row])[0] for row in rows[:7]]
    assert by_vectors.find(rows) == alone * 300


@settings(max_examples=50, deadline=None)
@given(data=st.data(), row=st.sampled_from(range(len(EVALUATION))))
def test_every_disguise_of_an_evaluation_question_is_found(data, row):
    prompt, options = EVALUATION[row]
    words = prompt.replace("?", "").split()
    signs = st.sampled_from([" ", "  ", "\n", ", ", " – ", "; ", " “"])
    changed = "".join(
        data.draw(st.sampled_from([word, word.upper(), word.title()])) + data.draw(signs) for word in words
    )
    leak = LeakCheck(EVALUATION).find([(changed, data.draw(st.permutations(options)))])[0]
    assert (leak.reason, leak.row) == (SAME_PROMPT, row)


OTHER_WORDS = st.lists(
    st.sampled_from("copper zinc argon neon xenon iron cobalt".split()), min_size=1, max_size=9
)


@settings(max_examples=50, deadline=None)
@given(prompt=OTHER_WORDS.map(" ".join), options=st.lists(OTHER_WORDS.map(" ".join), max_size=5))
def test_rows_of_other_words_never_leak(by_vectors, prompt, options):
    assert find_one(by_vectors, prompt, options) is None


@settings(max_examples=50, deadline=None)
@given(prompt=st.text(), options=st.lists(st.text(), max_size=5))
def test_any_row_is_taken(by_vectors, prompt, options):
    check = LeakCheck([(prompt, options)], encode)
    assert check.find([(prompt, options[::-1])])[0] is not None
    find_one(by_vectors, prompt, options)
