"""Definitions: what is read as one, what is not, and how it is asked for."""

import pytest

from science_exam.questions.generation.rules.definitions import Definition, read_definition, read_glossary
from science_exam.questions.generation.rules.distractors import ANY_SORT
from science_exam.questions.generation.rules.meanings import ask_for_meaning, ask_for_term, offer_terms
from science_exam.questions.generation.rules.phrases import Casing

CASING = Casing(frozenset("glacier moraine erosion".split()), frozenset())


def read(sentence, title="Ice"):
    return [(d.term, d.body, d.plural) for d in read_definition(sentence, title, CASING)]


@pytest.mark.parametrize(
    ("sentence", "expected"),
    [
        (
            "A glacier is a body of dense ice that moves under its own weight.",
            ("glacier", "a body of dense ice that moves under its own weight", False),
        ),
        (
            "Erosion refers to the removal of soil by water and wind.",
            ("erosion", "the removal of soil by water and wind", False),
        ),
        (
            "Moraines are layers of rock and soil that moving ice has dropped.",
            ("moraines", "layers of rock and soil that moving ice has dropped", True),
        ),
        (
            "The removal of soil by water and wind is called erosion.",
            ("erosion", "the removal of soil by water and wind", False),
        ),
        (
            "In geology, erosion is the removal of soil by water and wind over time.",
            ("erosion", "the removal of soil by water and wind over time", False),
        ),
        (
            "Erosion is the removal of soil by water and wind, although ice takes part in it.",
            ("erosion", "the removal of soil by water and wind", False),
        ),
    ],
)
def test_a_sentence_defines_a_term(sentence, expected):
    assert read(sentence) == [expected]


@pytest.mark.parametrize(
    "sentence",
    [
        "A glacier is an important source of water that many villages use.",
        "A glacier is one of the largest bodies of ice that move on land.",
        "A glacier is a body of ice that other glaciers feed from above.",
        "The result is a body of dense ice that moves under its own weight.",
        "Glaciers are found in high mountains that have much snow in winter.",
        "A glacier is a film that was made by a company in the mountains.",
        "A glacier is a nice thing to look at from the window of a hut.",
        "A key glacier is a body of dense ice that moves under its own weight.",
    ],
)
def test_other_sentences_define_nothing(sentence):
    assert read(sentence) == []


def test_a_definite_subject_is_defined_where_it_is_what_the_article_is_about():
    sentence = "The moraine is a layer of rock and soil that moving ice has dropped."
    assert read(sentence) == []
    assert len(read(sentence, title="Moraine")) == 1


def test_glossary_lines_are_read_up_to_the_first_statement():
    text = (
        "Ice > Glossary\n"
        "firn (old snow): (also, granular snow) material between snow and ice; found high up\n"
        "calving: the separation of blocks from an ice front. It is loud.\n"
        "icy: covered with frozen water in winter\n"
        "drift: moves the ice towards the open sea\n"
        "no glossary line"
    )
    assert [(d.term, d.body) for d in read_glossary(text, CASING)] == [
        ("firn", "material between snow and ice"),
        ("calving", "the separation of blocks from an ice front"),
    ]


@pytest.mark.parametrize(
    "beginning",
    "drives amplifies contains creates organizes divides reduces collects makes helps releases".split(),
)
def test_a_body_that_begins_with_a_verb_is_no_meaning(beginning):
    line = "Ice > Glossary\ndrift: {} warm surface water below old ice"
    assert list(read_glossary(line.format(beginning), CASING)) == []
    assert len(list(read_glossary(line.format("slow"), CASING))) == 1


@pytest.mark.parametrize(
    "body",
    [
        "layer of dense ice that results from pressure of new snow",
        "layer of dense ice of which sheets and glaciers are built",
        "layer of dense ice usually between fresh snow and rock",
        "layer of dense ice with a thickness of 20–30 meters",
        "unitless ratio of dense ice to air within old snow",
        "SI unit of pressure within dense ice and old snow",
    ],
)
def test_a_body_of_two_statements_or_of_figures_is_no_meaning(body):
    assert list(read_glossary(f"Ice > Glossary\nfirn: {body}", CASING)) == []


def test_a_meaning_that_holds_a_part_of_the_term_is_left_out():
    assert list(read_glossary("Ice > Glossary\nstreamflow: flow of water in a stream bed", CASING)) == []


def test_the_term_is_asked_for_by_its_meaning():
    definition = Definition("erosion", "the removal of soil by water and wind", False, "event")
    question = ask_for_term(definition, 1)
    assert question.prompt == "Which term refers to the removal of soil by water and wind?"
    assert question.right.text == "erosion"
    assert question.type == "term, singular, noun, event"
    assert question.kind == "term"
    assert question.right.head == "removal"


def test_the_meaning_is_asked_for_without_its_article():
    definition = Definition("erosion", "the removal of soil by water and wind", False, "event")
    question = ask_for_meaning(definition, 1)
    assert question.prompt == 'What does the term "erosion" refer to?'
    assert question.right.text == "removal of soil by water and wind"
    assert question.kind == "meaning"
    assert question.right.head == "removal"


@pytest.mark.parametrize(
    ("body", "head"),
    [
        ("the process of removing soil by water and wind", "process"),
        ("layers of rock and soil", "layer"),
    ],
)
def test_a_head_that_says_little_is_found_in_its_singular(body, head):
    _, option = offer_terms(Definition("erosion", body, False, "event"))
    assert option.head == head
    assert option.head in ANY_SORT
