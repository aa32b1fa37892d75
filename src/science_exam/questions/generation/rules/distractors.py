"""Wrong options: of the right one's type, from the same or similar articles, of balanced length."""

import random
from collections import defaultdict
from collections.abc import Sequence

from science_exam.questions.generation.rules.items import Option, Question
from science_exam.questions.generation.rules.phrases import find_head, stem_content
from science_exam.questions.generation.rules.vocabulary import SAYING_LITTLE

N_WRONG = 4
ENOUGH_CANDIDATES = 8
MAX_CANDIDATES = 24
# How often 0 … 4 wrong options are to be longer than the right one. All on one side are found less often
# than they are sought, so the ends have more: the right one is then the longest or shortest in a fifth.
LENGTH_WEIGHTS = (4, 2, 2, 2, 3)
MAX_SHARED = 0.4  # of the stems of two options, or of what they are said of


class Pool:
    """Options by type and article."""

    def __init__(self) -> None:
        self._options: dict[str, dict[int, dict[str, Option]]] = defaultdict(lambda: defaultdict(dict))

    def add(self, type_: str, article: int, option: Option) -> None:
        """Keep an option; the first of several with the same text counts."""
        self._options[type_][article].setdefault(option.text.lower(), option)

    def list_candidates(self, question: Question, near: Sequence[int]) -> list[Option]:
        """Options that can stand beside the right one: of articles from the nearest on, then of others.

        Args:
            question: its type says what fits.
            near: articles, the question's own first.
        """
        by_article = self._options.get(question.type, {})
        candidates: dict[str, Option] = {}
        for article in near:
            self._collect(question, by_article.get(article, {}), candidates)
        others = sorted(by_article.keys() - set(near), key=lambda article: (abs(article - near[0]), article))
        for article in others:
            if len(candidates) >= ENOUGH_CANDIDATES:
                break
            related = {k: o for k, o in by_article[article].items() if are_related(question.right, o)}
            self._collect(question, related, candidates)
        return list(candidates.values())[:MAX_CANDIDATES]

    def _collect(self, question: Question, options: dict[str, Option], candidates: dict[str, Option]) -> None:
        """Add what fits, those of the same head and with more in common with what is asked about first."""
        if len(candidates) >= MAX_CANDIDATES:
            return
        right, prompt = question.right, question.prompt.lower()
        head = find_head(right.text).lower()
        fit = [o for k, o in options.items() if k not in prompt and not are_in_conflict(right, o)]
        fit.sort(key=lambda o: (find_head(o.text).lower() != head, -len(o.mentions & right.mentions)))
        for option in fit:
            candidates.setdefault(option.text.lower(), option)


def are_related(right: Option, other: Option) -> bool:
    """They have to do with the same things: their sentences share a telling word."""
    return bool((right.mentions & other.mentions) - SAYING_LITTLE)


def are_in_conflict(right: Option, other: Option) -> bool:
    """`other` might be right too, or says the same.

    Its words are in the right one or the other way round, one is mentioned with the other, or both are
    said of the same thing.
    """
    return (
        are_alike(right.stems, other.stems)
        or _share_name(right.text, other.text)
        or other.stems <= right.mentions
        or right.stems <= other.mentions
        or (
            bool(right.subject and other.subject)
            and (are_alike(right.subject, other.subject) or right.subject <= other.mentions)
        )
    )


def _share_name(a: str, b: str) -> bool:
    """ "Berg's disease" and "Berg syndrome" may be the same."""
    first, other = a.split(" ")[0], b.split(" ")[0]
    return first[:1].isupper() and first[:4] == other[:4]


def are_alike(a: frozenset[str], b: frozenset[str]) -> bool:
    """One set of stems is part of the other, or they have much in common."""
    return a <= b or b <= a or len(a & b) >= MAX_SHARED * len(a | b)


def choose_wrong(question: Question, candidates: Sequence[Option], rng: random.Random) -> tuple[str, ...]:
    """Four of the candidates, none like another; nothing where there are not enough.

    How many of them are longer than the right one is drawn, so that its length tells nothing.
    """
    n_chars = len(question.right.text)
    told = question.right.stems & stem_content(question.prompt)  # would give the right one away
    fit = [o for o in candidates if told <= o.stems and 0.4 * n_chars - 6 <= len(o.text) <= 2.5 * n_chars + 6]
    (n_longer,) = rng.choices(range(N_WRONG + 1), LENGTH_WEIGHTS)
    chosen = _take_unlike([o for o in fit if len(o.text) > n_chars], n_longer, [])
    chosen += _take_unlike([o for o in fit if len(o.text) <= n_chars], N_WRONG - len(chosen), chosen)
    chosen += _take_unlike(fit, N_WRONG - len(chosen), chosen)
    return tuple(option.text for option in chosen) if len(chosen) == N_WRONG else ()


def _take_unlike(options: Sequence[Option], n: int, chosen: Sequence[Option]) -> list[Option]:
    taken: list[Option] = []
    for option in options:
        if len(taken) >= n:
            break
        if not any(are_alike(option.stems, other.stems) for other in [*chosen, *taken]):
            taken.append(option)
    return taken
