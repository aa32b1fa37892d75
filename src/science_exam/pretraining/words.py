"""The articles as words, and consistent replacements of them.

A sentence is split into its pieces: runs of letters, runs of digits, and what stands between. Pieces
joined give the sentence back, so replacing words is one lookup a piece.
"""

import random
import re
from bisect import bisect_right
from collections import Counter, defaultdict
from collections.abc import Sequence
from functools import cache
from itertools import accumulate

import Stemmer

from science_exam.pretraining.articles import Article
from science_exam.pretraining.sentences import find_definition, is_plain, parse_clause
from science_exam.pretraining.synonyms import is_everyday

PIECE = re.compile(r"[^\W\d_]+|\d+|[\W_]+")
MIN_WORD_LETTERS = 4
MIN_NAME_LETTERS = 3  # shorter capitals are symbols and units: H, Hz, ATP's parts
# Words of a sixth of the articles (that, about, which, …) hold sentences together, so they stay.
GLUE_FRACTION = 1 / 6
# What the words are counted in: the first sentences of so many articles.
MAX_COUNTED_ARTICLES = 4000
MAX_COUNTED_SENTENCES = 20
# A word in a two-thousandth of these articles or fewer is as often a slip of the pen.
RARE_FRACTION = 1 / 2000
# Words of one ending take each other's place without breaking the grammar, mostly.
ENDINGS = ("ing", "ed", "ly", "ss", "us", "is", "s")
YEARS = range(1500, 2030)
RECENT_YEAR, OLD_YEAR_SHARE = 1900, 0.3

STEMMER = Stemmer.Stemmer("english")

Place = tuple[int, int]  # the numbers of an article and of one of its sentences


class Contents(dict[str, bool]):
    """Whether a piece is a number or a word that carries a sentence's matter, found when first asked."""

    def __init__(self, glue: set[str]) -> None:
        super().__init__()
        self._glue = glue

    def __missing__(self, piece: str) -> bool:
        shortest = MIN_NAME_LETTERS if piece[0].isupper() else MIN_WORD_LETTERS
        word = piece.lower()
        is_word = len(piece) >= shortest and piece.isalpha()
        self[piece] = piece.isdecimal() or (is_word and word not in self._glue and not is_everyday(word))
        return self[piece]


class Library:
    """All articles, and their words by kind: what a word may be replaced by."""

    def __init__(self, articles: Sequence[Article], seed: int = 0) -> None:
        """Count the words.

        Args:
            articles: at least two.
            seed: which articles the words are counted in, where there are many.
        """
        self.articles = articles
        self._ends = list(accumulate(len(article.sentences) for article in articles))
        self._by_title: dict[str, list[int]] = defaultdict(list)  # word -> articles titled with it
        counts = _count_pieces(articles, random.Random(seed))
        n_counted = min(len(articles), MAX_COUNTED_ARTICLES)
        most = GLUE_FRACTION * n_counted
        self.content = Contents({piece.lower() for piece, n in counts.items() if n > most})
        self._written_small = {piece for piece in counts if piece.islower()}
        self._definitions = _find_definitions(articles)
        common = sorted(piece for piece, n in counts.items() if n > RARE_FRACTION * n_counted)
        self._sort_words([piece for piece in common if self.is_content(piece)])
        for number, article in enumerate(articles):
            for word in dict.fromkeys(self.list_content(article.title.lower())):
                self._by_title[word].append(number)

    def is_content(self, piece: str) -> bool:
        """True for numbers and for words that carry a sentence's matter."""
        return self.content[piece]

    def list_content(self, text: str) -> list[str]:
        """Content words and numbers of a text, in its order."""
        content = self.content
        return [piece for piece in PIECE.findall(text) if content[piece]]

    def draw_sentence(self, rng: random.Random) -> Place:
        """A sentence: all are equally likely."""
        return self._locate(rng.randrange(self._ends[-1]))

    def draw_definition(self, rng: random.Random) -> Place:
        """A sentence that defines something; any, if none does."""
        return self._locate(rng.choice(self._definitions)) if self._definitions else self.draw_sentence(rng)

    def draw_neighbour(self, number: int, rng: random.Random) -> int:
        """The number of another article that shares a word of its title; of any where none does."""
        words = self.list_content(self.articles[number].title.lower())
        alike = self._by_title[rng.choice(words)] if words else ()
        if len(alike) < 2:  # only the article itself
            alike = range(len(self.articles))
        other = number
        while other == number:
            other = rng.choice(alike)
        return other

    def draw_like(self, piece: str, rng: random.Random) -> str:
        """A random piece of the kind: a number of as many digits, a name, a word of like form."""
        if piece.isdecimal():
            return draw_number(piece, rng)
        if piece.islower():
            return rng.choice(self._find_pool(len(piece), find_ending(piece)))
        if piece.lower() in self._lower:  # an ordinary word that begins a sentence
            return rng.choice(self._find_pool(len(piece), find_ending(piece))).capitalize()
        return rng.choice(self._names)

    def draw_form(self, word: str, rng: random.Random) -> str:
        """A form of an ordinary word ("orbit": orbits, orbited, …); any other text as it is."""
        return rng.choice(self._forms[STEMMER.stemWord(word)]) if word in self._lower else word

    def knows_word(self, word: str) -> bool:
        """True for an ordinary lower-case content word."""
        return word in self._lower

    def is_ordinary(self, word: str) -> bool:
        """True for words that are written small unless they begin a sentence."""
        return word.lower() in self._written_small

    def _locate(self, place: int) -> Place:
        number = bisect_right(self._ends, place)
        return number, place - self._ends[number] + len(self.articles[number].sentences)

    def _sort_words(self, content: list[str]) -> None:
        self._words = [piece for piece in content if piece.islower()]
        self._lower = set(self._words)
        self._names = [p for p in content if p[0].isupper() and p.lower() not in self._lower]
        self._pools: dict[tuple[int, str], list[str]] = defaultdict(list)
        self._forms: dict[str, list[str]] = defaultdict(list)  # stem -> words
        for word in self._words:
            self._forms[STEMMER.stemWord(word)].append(word)
            for length in (len(word) - 1, len(word), len(word) + 1):
                self._pools[length, find_ending(word)].append(word)

    def _find_pool(self, length: int, ending: str) -> list[str]:
        return self._pools.get((length, ending)) or self._pools.get((length, "")) or self._words


