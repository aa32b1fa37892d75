"""Text -> search terms: words folded to their stems; numbers, formulas and symbols stay findable."""

import re
import unicodedata

from Stemmer import Stemmer

# In lower case: 1,000 and 3.14 are one term; it's and O'Brien one word; H_2O one formula.
WORD = re.compile(r"\d+(?:,\d{3})+(?:\.\d+)?\b|\d+\.\d+|\w+(?:['’]\w+)*")

# Words that ask for nothing. Beside the usual 33 of them, 1,000 questions found more among 266,198 passages
# (recall@5 .757 -> .775) and read half the postings. A few are also names: He, In, vitamin A are not found by
# those.
STOP_WORDS = frozenset((
    "a", "about", "also", "am", "an", "and", "any", "are", "as", "at", "be", "been", "being", "both", "but",
    "by", "can", "could", "did", "do", "does", "each", "for", "from", "had", "has", "have", "he", "her",
    "his", "how", "i", "if", "in", "into", "is", "it", "its", "may", "might", "more", "most", "no", "nor",
    "not", "of", "on", "or", "other", "our", "she", "should", "so", "some", "such", "than", "that", "the",
    "their", "them", "then", "there", "these", "they", "this", "those", "to", "was", "we", "were", "what",
    "when", "where", "whether", "which", "while", "who", "whom", "whose", "why", "will", "with", "within",
    "would", "you", "your",
))  # fmt: skip

# A Greek letter and its name are one: β-sheet and beta sheet, NFκB and NFkappaB, λ and \lambda.
GREEK = {letter: unicodedata.name(letter).split()[-1].lower() for letter in map(chr, range(0x3B1, 0x3CA))}
GREEK["λ"] = "lambda"  # Unicode calls it lamda
# What Unicode does not take apart into a letter and an accent.
LETTERS = {"ø": "o", "ł": "l", "đ": "d", "ð": "d", "þ": "th", "æ": "ae", "œ": "oe", "ß": "ss", "ı": "i"}
SPELLING = str.maketrans({**GREEK, **LETTERS, "’": "'", "_": "", ",": ""})

MAX_CACHED_WORDS = 1 << 20  # about 150 MB; a corpus has ever more words, most of them seen once


def split_terms(text: str) -> list[str]:
    """The terms of a text in order, repetitions included, without stop words.

    A word becomes its English Snowball stem in lower case without accents; Greek letters become their
    names, sub- and superscripts plain digits:

        "Schrödinger's equations"  -> schroding equat
        "CO₂, CO_2 or CO2"         -> co2 co2 co2
        "the β-sheet is 1,000 nm"  -> beta sheet 1000 nm

    Source of the stems: Porter, Snowball: a language for stemming algorithms (2001).
    """
    text = text.lower()
    if not text.isascii():
        text = unicodedata.normalize("NFC", text)  # an accent on its own would end the word
    return list(filter(None, map(_TERMS.__getitem__, WORD.findall(text))))


class _Terms(dict):
    """Word -> its term, "" for a stop word; worked out at the word's first sight."""

    def __missing__(self, word: str) -> str:
        if len(self) >= MAX_CACHED_WORDS:
            self.clear()
        term = self[word] = _make_term(word)
        return term


def _make_term(word: str) -> str:
    if not word.isascii():
        decomposed = unicodedata.normalize("NFKD", word)
        # Accents go, and the blanks and strokes that some signs fall into.
        word = "".join(sign for sign in decomposed if sign.isalnum() or sign in "'’.").lower()
    word = word.translate(SPELLING).removesuffix("'s")
    return "" if word in STOP_WORDS else _STEMMER.stemWord(word)


_STEMMER = Stemmer("english", 0)  # without its own cache: words come here once
_TERMS = _Terms()
