"""Questions of a question set: which are held out, how often they are drawn, and with which contexts."""

import random
from collections import Counter
from dataclasses import replace

import pytest

from science_exam.errors import UserError
from science_exam.pretraining.asking import QuestionPool, cut_passages, split_questions
from science_exam.pretraining.config import PretrainConfig
from science_exam.pretraining.known_texts import KnownTexts
from science_exam.prompt import Question

NOTHING = KnownTexts([])
CONFIG = PretrainConfig()


def test_passages_are_cut_at_sentences():
    passages = ("Gold is a metal. It shines.", "Iron rusts in wet air. Steel does not.", "Lead is soft.")
    assert cut_passages(passages, 100, NOTHING) == passages
    assert cut_passages(passages, 12, NOTHING) == (passages[0], "Iron rusts in wet air.")
    assert cut_passages(passages, 5, NOTHING) == ("Gold is a metal.",)
    assert cut_passages(passages, 2, NOTHING) == ()


def test_sentences_of_the_evaluation_never_stand_in_a_context():
    refused = KnownTexts(["Before. Iron slowly rusts in very wet air! After."])
    passages = ("Steel does not. Iron slowly rusts in very wet air.", "Iron slowly rusts in very wet air.")
    assert cut_passages(passages, 100, refused) == ("Steel does not.",)


def test_groups_are_held_out_whole(question_set):
    config = replace(CONFIG, held_out_fraction=0.3)
    pool, held_out = split_questions(question_set.questions, question_set.contexts, config, NOTHING)
    group = question_set.questions.set_index("question_id")["group"]
    outside = {group[question.question_id] for question in held_out}
    inside = {group[draw(pool, seed).question_id] for seed in range(2000)}
    assert outside and inside and not outside & inside
    assert len(outside) + len(inside) == 20
    again = split_questions(question_set.questions, question_set.contexts, config, NOTHING)[1]
    assert held_out == again


def draw(pool, seed):
    return pool.draw(random.Random(seed), n_words=100)


def test_sources_are_drawn_by_their_weights(question_set):
    questions = question_set.questions.assign(source=["rare"] * 20 + ["common"] * 20)
    config = replace(CONFIG, held_out_fraction=0.0, source_weights=("common=3", "rare=1"))
    pool, _ = split_questions(questions, question_set.contexts, config, NOTHING)
    source = questions.set_index("question_id")["source"]
    drawn = Counter(source[draw(pool, seed).question_id] for seed in range(4000))
    assert drawn["common"] / 4000 == pytest.approx(0.75, abs=0.03)


@pytest.mark.parametrize(
    "word, wrong",
    [("elements=much", "'elements=much'"), ("planets=1", "'planets'"), ("elements=-3", "'elements=-3'"),
     ("elements=nan", "'elements=nan'"), ("elements=0", "weight above 0")],
)  # fmt: skip
def test_a_weight_that_cannot_be_meant_is_named(question_set, word, wrong):
    config = replace(CONFIG, source_weights=(word,))
    with pytest.raises(UserError, match=wrong):
        split_questions(question_set.questions, question_set.contexts, config, NOTHING)


def test_a_question_is_asked_with_some_of_its_passages_in_any_order_of_options():
    question = Question("q", "Which?", ("a", "b", "c", "d", "e"), 3, ("One.", "Two.", "Three."))
    pool = QuestionPool([question], ["g"], [1.0], NOTHING)
    drawn = [draw(pool, seed) for seed in range(300)]
    assert all(asked.options[asked.answer - 1] == "c" for asked in drawn)
    assert {asked.answer for asked in drawn} == {1, 2, 3, 4, 5}
    kept = Counter(asked.contexts for asked in drawn)
    assert {(), ("One.",), ("One.", "Two."), ("Two.", "One.")} <= set(kept)
    assert ("Two.",) not in kept  # the best ones are kept, whatever their order


def test_several_questions_are_of_different_groups(question_set):
    config = replace(CONFIG, held_out_fraction=0.0)
    pool, _ = split_questions(question_set.questions, question_set.contexts, config, NOTHING)
    group = question_set.questions.set_index("question_id")["group"]
    sizes = Counter()
    for seed in range(300):
        picked = pool.pick(random.Random(seed), 5)
        sizes[len(picked)] += 1
        assert len({group[question.question_id] for question in picked}) == len(picked)
    assert sizes[5] > sizes[3] > 0
