"""Terms taken out of sentences."""

import pytest

from science_exam.questions.generation.rules.cloze import Terms, blank_terms
from science_exam.questions.generation.rules.definitions import Definition

TERMS = Terms(
    [
        Definition("firn", "granular snow that lies between fresh snow and glacier ice", False, "substance"),
        Definition("ice shelf", "floating sheet of ice attached to a coast", False, "anatomy"),
    ]
)


def ask(sentence):
    return [(q.prompt, q.right.text) for q in blank_terms(sentence, TERMS)]


def test_a_sentence_that_says_what_the_definition_says_loses_its_term():
    sentence = (
        "Under its own weight, granular snow on glacier ice turns into firn, which melting water cements "
        "slowly."
    )
    assert ask(sentence) == [
        (
            "Which term completes the statement: “Under its own weight, granular snow on glacier ice turns "
            "into _____, which melting water cements slowly.”",
            "firn",
        )
    ]


def test_the_article_in_front_of_the_blank_tells_nothing():
    sentence = (
        "Along the southern coast, floating sheets break off from an ice shelf in large blocks every summer."
    )
    ((prompt, answer),) = ask(sentence)
    assert "from a(n) _____ in large blocks" in prompt
    assert answer == "ice shelf"


@pytest.mark.parametrize(
    "sentence",
    [
        "Ada Berg took samples of firn, water and sand to her laboratory in the north.",  # of anything
        "Firn is a granular snow that lies on glacier ice in the high mountains there.",  # a definition
        "Granular snow and firn lie on the glacier ice of high mountains for many years.",  # a list
        "The firn line tells where granular snow lies on the glacier ice of mountains.",  # a longer name
        "Firn, old granular snow, and glacier ice lie on the high mountains of the north.",  # of several
        "Granular snow turns into firn.",  # too short
        "Granular snow covers the old glacier ice, the firn, in high mountains for many years.",  # its name
        "Granular snow covers the old glacier ice, a firn, in high mountains for many years.",
        "The first granular snow on glacier ice turns into firn under the weight of many years.",  # of which?
        "The other granular snow on glacier ice turns into firn under the weight of many years.",
        "In high mountains, granular snow turns into firn under the weight of years.",  # too little shared
    ],
)
def test_other_sentences_keep_it(sentence):
    assert ask(sentence) == []


def test_of_nested_terms_the_longest_is_found():
    terms = Terms(
        [Definition("shelf", "b", False, "anatomy"), Definition("ice shelf", "a", False, "anatomy")]
    )
    assert terms.find("An ice shelf is larger than a shelf.") == ["ice shelf", "shelf"]
