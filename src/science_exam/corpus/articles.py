"""An article in memory: what every reader yields and what the articles table holds."""

from collections.abc import Iterable
from dataclasses import asdict, dataclass

import pandas as pd

from science_exam.tables import ARTICLES

PATH_SEPARATOR = " > "  # between the headings of a section path


@dataclass(frozen=True)
class Section:
    """A stretch of text under one heading.

    `path` is the headings from the outermost in, `"History > Early work"`, and "" for the lead.
    """

    path: str
    text: str


@dataclass(frozen=True)
class Article:
    """One article; `categories` serve the filter and are not stored."""

    article_id: str
    title: str
    sections: tuple[Section, ...]
    source: str
    url: str | None = None
    licence: str | None = None
    categories: tuple[str, ...] = ()


def tabulate_articles(articles: Iterable[Article]) -> pd.DataFrame:
    """The articles table of some articles."""
    rows = [{name: asdict(article)[name] for name in ARTICLES.columns} for article in articles]
    return pd.DataFrame(rows, columns=list(ARTICLES.columns))


def restore_articles(table: pd.DataFrame) -> list[Article]:
    """The articles of an articles table, in its order."""
    return [
        Article(
            article_id=row.article_id,
            title=row.title,
            sections=tuple(Section(**section) for section in row.sections),
            source=row.source,
            url=None if pd.isna(row.url) else row.url,
            licence=None if pd.isna(row.licence) else row.licence,
        )
        for row in table.itertuples(index=False)
    ]
