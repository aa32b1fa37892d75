"""The articles of a corpus that a base may be made from: freely licensed, without evaluation texts."""

import re
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

import pandas as pd

from science_exam.errors import UserError
from science_exam.pretraining.known_texts import KnownTexts
from science_exam.sentences import find_sentence_ends
from science_exam.tables import ARTICLES, list_parts, read_table

# A context has that many, so that wrong options can come from the other sentences.
MIN_SENTENCES = 3
HINT = "make the corpus with: make corpus"
HEADING_MARK = "#"  # of headings within a section; they are no sentences

# A licence as it is commonly written: CC0-1.0, CC BY 4.0, CC-BY-SA-4.0, CC BY (article-level, …).
OPEN_LICENCE = re.compile(r"public domain\b|cc[- ]?0\b|cc[- ]by([- ]sa)?\b", re.IGNORECASE)
RESTRICTION = re.compile(r"\b(nc|nd|non-?commercial|no-?deriv\w*)\b", re.IGNORECASE)


@dataclass(frozen=True)
class Article:
    """`sections`: texts with their headings; `sentences`: those of all sections, with `n_words` each."""

    article_id: str
    title: str
    sections: tuple[str, ...]
    sentences: tuple[str, ...]
    n_words: tuple[int, ...]


@dataclass(frozen=True)
class Articles:
    """What was read, and how much was left out for which reason."""

    articles: tuple[Article, ...]
    counts: dict[str, int]


def read_articles(corpora: Sequence[Path], known: KnownTexts) -> Articles:
    """Articles of corpora whose licence lets their text be used and shared for any purpose.

    That is public domain, CC0, CC BY and CC BY-SA of any version. An article without a licence is
    left out: the corpus stage names the licence of every Wikimedia page whose address it knows.

    Args:
        corpora: folders that `make corpus` made (data/corpus/<name>).
        known: texts whose sentences are taken out of the articles.

    Raises:
        UserError: a corpus that is missing or damaged, or fewer than two articles.
    """
    counts = Counter(dict.fromkeys(("articles", "characters", "sentences"), 0))
    articles = [
        article
        for corpus in corpora
        for part in list_article_files(corpus)
        for article in _read_part(part, known, counts)
    ]
    if len(articles) < 2:
        raise UserError(
            f"{', '.join(map(str, corpora))}: expected at least 2 usable articles, found "
            f"{len(articles)} ({dict(counts)}); name further corpora"
        )
    return Articles(tuple(articles), dict(counts))


def list_article_files(corpus: Path) -> list[Path]:
    """The files that hold a corpus' articles."""
    return list_parts(corpus / "articles", HINT)


def is_open(licence: str) -> bool:
    """True when a text under this licence may be used and shared for any purpose.

    >>> [is_open(name) for name in ("CC BY-SA 3.0", "CC-BY-NC-SA-4.0", "all rights reserved")]
    [True, False, False]
    """
    return bool(OPEN_LICENCE.match(licence.strip())) and not RESTRICTION.search(licence)


def _read_part(part: Path, known: KnownTexts, counts: Counter[str]) -> Iterator[Article]:
    table = read_table(ARTICLES, part, HINT)
    for row in table.itertuples(index=False):
        reason = "licence missing" if pd.isna(row.licence) or not row.licence.strip() else ""
        if reason or not is_open(row.licence):
            counts[reason or "licence refused"] += 1
            continue
        article = _make_article(row.article_id, row.title, row.sections, known, counts)
        if len(article.sentences) < MIN_SENTENCES:
            counts["too short"] += 1
            continue
        counts["articles"] += 1
        counts["characters"] += sum(map(len, article.sections))
        counts["sentences"] += len(article.sentences)
        yield article


def _make_article(
    article_id: str, title: str, sections: list[dict[str, str]], known: KnownTexts, counts: Counter[str]
) -> Article:
    texts, sentences = [], []
    for section in sections:
        kept = _drop_known(section["text"], known, counts)
        if text := "".join(kept).strip():
            texts.append(f"{section['path']}\n{text}".lstrip())
        stripped = (piece.strip() for piece in kept)
        sentences += [sentence for sentence in stripped if sentence and not sentence.startswith(HEADING_MARK)]
    n_words = tuple(sentence.count(" ") + 1 for sentence in sentences)
    return Article(article_id, title, tuple(texts), tuple(sentences), n_words)


def _drop_known(text: str, known: KnownTexts, counts: Counter[str]) -> list[str]:
    """The sentences of a text with the white space behind each, without the known ones."""
    pieces = [text[start:end] for start, end in pairwise([0, *find_sentence_ends(text)])]
    kept = [piece for piece in pieces if not known.hold(piece)]
    if len(kept) < len(pieces):
        counts["evaluation sentences removed"] += len(pieces) - len(kept)
    return kept
