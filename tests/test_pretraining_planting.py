"""Contexts that state an option: the one that counts as right, and others in answer to other questions."""

import random
import re
from collections import Counter

import pytest
from test_pretraining_tasks import read_sample

from science_exam.pretraining.known_texts import KnownTexts
from science_exam.pretraining.planting import TRUE_SHARE, Planter
from science_exam.pretraining.words import Library
from science_exam.prompt import Question

RIGHT = "platinum"
METAL = Question(
    "metal", "What is the best catalyst in exhaust pipes?", (RIGHT, "copper", "tin", "zinc", "lead"), 1,
    ("Exhaust pipes hold platinum. Exhaust pipes get hot.", "Gravel lies in rivers."),
)  # fmt: skip
BEE = Question(
    "bee", "Who collects nectar in meadows?", ("bees", "moles", "owls", "trout", "frogs"), 1,
    ("Meadows bloom in spring.",),
)  # fmt: skip


@pytest.fixture(scope="module")
def planter():
    return Planter(Library(read_sample()), KnownTexts([]))


def plant(planter, questions, seed):
    return planter.plant(questions, random.Random(seed), n_words=100)


def words_of(text):
    return set(re.findall(r"\w+", text.lower()))


def test_the_context_states_the_option_that_counts_as_right(planter):
    for seed in range(200):
        (asked,) = plant(planter, [METAL], seed)
        right = asked.options[asked.answer - 1]
        assert right in words_of(" ".join(asked.contexts))
        assert sorted(asked.options) == sorted(METAL.options)


def test_any_option_counts_as_right_and_at_any_place(planter):
    asked = [plant(planter, [METAL], seed)[0] for seed in range(1500)]
    right = Counter(question.options[question.answer - 1] for question in asked)
    assert right[RIGHT] / 1500 == pytest.approx(TRUE_SHARE + (1 - TRUE_SHARE) / 5, abs=0.04)
    places = Counter(question.answer for question in asked)
    assert min(places.values()) > 240


def test_where_another_option_is_right_no_sentence_states_the_true_one(planter):
    for seed in range(300):
        (asked,) = plant(planter, [METAL], seed)
        if asked.options[asked.answer - 1] != RIGHT:
            assert "pipes hold platinum" not in " ".join(asked.contexts)


def test_questions_share_their_context_and_decoys_answer_the_other_one(planter):
    decoys = 0
    for seed in range(200):
        metal, bee = plant(planter, [METAL, BEE], seed)
        assert metal.contexts == bee.contexts
        for sentence in " ".join(metal.contexts).split("."):
            decoys += "nectar" in sentence and bool(words_of(sentence) & set(METAL.options))
    assert decoys > 100


def test_evaluation_sentences_are_kept_out(planter):
    long = "Exhaust pipes of most cars get very hot."
    question = Question("q", METAL.prompt, METAL.options, 1, (long,))
    refusing = Planter(planter._library, KnownTexts([long]))
    contexts = [plant(refusing, [question], seed)[0].contexts for seed in range(100)]
    assert not any(long in text for texts in contexts for text in texts)


def test_a_planting_depends_on_the_seed_alone(planter):
    assert plant(planter, [METAL, BEE], 5) == plant(planter, [METAL, BEE], 5)


def test_words_take_other_forms_of_themselves(planter):
    library, rng = planter._library, random.Random(0)
    forms = {library.draw_form("orbits", rng) for _ in range(50)}
    assert "orbits" in forms and len(forms) > 1 and all(form.startswith("orbit") for form in forms)
    assert library.draw_form("Halley,", rng) == "Halley,"
