"""Which articles a filter keeps."""

import pickle
import re
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from science_exam.config import load_config
from science_exam.corpus.articles import Article, Section
from science_exam.corpus.config import CorpusConfig
from science_exam.corpus.filters import ArticleFilter, compile_phrases

CONFIGS = Path(__file__).parents[1] / "configs" / "corpus"
STEM_FILTER = load_config(CorpusConfig, "stem", [], CONFIGS).filter


def make_article(title="Some thing", categories=(), lead="A thing."):
    return Article("x:1", title, (Section("", lead),), "x", categories=tuple(categories))


@pytest.mark.parametrize(
    ("phrase", "text", "found"),
    [
        ("optics", "Fibre Optics", True),
        ("optics", "fiberoptics", False),
        ("optics", "optics-based", True),
        ("optic*", "Optical devices", True),
        ("optic*", "Fiberoptics", False),
        ("*optics", "Fiberoptics", True),
        ("*optics", "optical", False),
        ("*chemi*", "Biochemistry", True),
        ("black hole*", "Black holes", True),
        ("black hole", "Black holes", False),
        ("x ray", "X-ray sources", True),
        ("x ray", "X–ray sources", True),
        ("x-ray", "x-ray sources", True),
        ("c++", "C++ software", True),
        ("a.b", "axb", False),
        ("quantum mechanics", "quantum\n mechanics", True),
        ("", "anything", False),
        (" * ", "anything", False),
        ("élan", "ÉLAN vital", True),
    ],
)
def test_phrases_match_whole_words(phrase, text, found):
    assert bool(compile_phrases([phrase]).search(text)) == found


def test_no_lists_keep_everything():
    assert ArticleFilter().accepts(make_article())
    assert not compile_phrases([]).search("anything")


def test_categories_and_keywords_keep():
    chosen = ArticleFilter(keep_categories=["physics"], keep_keywords=["atom"])
    assert chosen.accepts(make_article(categories=["Food", "Nuclear physics"]))
    assert chosen.accepts(make_article(title="Atom"))
    assert not chosen.accepts(make_article(categories=["Atom bombs"]))  # a keyword, not a category
    assert not chosen.accepts(make_article(title="Physics"))
    assert not chosen.accepts(make_article(lead="An atom is small."))


def test_the_lead_is_searched_as_far_as_asked():
    chosen = ArticleFilter(keep_keywords=["atom"], lead_characters=10)
    assert chosen.accepts(make_article(lead="This atom is small."))
    assert not chosen.accepts(make_article(lead="Of what is small, an atom is the best known."))
    assert not chosen.accepts(Article("x:1", "T", (), "x"))


def test_dropping_comes_first():
    chosen = ArticleFilter(
        keep_categories=["physics"], drop_categories=["journals"], drop_keywords=["list of"]
    )
    assert chosen.accepts(make_article(categories=["Physics"]))
    assert not chosen.accepts(make_article(categories=["Physics", "Physics journals"]))
    assert not chosen.accepts(make_article(title="List of physics terms", categories=["Physics"]))
    only_dropping = ArticleFilter(drop_keywords=["list of"])
    assert only_dropping.accepts(make_article())
    assert not only_dropping.accepts(make_article(title="List of things"))


def test_articles_without_categories_are_judged_by_words_alone():
    chosen = ArticleFilter(keep_categories=["physics"], keep_keywords=["quantum"], lead_characters=100)
    assert chosen.accepts(make_article(lead="A quantum is the least amount."))
    assert not chosen.accepts(make_article(title="Physics"))


def test_a_filter_can_be_sent_to_workers_before_and_after_use():
    for _ in range(2):
        copy = pickle.loads(pickle.dumps(STEM_FILTER))
        assert copy == STEM_FILTER
        assert copy.accepts(make_article("Quantum mechanics"))
        assert STEM_FILTER.accepts(make_article("Quantum mechanics"))


@given(st.lists(st.text(max_size=12), max_size=5), st.text(max_size=40))
def test_any_phrase_is_a_pattern(phrases, text):
    compile_phrases(phrases).search(text)


@given(st.text(alphabet="ab* -", min_size=1, max_size=8))
def test_a_phrase_finds_itself(phrase):
    words = phrase.strip().strip("*").split()
    if words:
        assert compile_phrases([phrase]).search(" ".join(words))


@pytest.mark.parametrize(
    ("title", "categories", "kept"),
    [
        ("Albedo", ["Climate forcing", "Electromagnetic radiation"], True),
        ("Krill", ["Crustaceans of oceans", "Animal species"], True),
        ("Benzene", ["Aromatic hydrocarbons", "Hazardous air pollutants"], True),
        ("Sylow theorems", [], True),
        ("Ribosome", ["Protein biosynthesis"], True),
        ("Kidney stone", ["Kidney diseases"], True),
        ("Radix sort", ["Sorting algorithms"], True),
        ("A medicine", ["Statins", "Organofluorides", "Example & Co. brands"], True),
        ("Wormhole", ["General relativity", "Science fiction themes"], True),
        ("Cathode-ray tube", ["Vacuum tubes", "Electron beam", "Television technology"], True),
        ("A physicist", ["American physicists", "1950 births"], False),
        ("Physics Letters", ["Physics journals"], False),
        ("Gravity (film)", ["2013 films", "Films about gravity"], False),
        ("A village", ["Villages in the Alps"], False),
        ("A song", ["1990 songs"], False),
        ("A company", ["Electronics companies"], False),
    ],
)
def test_the_default_keeps_science(title, categories, kept):
    assert STEM_FILTER.accepts(make_article(title, categories, lead="")) == kept


def test_the_default_keeps_science_without_categories():
    assert STEM_FILTER.accepts(make_article(lead="A hadron is a composite subatomic particle of quarks."))
    assert not STEM_FILTER.accepts(make_article(lead="The town hall was built in 1880 by a merchant."))


@pytest.mark.parametrize("name", ["keep_categories", "drop_categories", "keep_keywords"])
def test_the_lists_for_science_say_nothing_twice(name):
    phrases = getattr(STEM_FILTER, name)
    assert phrases
    assert len(set(phrases)) == len(phrases)
    assert all(phrase == phrase.lower().strip() for phrase in phrases)
    assert all(re.fullmatch(r"\*?[^*]+\*?", phrase) for phrase in phrases)
