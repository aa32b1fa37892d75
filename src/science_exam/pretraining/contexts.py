"""Contexts: windows of consecutive sentences, of one article or of several."""

import random
from collections.abc import Sequence
from dataclasses import dataclass

from science_exam.pretraining.articles import MIN_SENTENCES, Article
from science_exam.pretraining.words import Library, Place

N_WINDOWS = (1, 2, 3, 4)
N_WINDOWS_WEIGHTS = (0.35, 0.3, 0.2, 0.15)
# What a further window is from: the article of the first one, one with a like title, or any other.
SAME_ARTICLE_SHARE = 0.35
LIKE_TITLE_SHARE = 0.4
HEADING_SHARE = 0.35
MAX_WINDOW_SENTENCES = 14


@dataclass(frozen=True)
class Window:
    """Consecutive sentences of the article with that number; `heading` may be ""."""

    article: int
    heading: str
    sentences: tuple[str, ...]


def draw_windows(
    library: Library, rng: random.Random, n_words: int, anchors: Sequence[Place]
) -> list[Window]:
    """One to four windows in random order, the first ones around given sentences.

    Args:
        library: the articles.
        rng: where all choices come from.
        n_words: words of all windows together, about; there are at least three sentences.
        anchors: sentences to stand around, at least one; later ones are left out when windows are few.
    """
    [n_windows] = rng.choices(N_WINDOWS, N_WINDOWS_WEIGHTS)
    n_sentences = -(-MIN_SENTENCES // n_windows)
    taken: list[tuple[int, range]] = []
    for window in range(n_windows):
        place = anchors[window] if window < len(anchors) else _draw_place(library, rng, anchors[0][0])
        sentences = _grow_window(library.articles[place[0]], rng, place[1], n_words // n_windows, n_sentences)
        if not any(place[0] == number and _overlap(sentences, other) for number, other in taken):
            taken.append((place[0], sentences))
    rng.shuffle(taken)
    return [_cut_window(library, rng, number, sentences) for number, sentences in taken]


def _draw_place(library: Library, rng: random.Random, first: int) -> Place:
    """Where a further window stands: an article and a sentence."""
    share = rng.random()
    if share >= SAME_ARTICLE_SHARE + LIKE_TITLE_SHARE:
        return library.draw_sentence(rng)
    number = first if share < SAME_ARTICLE_SHARE else library.draw_neighbour(first, rng)
    return number, rng.randrange(len(library.articles[number].sentences))


def _grow_window(article: Article, rng: random.Random, first: int, n_words: int, n_sentences: int) -> range:
    """Numbers of sentences around the first, grown to both sides while they fit."""
    sizes = article.n_words
    last, total = first + 1, sizes[first]
    while last - first < min(MAX_WINDOW_SENTENCES, len(sizes)):
        forward = last < len(sizes) and (first == 0 or rng.random() < 0.5)
        total += sizes[last] if forward else sizes[first - 1]
        if total > n_words and last - first >= n_sentences:
            break
        first, last = (first, last + 1) if forward else (first - 1, last)
    return range(first, last)


def _overlap(one: range, other: range) -> bool:
    return one.start < other.stop and other.start < one.stop


def _cut_window(library: Library, rng: random.Random, number: int, places: range) -> Window:
    article = library.articles[number]
    sentences = article.sentences[places.start : places.stop]
    heading = _find_heading(article, sentences[0], rng) if rng.random() < HEADING_SHARE else ""
    return Window(number, heading, sentences)


def _find_heading(article: Article, sentence: str, rng: random.Random) -> str:
    """The article's title, the heading of the sentence's section, or both."""
    if rng.random() < 0.5:
        return article.title
    section = next((section for section in article.sections if sentence in section), "")
    heading, _, text = section.partition("\n")
    if not text or sentence in heading:
        return article.title
    return heading if rng.random() < 0.5 else f"{article.title} > {heading}"
