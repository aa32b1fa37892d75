"""Facts told by a verb: each pattern, and what is no fact to ask for."""

import pytest

from science_exam.questions.generation.rules.phrases import Casing
from science_exam.questions.generation.rules.relations import read_answers, read_facts, read_persons

CASING = Casing(frozenset("glacial ice cores moraines station".split()), frozenset(["Stone"]))


def read(sentence):
    return [(q.prompt, q.right.text) for q in read_facts(sentence, CASING)]


@pytest.mark.parametrize(
    ("sentence", "prompt", "answer"),
    [
        (
            "Ice cores are used to reconstruct past temperatures of the air.",
            "What are ice cores used for?",
            "to reconstruct past temperatures of the air",
        ),
        (
            "The function of ice drills is to cut narrow cylinders out of frozen ground.",
            "What is the function of ice drills?",
            "to cut narrow cylinders out of frozen ground",
        ),
        (
            "Stone fever is caused by the bacterium Berga montana.",
            "What causes Stone fever?",
            "the bacterium Berga montana",
        ),
        (
            "Stone syndrome is caused by mutations in the BRG7 gene.",
            "What causes Stone syndrome?",
            "mutations in the BRG7 gene",
        ),
        (
            "The lake of Berg is located between two mountain ranges.",
            "Where is the lake of Berg located?",
            "between two mountain ranges",
        ),
        (
            "The Stone scale is named after Ada Berg.",
            "After whom or what is the Stone scale named?",
            "Ada Berg",
        ),
        (
            "The Stone scale was invented by the geologist Ada Berg in 1911.",
            "In 1911, who invented the Stone scale?",
            "Ada Berg",
        ),
        (
            "In 1911, Ada Berg discovered a lake below thick polar ice sheets.",
            "In 1911, who discovered a lake below thick polar ice sheets?",
            "Ada Berg",
        ),
        (
            "Melting converts frozen ground into soft mud.",
            "Into what does melting convert frozen ground?",
            "soft mud",
        ),
        (
            "Stone oil is derived from buried marine algae.",
            "What is Stone oil derived from?",
            "buried marine algae",
        ),
        (
            "The ice bear of Berg belongs to the family Ursidae.",
            "To what does the ice bear of Berg belong?",
            "the family Ursidae",
        ),
        (
            "Stone hormone is secreted by the outer pineal cells.",
            "What is Stone hormone secreted by?",
            "the outer pineal cells",
        ),
        (
            "Berg's law states that ice sheets thin towards their margins.",
            "What does Berg's law state?",
            "ice sheets thin towards their margins",
        ),
        (
            "Glacial calving occurs when large blocks break off at the sea.",
            "When does glacial calving occur?",
            "when large blocks break off at the sea",
        ),
        (
            "The SI unit of glacial stiffness is the bergon.",
            "What is the SI unit of glacial stiffness?",
            "bergon",
        ),
    ],
)
def test_a_sentence_becomes_a_question(sentence, prompt, answer):
    assert (prompt, answer) in read(sentence)


@pytest.mark.parametrize(
    "sentence",
    [
        "It is used to reconstruct past temperatures of the air.",  # no subject
        "The process is used to reconstruct past temperatures of the air.",  # which one?
        "Many drugs are used to treat several diseases of the heart.",  # so are others
        "Stone fever is caused by new mutations.",
        "Stone syndrome is caused by Stone bacteria.",  # the answer is in the question
        "The QXZ unit was invented by Ada Berg.",  # who knows it?
        "The Stone scale was invented by the Berg Institute.",
        "The Stone scale was invented by Station Nord.",
        "Moraines consist of boulders, gravel, and fine sand.",  # so do others
        "Glacial flow is measured in meters per year.",  # and in others
        "The largest lake of Stone Island is Bergsee.",  # known in one place only
        "Brittle rib fever is caused by mutations in the BRF7 gene.",  # spells the disease
        "Mutations in the BRF7 gene cause brittle rib fever.",
        "Stone fever is caused by mutations in the STON2 gene.",
        "Stone fever is caused by mutations in the BRG7 or STON2 genes.",
    ],
)
def test_other_sentences_become_none(sentence):
    assert read(sentence) == []


def test_a_clause_that_only_adds_something_is_cut_off():
    assert read("Stone oil is derived from buried marine algae, which moving ice has left.") == [
        ("What is Stone oil derived from?", "buried marine algae")
    ]


def test_answers_are_read_whatever_their_subject():
    assert [(t, o.text) for t, o in read_answers("They are derived from buried marine algae.", CASING)] == [
        ("origin", "buried marine algae")
    ]


@pytest.mark.parametrize(
    ("genes", "type_"),
    [
        ("the BRG7 gene", "1 genes"),
        ("the BRG7 and QXZ1 genes", "2 genes"),
        ("BRG7, QXZ1, or MELV genes", "3 genes"),
    ],
)
def test_genes_are_of_one_type_with_as_many_others(genes, type_):
    for sentence in (
        f"Stone fever is caused by mutations in {genes}.",
        f"Mutations in {genes} cause Stone fever.",
    ):
        assert [q.type for q in read_facts(sentence, CASING)] == [type_]
        assert type_ in [t for t, _ in read_answers(sentence, CASING)]


def test_persons_are_read_behind_a_profession():
    text = "The chemist Ada Berg met the engineer Carl Stone in the Stone Institute."
    assert [person.text for person in read_persons(text)] == ["Ada Berg", "Carl Stone"]
