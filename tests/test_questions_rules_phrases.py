"""Noun phrases: heads, plurals, capitals, loose ends."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from science_exam.questions.generation.rules.phrases import (
    Casing,
    cut_afterthought,
    find_head,
    has_loose_end,
    is_noun_phrase,
    is_plural,
    is_term,
    raise_first,
    stem_content,
)


@pytest.mark.parametrize(
    ("phrase", "head"),
    [
        ("a type of lipid that stores energy", "lipid"),
        ("the outer wall of a cell", "wall"),
        ("ice", "ice"),
        ("layers found in the soil", "layers"),
        ("", ""),
    ],
)
def test_the_head_says_what_a_phrase_stands_for(phrase, head):
    assert find_head(phrase) == head


def test_plurals_are_told_from_words_that_only_end_alike():
    assert all(map(is_plural, ["red blood cells", "bodies", "rates of decay", "bacteria"]))
    assert not any(
        map(is_plural, ["mass", "nucleus", "analysis", "physics", "lens", "species", "gas", "ice"])
    )


def test_terms_are_short_names():
    assert all(map(is_term, ["optic nerve", "law of large numbers", "mRNA", "T-cell", "osmosis"]))
    assert not any(
        map(is_term, ["the", "it", "slowly", "process", "of ice", "a b c d e", "ice (old)", "that ice", ""])
    )


def test_a_noun_phrase_has_neither_verb_nor_clause():
    assert is_noun_phrase("the speed of sound", 8)
    assert not is_noun_phrase("sound that is loud", 8)
    assert not is_noun_phrase("sound, light", 8)
    assert not is_noun_phrase("the speed of", 8)
    assert not is_noun_phrase("the speed of sound", 3)


def test_what_only_adds_something_is_cut_off():
    assert cut_afterthought("a layer of ice, which melts in summer") == "a layer of ice"
    assert cut_afterthought("a layer of ice and is blue") == "a layer of ice"
    assert cut_afterthought("ice, sand, and rock") == "ice, sand, and rock"


def test_loose_ends_are_found():
    assert has_loose_end("a layer of")
    assert has_loose_end("a layer in which water and ice")
    assert not has_loose_end("a layer in which water freezes")


def test_only_names_keep_their_capital_within_a_sentence():
    casing = Casing(frozenset(["glacier", "inner"]), frozenset(["Berg"]))
    written = [
        "Glacier",
        "Inner ear",
        "Berg",
        "Stone disease",
        "Osmosis",
        "DNA copy",
        "The Sun",
        "Berg’s law",
    ]
    read = ["glacier", "inner ear", "Berg", "Stone disease", "osmosis", "DNA copy", "the Sun", "Berg’s law"]
    assert [casing.lower_first(text) for text in written] == read


def test_options_begin_with_a_capital_unless_they_are_written_otherwise():
    assert [raise_first(text) for text in ("ice sheet", "mRNA", "pH of water", "")] == [
        "Ice sheet",
        "mRNA",
        "pH of water",
        "",
    ]


def test_stems_are_of_words_that_mean_something():
    assert stem_content("the rates of decay") == {"rate", "decay"}
    assert stem_content("of the") == frozenset()


@given(st.text())
def test_no_text_is_too_odd_to_be_read(text):
    find_head(text), is_plural(text), is_term(text), has_loose_end(text), is_noun_phrase(text, 8)
    assert cut_afterthought(text) in text
    assert raise_first(text).lower() == raise_first(text.lower()).lower() or not text.isascii()
