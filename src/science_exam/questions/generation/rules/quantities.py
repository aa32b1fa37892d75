"""Years, percentages and quantities with units: asked for, with wrong ones of the same form."""

import random
import re
from collections.abc import Iterator
from dataclasses import dataclass

from science_exam.questions.generation.rules.items import Option, Question
from science_exam.questions.generation.rules.phrases import (
    Casing,
    is_noun_phrase,
    split_words,
    stem_content,
)
from science_exam.questions.generation.rules.sentences import has_strange_letters
from science_exam.questions.generation.rules.vocabulary import UNIT_WORDS

BLANK = "_____"
N_WRONG = 4
LAST_YEAR = 2025
MIN_DISTANCE = 0.25  # of a wrong value from the right one, as a share of it

_UNIT = "|".join(sorted(map(re.escape, UNIT_WORDS), key=len, reverse=True))
_QUANTITY = re.compile(
    rf"(?<![\w.,–/+-])(?P<number>\d{{1,3}}(?:,\d{{3}})+|\d+(?:\.\d+)?)"
    rf"(?P<rest>(?:%|(?: percent| (?:thousand|million|billion|trillion)\b)?(?:(?<=\d)%"
    rf"| (?:{_UNIT})\b)?))(?![\w/–-])"
)
_YEAR = re.compile(r"\b[Ii]n (1[5-9]\d\d|20[0-2]\d)(?![\w–-])(?!,? (?:and|or|to) )")
_WHEN = re.compile(
    r"(?P<s>[^,]{3,80}?) (?P<be>was|were) (?P<v>(?:first |originally |officially )?[a-z]+(?:ed|en|de|lt"
    r"|nt|ld|wn|ght))"
    r"(?P<tail>(?: (?:by|in|at|from|as|to|on|for|into|with|using) [^,]+?)?)(?: in (?P<y>\d{4})"
    r"| in (?P<z>\d{4})(?P<end> by [^,]+))"
)
# With "more than 30%", 20% would be right too.
_BOUND = re.compile(
    r"\b(?:than|over|under|least|most|to|exceed\w*|within|above|below|beyond|maximum|minimum|nearly"
    r"|almost|another|first|last|next|past|every|each|or|and|the|only|as|additional|further) \Z",
    re.IGNORECASE,
)
_SAID_AGAIN = re.compile(r",? or\b| of (?:that|which)\b")
_REPORT = re.compile(
    r"(?:Reports?|Data|Evidence|Scientists|Researchers|Results|Findings|Estimates|Experts|Surveys)\b"
)
_CASE = re.compile(r"[A-Z][a-z]+['’]s ")  # somebody's blood pressure
# Figures that change from year to year and from one survey to the next, or of what was told before.
_TALK = re.compile(
    r"\b(?:image|picture|photo|left|right|but|although|though|while|whereas|however|sounds?|often used|mind"
    r"|bear|imagine|so that|because|which means|test|trial|survey|researchers|scientists)\b"
)
MAX_SENTENCE_WORDS = 28
MIN_YEARS = 4  # between the right year and a wrong one
_DRIFTING = re.compile(
    r"\b(?:people|patients?|persons|Americans|adults|women|men|children|students|households?|populations?|users"
    r"|deaths?|births|cases|workers|countries|child|person|remaining|rest of)\b",
    re.IGNORECASE,
)
_RANGE = re.compile(r"\d ?(?:–|-|to|and|or|×|x) ?\d|\bbetween \d|\bfrom \d")


@dataclass(frozen=True)
class Quantity:
    """A number as it is written.

    Attributes:
        number: digits, maybe with thousands separators or a decimal point.
        rest: what follows it: "%", " percent", " million years", "".
    """

    number: str
    rest: str

    @property
    def text(self) -> str:
        return self.number + self.rest

    @property
    def value(self) -> float:
        return float(self.number.replace(",", ""))

    @property
    def unit(self) -> str:
        return "%" if self.rest in ("%", " percent") else self.rest.strip()


def find_quantities(sentence: str) -> list[Quantity]:
    """Quantities with a unit or a percent sign; bare numbers are not among them."""
    return [Quantity(m["number"], m["rest"]) for m in _QUANTITY.finditer(sentence) if m["rest"]]


def ask_for_value(sentence: str, nearby: dict[str, list[float]], rng: random.Random) -> Iterator[Question]:
    """A question for the one quantity of a sentence.

    Args:
        sentence: self-contained, ends with a full stop.
        nearby: values met in the same article, by unit.
        rng: draws the wrong values.
    """
    quantities = find_quantities(sentence)
    if (
        _DRIFTING.search(sentence)
        or _is_talk(sentence)
        or len(quantities) != 1
        or _count_numbers(sentence) != 1 + len(_YEAR.findall(sentence))
    ):
        return
    quantity = quantities[0]
    before, _, after = sentence.partition(quantity.text)
    if _RANGE.search(sentence) or _CASE.match(sentence) or _BOUND.search(before) or _SAID_AGAIN.match(after):
        return
    what = "percentage" if quantity.unit == "%" else "value"
    wrong = derive_values(quantity, nearby.get(quantity.unit, []), rng)
    if len(wrong) == N_WRONG:
        prompt = f"Which {what} completes the statement: “{before}{BLANK}{after}”"
        yield _build(prompt, quantity.text, sentence, wrong)


