"""Hard wrong options: what is added, what never is, what is left out."""

import numpy as np
import pytest

from science_exam.questions.drafts import Draft, Tally
from science_exam.questions.wrong_options.filling import complete_drafts, thin_options
from science_exam.questions.wrong_options.pool import OptionPool
from science_exam.questions.wrong_options.proposing import propose_options
from science_exam.questions.wrong_options.sameness import make_key, measure_echo, say_the_same
from science_exam.questions.wrong_options.swapping import swap_wrong


def draft(prompt, right, *wrong):
    return Draft("own.csv: row 1", "own", prompt, right, wrong)


POOL = [
    draft("What organ filters waste from the blood?", "kidney", "stomach", "spleen", "bladder"),
    draft("What organ stores bile below the liver?", "gallbladder", "kidney", "spleen", "pancreas"),
    draft("What organ pumps blood through the vessels?", "heart", "kidney", "lung", "stomach"),
    draft("What organ makes insulin for the blood?", "pancreas", "liver", "stomach", "kidney"),
    draft("What force slows a sliding sledge?", "friction", "gravity", "tension", "magnetism"),
    draft("How heavy is the old bridge?", "40 kg", "10 kg", "20 kg", "30 kg"),
    draft("How heavy is the new bridge?", "55 kg", "65 kg", "75 kg", "85 kg"),
    draft("Who described the motion of comets?", "Ada Brook", "Otto Lind", "Mara Voss", "Juri Palk"),
]
QUESTION = draft("What organ cleans the blood and makes urine?", "kidney", "stomach", "heart", "lung")


@pytest.fixture(scope="module")
def pool():
    return OptionPool.build(POOL, max_drafts=100, seed=0)


def fill(question, pool, seed=0):
    """The question with four wrong options."""
    [filled] = complete_drafts([question], pool, seed, Tally(), Tally())
    return filled


def explain(question, pool):
    """Why a question cannot be filled."""
    dropped = Tally()
    assert complete_drafts([question], pool, 0, dropped, Tally()) == []
    [(_, reason)] = dropped.counts
    return reason


def test_a_missing_wrong_option_comes_from_questions_with_the_same_options(pool):
    filled = fill(QUESTION, pool)
    assert filled.wrong[:3] == QUESTION.wrong
    assert filled.wrong[3] in {"spleen", "bladder", "liver"}
    assert filled.right == QUESTION.right


def test_an_added_option_looks_like_the_others(pool):
    dressed = draft(QUESTION.prompt, "Kidney.", "Stomach.", "Heart.", "Lung.")
    assert fill(dressed, pool).wrong[3] in {"Spleen.", "Bladder.", "Liver."}


def test_options_of_other_types_are_not_proposed(pool):
    texts = next(propose_options([QUESTION], pool, 0)).texts
    assert not {"40 kg", "Ada Brook", "friction"} & set(texts)


def test_the_right_option_of_nearly_the_same_question_is_never_added():
    twin = draft("What organ cleans blood, making urine?", "nephros", "kidney", "spleen", "bladder")
    pool = OptionPool.build([*POOL, twin], max_drafts=100, seed=0)
    assert "nephros" not in next(propose_options([QUESTION], pool, 0)).texts


def test_the_wrong_options_of_a_question_for_the_exception_count_as_right():
    # "spleen" stands beside "kidney" as an organ that does clean the blood.
    twin = draft("What organ does NOT cleanse blood and make urine?", "bladder", "kidney", "spleen", "liver")
    pool = OptionPool.build([*POOL, twin], max_drafts=100, seed=0)
    assert not {"spleen", "liver"} & set(next(propose_options([QUESTION], pool, 0)).texts)


def test_words_of_the_prompt_are_not_added(pool):
    question = draft("Unlike the spleen, what organ makes urine?", "kidney", "stomach", "heart", "lung")
    assert "spleen" not in next(propose_options([question], pool, 0)).texts


@pytest.mark.parametrize(
    ("question", "reason"),
    [
        (draft("What is true of owls?", "All of the above", "they hunt", "they fly"), "'all of the above'"),
        (draft("What is it?", "kidney", "stomach", "Both A and B"), "by letter"),
        (draft("Which organ is NOT in the chest?", "kidney", "heart", "lung", "gullet"), "exception"),
        (draft("What does the speed do?", "increases", "decreases", "stays the same"), "closed set"),
        (draft("What is the slope?", "2x + 1", "2x", "x - 1"), "formulas"),
        (draft("Which of these weighs more?", "3 kg", "1 kg", "2 kg"), "other numbers"),
        (draft("What do zithers resemble most?", "harp", "lyre", "lute"), "too few"),
        (draft("He sat. " * 100 + "What then?", "He went to the lake.", "He slept in it."), "story"),
    ],
)
def test_what_cannot_be_filled_says_why(pool, question, reason):
    assert reason in explain(question, pool)


def test_none_of_the_above_may_be_right(pool):
    question = draft(QUESTION.prompt, "None of the above", "stomach", "heart", "lung")
    filled = fill(question, pool)
    assert filled.wrong[3] in {"spleen", "bladder", "liver", "pancreas", "gallbladder", "kidney"}


def test_numbers_keep_unit_and_format(pool):
    question = draft("How heavy is the long bridge?", "40 kg", "10 kg", "20 kg", "30 kg")
    assert fill(question, pool).wrong[3] in {"55 kg", "65 kg"}