class Replacement(dict[str, str]):
    """What every piece turns into, drawn when it is first met: the same word is always the same.

    A capital at the start of a sentence and a plural's s make no other word of it.
    """

    def __init__(self, library: Library, rng: random.Random) -> None:
        super().__init__()
        self._library, self._rng = library, rng

    def __missing__(self, piece: str) -> str:
        self[piece] = self._replace(piece) if self._library.is_content(piece) else piece
        return self[piece]

    def rewrite(self, sentence: str) -> str:
        """The sentence with its content words replaced."""
        return "".join(map(self.__getitem__, PIECE.findall(sentence)))

    def _replace(self, piece: str) -> str:
        lower, knows = piece.lower(), self._library.knows_word
        if piece[0].isupper() and piece[1:].islower() and knows(lower):
            return self[lower].capitalize()
        if piece.islower() and find_ending(piece) == "s" and knows(piece[:-1]):
            return f"{self[piece[:-1]]}s"
        return self._library.draw_like(piece, self._rng)


@cache
def find_ending(word: str) -> str:
    """The ending that decides where a word may stand; "" for most words."""
    return next((ending for ending in ENDINGS if word.endswith(ending)), "")


def draw_number(piece: str, rng: random.Random) -> str:
    """A random number of as many digits, without leading zeros; a year for a year."""
    if len(piece) == len(str(YEARS.stop)) and int(piece) in YEARS:
        return str(rng.randrange(YEARS.start if rng.random() < OLD_YEAR_SHARE else RECENT_YEAR, YEARS.stop))
    return str(rng.randrange(10 ** (len(piece) - 1), 10 ** len(piece)))


def _count_pieces(articles: Sequence[Article], rng: random.Random) -> Counter[str]:
    """In how many articles each piece stands."""
    counts: Counter[str] = Counter()
    for article in rng.sample(articles, min(len(articles), MAX_COUNTED_ARTICLES)):
        counts.update(set(PIECE.findall(" ".join(article.sentences[:MAX_COUNTED_SENTENCES]))))
    return counts


def _find_definitions(articles: Sequence[Article]) -> list[int]:
    """Places of sentences that define something, counted over all articles."""
    sentences = (sentence for article in articles for sentence in article.sentences)
    return [
        place
        for place, sentence in enumerate(sentences)
        if (" is " in sentence or " are " in sentence or " refers to " in sentence)
        and (clause := parse_clause(sentence))
        and find_definition(clause)
        and is_plain(sentence)
    ]