def ask_for_year(
    sentence: str, nearby: dict[str, list[float]], rng: random.Random, casing: Casing
) -> Iterator[Question]:
    """A question for the year that is the one number of a sentence.

    Args:
        sentence: self-contained, ends with a full stop.
        nearby: values met in the same article; years under "year".
        rng: draws the wrong years.
        casing: of the text around.
    """
    years = _YEAR.findall(sentence)
    if (
        _is_talk(sentence)
        or len(years) != 1
        or _count_numbers(sentence) != 1
        or _RANGE.search(sentence)
        or _REPORT.match(sentence)
    ):
        return
    wrong = derive_years(int(years[0]), [int(value) for value in nearby.get("year", [])], rng)
    if (match := _WHEN.fullmatch(sentence[:-1])) and is_noun_phrase(match["s"], 10):
        rest = f"{match['v']}{match['tail']}{match['end'] or ''}"
        prompt = f"In which year {match['be']} {casing.lower_first(match['s'])} {rest}?"
    else:
        before, _, after = sentence.partition(years[0])
        prompt = f"Which year completes the statement: “{before}{BLANK}{after}”"
    if len(wrong) == N_WRONG:
        yield _build(prompt, years[0], sentence, wrong)


def _is_talk(sentence: str) -> bool:
    """A sentence that does more than state one fact."""
    return bool(_TALK.search(sentence)) or len(split_words(sentence)) > MAX_SENTENCE_WORDS


def _count_numbers(sentence: str) -> int:
    return len(re.findall(r"\d[\d,.]*", sentence[:-1]))


def _build(prompt: str, right: str, sentence: str, wrong: list[str]) -> Question:
    option = Option(right, frozenset([right]), frozenset(), stem_content(sentence))
    return Question("number", prompt, option, "number", tuple(wrong))


def derive_years(year: int, nearby: list[int], rng: random.Random) -> list[str]:
    """Four other years: those met nearby where they are near enough, and shifted ones.

    The right year's rank among the five is drawn, so that neither the middle nor an end gives it away.
    """
    reach = 10 if year >= 1950 else 25
    shifts = [rng.randint(MIN_YEARS, reach) * sign for sign in (-1, 1) for _ in range(12)]
    candidates = [other for other in nearby if MIN_YEARS <= abs(other - year) <= reach]
    rng.shuffle(candidates)
    candidates += [year + shift for shift in shifts]
    return [str(y) for y in _draw_around(year, candidates, LAST_YEAR, rng)]


def derive_values(quantity: Quantity, nearby: list[float], rng: random.Random) -> list[str]:
    """Four other values in the same form, with as many significant digits, none within rounding.

    Fewer where the form has no four of them; those met nearby come first.
    """
    value, decimals = quantity.value, len(quantity.number.partition(".")[2])
    digits = quantity.number.replace(",", "").replace(".", "")
    step = 10.0 ** (len(digits) - len(digits.rstrip("0")) - decimals)  # of the last digit that counts
    limit = 99.99 if quantity.unit == "%" and value <= 100 else float("inf")
    factors = [rng.uniform(0.2, 0.75) for _ in range(12)] + [rng.uniform(1.3, 3.0) for _ in range(12)]
    met = [v for v in nearby if 0.2 * value <= v <= 5 * value and _is_multiple(v, step)]
    rng.shuffle(met)
    made = [max(step, round(value * factor / step) * step) for factor in factors]
    distance = max(MIN_DISTANCE * value, 0.99 * step)
    apart = [round(v, decimals) for v in met + made if abs(v - value) >= distance and v != 1]
    return [_write(v, quantity, decimals) for v in _draw_around(value, apart, limit, rng)]


def _is_multiple(value: float, step: float) -> bool:
    return abs(value / step - round(value / step)) < 1e-6


def _draw_around(right: float, candidates: list, limit: float, rng: random.Random) -> list:
    """Four distinct candidates if there are, a drawn number of them below the right value."""
    distinct = [v for v in dict.fromkeys(candidates) if 0 < v <= limit and v != right]
    below, above = [v for v in distinct if v < right], [v for v in distinct if v > right]
    n_below = rng.randint(0, N_WRONG)
    n_below = max(min(n_below, len(below)), N_WRONG - len(above))
    return below[:n_below] + above[: N_WRONG - n_below]


def _write(value: float, quantity: Quantity, decimals: int) -> str:
    separator = "," if "," in quantity.number else ""
    return f"{value:{separator}.{decimals}f}{quantity.rest}"


def collect_values(sentence: str) -> Iterator[tuple[str, float]]:
    """Values of a sentence by unit, for use as wrong ones elsewhere; years under "year"."""
    for quantity in find_quantities(sentence):
        yield quantity.unit, quantity.value
    for year in _YEAR.findall(sentence):
        yield "year", float(year)


def is_about_something(sentence: str) -> bool:
    """Enough words besides the number to tell which fact is meant, none an odd abbreviation."""
    return (
        len(stem_content(sentence)) >= 6
        and len(split_words(sentence)) >= 9
        and not has_strange_letters(sentence)
    )
