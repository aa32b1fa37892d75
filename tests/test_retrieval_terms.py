"""What of a text can be searched for."""

import subprocess
import sys

import pytest
from hypothesis import given
from hypothesis import strategies as st

from science_exam.retrieval import terms
from science_exam.retrieval.terms import STOP_WORDS, split_terms


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", ""),
        ("?! … – ___", ""),
        ("What is the", ""),
        ("Cells divide; the dividing CELL divided.", "cell divid divid cell divid"),
        # Numbers
        ("3.14 and 1,000 and 12,345,678.9", "3.14 1000 12345678.9"),
        ("Fig. 2,3: 1,0000", "fig 2 3 1 0000"),
        ("in 1990. Then 2.5-fold, -273.15 °C", "1990 2.5 fold 273.15 c"),
        ("5kg 1.5T 3D", "5kg 1.5 t 3d"),
        # Formulas
        ("CO2 CO₂ CO_2", "co2 co2 co2"),
        ("H2O, C6H12O6, Ca2+ and m²", "h2o c6h12o6 ca2 m2"),
        (r"$\frac{x_1}{2}$ \alpha", "frac x1 2 alpha"),
        ("E = mc^2 at 10⁻⁶", "e mc 2 10 6"),
        # Greek letters and their names
        ("α-helix, Α-HELIX, alpha helix", "alpha helix alpha helix alpha helix"),
        ("NFκB NFkappaB", "nfkappab nfkappab"),
        ("\u00b5m \u03bcm", "mum mum"),  # the micro sign and the letter
        ("Ω \u2126 ϕ φ ς σ λ", "omega omega phi phi sigma sigma lambda"),  # ohm sign, variants
        # Accents and letters beyond the alphabet
        ("Schrödinger Schro\u0308dinger Schrodinger", "schroding schroding schroding"),
        ("Ørsted Łódź Ångström naïve Straße \ufb01sh", "orst lodz angstrom naiv strass fish"),
        ("\ufdfa", "صلىاللهعليهوسلم"),  # one sign that falls into four words
        # Apostrophes
        ("Newton’s law, Newton's law, Newton law", "newton law newton law newton law"),
        ("O'Brien and O’Brien's", "o'brien o'brien"),
        ("it's the 5'-end 'quoted'", "5 end quot"),
        # Words of one letter
        ("vitamin C, T cell, n = 5", "vitamin c t cell n 5"),
    ],
)
def test_terms(text, expected):
    assert " ".join(split_terms(text)) == expected


WORDS = st.lists(
    st.sampled_from(["Cells", "the", "CO₂", "β-sheet", "1,000", "3.14", "Schrödinger's", "…", "x_1", "don't"])
)


@given(WORDS, WORDS)
def test_terms_of_a_text_are_those_of_its_parts(first, second):
    whole = split_terms(" ".join([*first, *second]))
    assert whole == split_terms(" ".join(first)) + split_terms(" ".join(second))


@given(st.text())
def test_any_text_has_terms_in_lower_case(text):
    found = split_terms(text)
    assert found == split_terms(text)
    assert all(term and term == term.lower() and not set(term) & set(" _\n’") for term in found)


def test_stop_words_are_written_as_they_are_compared():
    assert all(split_terms(word) == [] for word in STOP_WORDS)
    assert all(word == word.lower() and word.isalpha() for word in STOP_WORDS)


def test_the_cache_does_not_grow_without_end(monkeypatch):
    monkeypatch.setattr(terms, "MAX_CACHED_WORDS", 3)
    monkeypatch.setattr(terms, "_TERMS", terms._Terms())
    text = "one two three four five six seven"
    assert terms.split_terms(text) == ["one", "two", "three", "four", "five", "six", "seven"]
    assert len(terms._TERMS) <= 3


def test_terms_and_hashes_are_the_same_in_every_process():
    code = (
        "from science_exam.retrieval.postings import hash_terms\n"
        "from science_exam.retrieval.terms import split_terms\n"
        "print(hash_terms(split_terms('Schrödinger: 3.14 β-sheets of CO₂')).tolist())"
    )
    outputs = {
        subprocess.run(
            [sys.executable, "-c", code],
            env={"PYTHONHASHSEED": seed, "PYTHONPATH": ":".join(sys.path), "PATH": "/usr/bin:/bin"},
            capture_output=True,
            text=True,
            check=True,
        ).stdout
        for seed in ("1", "2")
    }
    assert len(outputs) == 1
