"""Wrong options: of the right one's type, from the same or similar articles, of balanced length."""

import math
import random
from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence

from science_exam.questions.generation.rules.items import Option, Question
from science_exam.questions.generation.rules.phrases import find_head, stem_content
from science_exam.questions.generation.rules.vocabulary import SAYING_LITTLE

N_WRONG = 4
ENOUGH_CANDIDATES = 8
MAX_CANDIDATES, MAX_AKIN = 24, 10
# Cosine of definitions from which their terms pass for alternatives: of other sorts, of one sort ("hormone"),
# of one that says little, and of meanings of one sort.
MIN_COSINE, MIN_COSINE_OF_SORT, MIN_COSINE_OF_ANY_SORT, MIN_COSINE_OF_MEANING = 0.35, 0.12, 0.16, 0.08
# Sorts that say too little for two terms to be alternatives.
ANY_SORT = frozenset(
    """process structure device part type material amount quantity substance molecule method system network
    drug area region measure state change action ability movement object technique tool thing set group space
    unit value property condition disorder disease element cell tissue layer surface point motion loss
    phenomenon formation portion stage period piece member kind sort component resistance use""".split()
)
SORT_BONUS, ARTICLE_BONUS = 0.25, 0.1  # when the nearest are chosen
# How often 0 … 4 wrong options are to be longer than the right one. All on one side are found less often
# than they are sought, so the ends have more: the right one is then the longest or shortest in a fifth.
LENGTH_WEIGHTS = (4, 2, 2, 2, 3)
MAX_SHARED_WRONG = 0.5  # of the stems of two wrong options: they may be of one sort, but not say the same
MAX_SHARED = 0.33  # of the stems of two options, or of what they are said of


class Pool:
    """Options by type and article."""

    def __init__(self) -> None:
        self._n_with: Counter[str] = Counter()  # stem -> definitions with it
        self._n_definitions = 0
        self._options: dict[str, dict[int, dict[str, Option]]] = defaultdict(lambda: defaultdict(dict))

    def add(self, type_: str, article: int, option: Option) -> None:
        """Keep an option; the first of several with the same text counts."""
        self._options[type_][article].setdefault(option.text.lower(), option)
        if option.head:
            self._n_definitions += 1
            self._n_with.update(option.mentions)

    def list_candidates(self, question: Question, near: Sequence[int]) -> list[Option]:
        """Options that can stand beside the right one: of articles from the nearest on, then of others.

        Args:
            question: its type says what fits.
            near: articles, the question's own first.
        """
        by_article = self._options.get(question.type, {})
        if question.right.head:
            return self._list_akin(question, by_article, near)
        candidates: dict[str, Option] = {}
        for article in near:
            related = {k: o for k, o in by_article.get(article, {}).items() if self._is_related(question, o)}
            self._collect(question, related, candidates)
        others = sorted(by_article.keys() - set(near), key=lambda article: (abs(article - near[0]), article))
        for article in others:
            if len(candidates) >= ENOUGH_CANDIDATES:
                break
            related = {k: o for k, o in by_article[article].items() if self._is_related(question, o)}
            self._collect(question, related, candidates)
        return list(candidates.values())[:MAX_CANDIDATES]

    def _is_related(self, question: Question, option: Option) -> bool:
        """Genes pass beside any gene; other answers where they have to do with the same things."""
        return question.type.endswith("genes") or are_related(question.right, option)

    def _list_akin(
        self, question: Question, by_article: dict[int, dict[str, Option]], near: Sequence[int]
    ) -> list[Option]:
        """Options whose definitions are nearest to the right one's, wherever they stand.

        A meaning passes beside others that begin alike; a term only beside those of its field.
        """
        scored: dict[str, tuple[float, Option]] = {}
        refused: set[str] = (
            set()
        )  # a term is defined more than once, and one definition may tell that it fits
        for article, options in by_article.items():
            for key, option in options.items():
                if key in question.prompt.lower() or self._may_be_right(question, option):
                    refused.add(key)
                    continue
                cosine, is_sort = self._compare(question.right, option), question.right.head == option.head
                if cosine >= _find_least(question, is_sort):
                    score = cosine + SORT_BONUS * is_sort + ARTICLE_BONUS * (article == near[0])
                    scored[key] = max(
                        scored.get(key, (0.0, option)), (score, option), key=lambda pair: pair[0]
                    )
        ranked = sorted((pair for key, pair in scored.items() if key not in refused), key=_rank)
        return [option for _, option in ranked[:MAX_AKIN]]

    def _may_be_right(self, question: Question, option: Option) -> bool:
        """It says the same; or, in a gap, it ends in the same word and may be of the same sort."""
        is_gap = question.kind == "cloze"
        return are_in_conflict(question.right, option) or (
            is_gap and find_head(question.right.text) == find_head(option.text)
        )

    def _compare(self, a: Option, b: Option) -> float:
        """Cosine of the words of two definitions, by their rarity."""
        shared = self._weigh(a.mentions & b.mentions)
        return shared / (math.sqrt(self._weigh(a.mentions) * self._weigh(b.mentions)) or 1.0)

    def _weigh(self, stems: Iterable[str]) -> float:
        """Sum of squared inverse frequencies; exact, since sets have no order."""
        return math.fsum(math.log((1 + self._n_definitions) / (1 + self._n_with[s])) ** 2 for s in stems)

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


def _rank(pair: tuple[float, Option]) -> tuple[float, str]:
    """The nearest first, equal ones by their text."""
    return -pair[0], pair[1].text


def _find_least(question: Question, is_sort: bool) -> float:
    """The cosine from which an option passes: less, the more else speaks for it."""
    if not is_sort:
        return MIN_COSINE
    if question.right.head in ANY_SORT:
        return MIN_COSINE_OF_ANY_SORT
    # Beside others that begin alike a meaning passes sooner than a bare term.
    return MIN_COSINE_OF_MEANING if question.kind == "meaning" else MIN_COSINE_OF_SORT


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


def are_alike(a: frozenset[str], b: frozenset[str], max_shared: float = MAX_SHARED) -> bool:
    """One set of stems is part of the other, or they have much in common."""
    return a <= b or b <= a or len(a & b) >= max_shared * len(a | b)


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
        if not any(are_alike(option.stems, o.stems, MAX_SHARED_WRONG) for o in [*chosen, *taken]):
            taken.append(option)
    return taken