def test_numbers_are_made_up_where_the_unit_is_unknown(pool):
    filled = fill(draft("How long is the pier?", "1,200 m"), pool)
    assert len(set(filled.wrong)) == 4
    assert all(text.endswith(" m") and text != "1,200 m" for text in filled.wrong)


def test_synonyms_are_left_to_the_encoder():
    def encode(texts):
        alike = {"kidney", "spleen"}  # of one meaning, for the encoder
        vectors = np.array([[1, 0.1, 0] if t in alike else [0.6, 0.8, 0] for t in texts], dtype=np.float32)
        vectors[[len(t) > 20 for t in texts]] = (0.5, 0, 0.866)
        return vectors / np.linalg.norm(vectors, axis=1, keepdims=True)

    question = draft(QUESTION.prompt, "kidney", "magnet", "sun")
    by_words = next(propose_options([question], OptionPool.build(POOL, 100, 0), 0)).texts
    by_meaning = next(propose_options([question], OptionPool.build(POOL, 100, 0, encode), 0)).texts
    assert "spleen" in by_words
    assert "spleen" not in by_meaning
    assert set(by_meaning) <= set(by_words)


def test_the_hardest_four_of_many_are_kept_in_their_order(pool):
    question = draft(
        "?", "kidney", "all of the above", "spleen", "the law of the sea", "heart", "lung", "liver"
    )
    assert thin_options(question, pool).wrong == ("spleen", "heart", "lung", "liver")


def test_four_wrong_options_are_left_alone(pool):
    question = draft("?", "kidney", "a", "b", "c", "d")
    assert complete_drafts([question], pool, 0, Tally(), Tally()) == [question]


def test_drafts_are_filled_in_order_and_losses_counted(pool):
    lost = draft("What is true of owls?", "All of the above", "they hunt", "they fly")
    dropped = Tally()
    done = complete_drafts(
        [QUESTION, lost, draft("?", "kidney", "a", "b", "c", "d")], pool, 0, dropped, Tally()
    )
    assert [len(row.wrong) for row in done] == [4, 4]
    assert dropped.counts == {("own", "'all of the above' cannot be filled"): 1}
    assert dropped.places["own", "'all of the above' cannot be filled"] == ["own.csv: row 1"]


def test_what_a_draft_gets_does_not_depend_on_the_others(pool):
    long = draft("How long is the pier?", "1,200 m")
    together = complete_drafts([QUESTION, long], pool, 5, Tally(), Tally())
    assert together == [fill(QUESTION, pool, 5), fill(long, pool, 5)]
    assert together == complete_drafts([QUESTION, long], OptionPool.build(POOL, 100, 0), 5, Tally(), Tally())


def test_no_drafts_and_an_empty_pool_are_no_fault(pool):
    assert complete_drafts([], pool, 0, Tally(), Tally()) == []
    assert "too few" in explain(QUESTION, OptionPool.build([], 10, 0))


def test_the_pool_is_bounded_and_drawn_by_seed():
    drafts = [draft(f"question {n}", f"right {n}") for n in range(50)]
    small = OptionPool.build(iter(drafts), max_drafts=10, seed=1)
    same = OptionPool.build(iter(drafts), max_drafts=10, seed=1)
    other = OptionPool.build(iter(drafts), max_drafts=10, seed=2)
    assert len(small.questions) == 10
    assert small.questions == same.questions != other.questions


def test_swaps_replace_one_or_two_wrong_options(pool):
    full = draft(QUESTION.prompt, "kidney", "stomach", "heart", "lung", "liver")
    (swapped,) = swap_wrong([full], pool, seed=0, share=1)
    assert swapped.right == full.right
    assert len(set(swapped.wrong)) == 4
    assert 1 <= sum(a != b for a, b in zip(swapped.wrong, full.wrong, strict=True)) <= 2
    assert swap_wrong([full], pool, seed=0, share=1) == [swapped]


def test_a_share_of_none_swaps_nothing(pool):
    full = draft(QUESTION.prompt, "kidney", "stomach", "heart", "lung", "liver")
    assert swap_wrong([full], pool, seed=0, share=0) == [full]


def test_what_cannot_be_filled_is_not_swapped(pool):
    full = draft("Which organ is NOT in the chest?", "kidney", "stomach", "heart", "lung", "gullet")
    assert swap_wrong([full], pool, seed=0, share=1) == [full]


@pytest.mark.parametrize(
    ("one", "other"),
    [("The red blood cells.", "red blood cell"), ("five", "5"), ("0.5", "1/2"), ("ice", "old ice"),
     ("chordates", "cordates"), ("sea water", "seawater")],
)  # fmt: skip
def test_options_that_say_the_same_are_told(one, other):
    assert say_the_same(make_key(one), make_key(other))


@pytest.mark.parametrize(
    ("one", "other"),
    [("mitosis", "meiosis"), ("5", "6"), ("no charge", "negative charge"), ("nitrate", "nitrite")],
)
def test_options_that_differ_are_let_be(one, other):
    assert not say_the_same(make_key(one), make_key(other))


def test_the_echo_is_the_share_of_common_words():
    assert measure_echo(make_key("cold salty sea"), make_key("warm salty sea")) == pytest.approx(2 / 3)
