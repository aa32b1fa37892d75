"""The articles as words, and consistent replacements of them.

A sentence is held as its pieces: runs of letters, runs of digits, and what stands between. Pieces
joined give the sentence back, so replacing words is one lookup a piece.
"""

import json
import random
import re
from collections import Counter
from dataclasses import dataclass
from pathlib import Path

from science_exam.errors import UserError
from science_exam.prompt import split_sentences

PIECE = re.compile(r"[^\W\d_]+|\d+|[\W_]+")
MIN_WORD_LETTERS = 4
MIN_NAME_LETTERS = 3  # shorter capitals are symbols and units: H, Hz, ATP's parts
# Words of a sixth of the articles (that, about, which, …) hold sentences together, so they stay.
GLUE_FRACTION = 1 / 6

# A context has that many, so that wrong options can come from the other sentences.
MIN_SENTENCES = 3

Pieces = tuple[str, ...]


@dataclass(frozen=True)
class Article:
    """`sections`: texts with their headings; `sentences`: those of all sections, with `n_words` each."""

    title: str
    sections: tuple[str, ...]
    sentences: tuple[Pieces, ...]
    n_words: tuple[int, ...]


def read_articles(path: Path) -> list[Article]:
    """Articles of a JSON-lines file with article_id, title and sections (path, text).

    Raises:
        UserError: no such file, a line that is no such article, or fewer than two.
    """
    if not path.is_file():
        raise UserError(f"{path}: no such file; give the articles with articles=path")
    articles = []
    for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), start=1):
        try:
            articles.append(_parse_article(json.loads(line)))
        except (ValueError, KeyError, TypeError) as error:
            raise UserError(
                f"{path}: line {number}: expected an article with title and sections "
                f"(path, text), found {error!r}"
            ) from None
    if len(articles) < 2:
        raise UserError(f"{path}: expected at least 2 articles, found {len(articles)}")
    return articles


def _parse_article(values: dict) -> Article:
    sections = [(section["path"], section["text"]) for section in values["sections"]]
    sentences = [sentence for _, text in sections for sentence in split_sentences(text)]
    if len(sentences) < MIN_SENTENCES:
        raise ValueError(f"{len(sentences)} sentences, expected at least {MIN_SENTENCES}")
    return Article(
        title=values["title"],
        sections=tuple(f"{path}\n{text}".lstrip() for path, text in sections),
        sentences=tuple(tuple(PIECE.findall(sentence)) for sentence in sentences),
        n_words=tuple(len(sentence.split()) for sentence in sentences),
    )


class Library:
    """All articles, and their words by kind: what a word may be replaced by."""

    def __init__(self, articles: list[Article]) -> None:
        self.articles = articles
        counts: Counter[str] = Counter()  # articles that a piece stands in
        for article in articles:
            counts.update({piece for sentence in article.sentences for piece in sentence})
        most = GLUE_FRACTION * len(articles)
        self._glue = {word.lower() for word, n in counts.items() if n > most}
        content = sorted(piece for piece in counts if self.is_content(piece))
        self._words = [piece for piece in content if piece.islower()]
        self._lower = set(self._words)
        self._names = [p for p in content if p[0].isupper() and p.lower() not in self._lower]
        self._pools: dict[int, list[str]] = {}

    def is_content(self, piece: str) -> bool:
        """True for numbers and for words that carry a sentence's matter."""
        if piece.isdecimal():
            return True
        shortest = MIN_NAME_LETTERS if piece[0].isupper() else MIN_WORD_LETTERS
        return len(piece) >= shortest and piece.isalpha() and piece.lower() not in self._glue

    def draw_like(self, piece: str, rng: random.Random) -> str:
        """A random piece of the kind: a number of as many digits, a name, a word of like length."""
        if piece.isdecimal():
            return draw_number(len(piece), rng)
        if piece.islower():
            return rng.choice(self._pool(len(piece)))
        if piece.lower() in self._lower:  # an ordinary word that begins a sentence
            return rng.choice(self._pool(len(piece))).capitalize()
        return rng.choice(self._names)

    def _pool(self, length: int) -> list[str]:
        if length not in self._pools:
            near = [word for word in self._words if abs(len(word) - length) <= 1]
            self._pools[length] = near or self._words
        return self._pools[length]


class Replacement(dict[str, str]):
    """What every piece turns into, drawn when it is first met: the same word is always the same."""

    def __init__(self, library: Library, rng: random.Random) -> None:
        super().__init__()
        self._library, self._rng = library, rng

    def __missing__(self, piece: str) -> str:
        content = self._library.is_content(piece)
        self[piece] = self._library.draw_like(piece, self._rng) if content else piece
        return self[piece]

    def rewrite(self, pieces: Pieces) -> str:
        """The sentence with its content words replaced."""
        return "".join(map(self.__getitem__, pieces))


def draw_number(n_digits: int, rng: random.Random) -> str:
    """A random number without leading zeros."""
    return str(rng.randrange(10 ** (n_digits - 1), 10**n_digits))
