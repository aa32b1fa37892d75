"""Which articles of a dump to keep: words and phrases in categories, titles and leads."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

from science_exam.corpus.articles import Article

NOTHING = re.compile(r"(?!)")


@dataclass(frozen=True)
class ArticleFilter:
    """Words and phrases by which articles are kept or dropped, case-insensitive.

    An entry matches whole words, "optics" not "fiberoptics"; a `*` at either end stands for the rest of
    a word, "*chemi*" for biochemistry, and spaces for any white space, hyphen or dash. An article is
    kept if nothing it is judged by is in a drop list, and something is in a keep list or both keep
    lists are empty. Articles without categories, of a source that has none, are judged by their title
    and lead alone: with `keep_categories` only, none of them is kept.
    """

    # words and phrases of which one is in a category ("*chemi*": also within a word) …
    keep_categories: tuple[str, ...] = ()
    # … or in the title; without any in both lists, all articles are kept
    keep_keywords: tuple[str, ...] = ()
    # words and phrases of which none is in a category
    drop_categories: tuple[str, ...] = ()
    # words and phrases of which none is in the title
    drop_keywords: tuple[str, ...] = ()
    # first characters of the text in which keep_keywords are looked for too
    lead_characters: int = 0

    def accepts(self, article: Article) -> bool:
        """Whether to keep an article."""
        if self._drop_title.search(article.title):
            return False
        if any(self._drop_category.search(category) for category in article.categories):
            return False
        if not (self.keep_categories or self.keep_keywords):
            return True
        if any(self._keep_category.search(category) for category in article.categories):
            return True
        lead = article.sections[0].text[: self.lead_characters] if article.sections else ""
        return bool(self._keep_text.search(article.title) or self._keep_text.search(lead))

    @cached_property
    def _keep_category(self) -> re.Pattern[str]:
        return compile_phrases(self.keep_categories)

    @cached_property
    def _keep_text(self) -> re.Pattern[str]:
        return compile_phrases(self.keep_keywords)

    @cached_property
    def _drop_category(self) -> re.Pattern[str]:
        return compile_phrases(self.drop_categories)

    @cached_property
    def _drop_title(self) -> re.Pattern[str]:
        return compile_phrases(self.drop_keywords)


def compile_phrases(phrases: Sequence[str]) -> re.Pattern[str]:
    """A pattern that finds any of the phrases; blank ones find nothing."""
    patterns = [_compile_phrase(phrase) for phrase in phrases if phrase.strip(" *")]
    return re.compile("|".join(patterns), re.IGNORECASE) if patterns else NOTHING


def _compile_phrase(phrase: str) -> str:
    phrase = phrase.strip()
    before = "" if phrase.startswith("*") else r"(?<!\w)"
    after = "" if phrase.endswith("*") else r"(?!\w)"
    return before + r"[\s\-–_]+".join(map(re.escape, phrase.strip("*").split())) + after
