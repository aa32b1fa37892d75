"""Numbers among options: their values, their formats, and other numbers that could stand beside them."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction
from itertools import pairwise
from random import Random

_WORDS = (
    "zero one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen sixteen "
    "seventeen eighteen nineteen twenty"
).split()
NUMBER_WORDS = {word: number for number, word in enumerate(_WORDS)} | {
    "thirty": 30, "forty": 40, "fifty": 50, "sixty": 60, "seventy": 70, "eighty": 80, "ninety": 90,
}  # fmt: skip

# "about", "$" or "g =", the number, and what is measured
_NUMBER = re.compile(
    r"(?P<before>(?:(?:about|approx\w*\.?|around|nearly|roughly|exactly|only|in|at|over|under|within|after"
    r"|[A-Za-z]\w? ?=)\s+)*[$€£≈~]?\s?)"
    r"(?P<sign>[-−+]?)(?P<digits>\d{1,3}(?:,\d{3})+(?:\.\d+)?|\d+(?:\.\d+)?|\.\d+)"
    r"(?P<after>(?:\s?[%°]|\s?[x×·]\s?10\^?[-−]?\{?[-−]?\d+\}?)?"
    r"(?:[ -]?[^\W\d][^\s\d,;]*(?:\^?[-−]?\d)?){0,4}\.?)"
)
_POWER = re.compile(r"\s?[x×·]\s?10\^?\{?([-−]?\d+)\}?")
_FRACTION = re.compile(r"([-−]?\d+)\s*/\s*(\d+)")
MIN_YEAR, MAX_YEAR = 1000, 2025
MAX_COUNT = 12  # up to here numbers are counted, not measured
# of the nearest option, by which a derived number differs at least
MIN_DIFFERENCE = 0.1
MAX_RATIO = 10  # of the smallest or the largest that is there
MAX_STEPS = 8
FACTORS = (0.1, 0.2, 0.25, 0.5, 0.6, 0.75, 0.8, 1.25, 1.5, 1.75, 2, 2.5, 3, 4, 5, 10)
YEAR_STEPS = (3, 5, 8, 10, 12, 15, 20, 25, 30, 40, 50)


@dataclass(frozen=True)
class Number:
    """A number as it is written.

    Attributes:
        before: what stands before it: "about ", "$".
        value: the number itself.
        decimals: digits after the point.
        commas: thousands are set off.
        after: what stands after it, the unit mostly: " km/s", "%".
        minus: the sign of negative numbers.
    """

    before: str
    value: Decimal
    decimals: int
    commas: bool
    after: str
    minus: str = "-"

    @property
    def unit(self) -> str:
        """What is written around the number, without blanks, full stop and case."""
        return (self.before + self.after).lower().rstrip(".").replace(" ", "")

    @property
    def is_year(self) -> bool:
        """Whether it can be a year: 1000 to 2025, without a unit."""
        bare = not self.after.strip(" .") and self.before.strip().lower() in ("", "in", "about", "around")
        return bare and not self.decimals and not self.commas and MIN_YEAR <= self.value <= MAX_YEAR

    def is_like(self, other: "Number") -> bool:
        """Whether both measure the same in the same format."""
        same_format = (self.decimals, self.commas) == (other.decimals, other.commas)
        return same_format and self.unit == other.unit and self.is_year == other.is_year

    def write(self, value: Decimal) -> str:
        """Another value in the same format."""
        digits = f"{value:{',' if self.commas else ''}.{self.decimals}f}"
        return f"{self.before}{digits.replace('-', self.minus)}{self.after}"


def parse_number(text: str) -> Number | None:
    """An option that is one number with a unit at most; None for any other.

    Example:
        >>> parse_number("about 1,500 km").unit
        'aboutkm'
    """
    match = _NUMBER.fullmatch(text.strip())
    if not match:
        return None
    digits = match["digits"].replace(",", "")
    minus = match["sign"] if match["sign"] in ("-", "−") else ""
    decimals = len(digits.partition(".")[2])
    return Number(
        match["before"],
        Decimal(("-" if minus else "") + digits),
        decimals,
        "," in match["digits"],
        match["after"],
        minus or "-",
    )


def read_value(text: str) -> Fraction | None:
    """The value of a bare number however it is written: "0.5", "1/2", "50%", "five"; None for other texts."""
    text = text.strip().rstrip(".").lower()
    if text in NUMBER_WORDS:
        return Fraction(NUMBER_WORDS[text])
    if match := _FRACTION.fullmatch(text):
        return Fraction(int(match[1].replace("−", "-")), int(match[2])) if int(match[2]) else None
    number = parse_number(text)
    if number is None or number.before.strip():
        return None
    if power := _POWER.fullmatch(number.after.rstrip(".")):
        return Fraction(number.value) * Fraction(10) ** max(-99, min(99, int(power[1].replace("−", "-"))))
    if number.after.strip() not in ("", "%"):
        return None
    return Fraction(number.value) / (100 if "%" in number.after else 1)


def propose_numbers(
    right: Number, others: Sequence[Decimal], seen: Sequence[Decimal], rng: Random
) -> list[str]:
    """Numbers that could stand beside the right one, in its format, the best first.

    Those that were seen elsewhere come first; then, made up, what lies on the grid of the options (10, 20,
    40: multiples of 10), or for a lone number its multiples by 0.1 to 10 with as many significant digits.

    Args:
        right: the right number.
        others: values of the wrong options that are there already, of the same unit.
        seen: values of the same unit near the topic.
        rng: draws the order of those that are made up.
    """
    taken = sorted({right.value, *others})
    made = _extend_grid(right, taken) if len(taken) > 1 else _vary(right)
    chosen = []
    for value in [*seen, *rng.sample(made, len(made))]:
        if _is_plausible(value, right, taken) and all(
            _differ(right, value, other, taken) for other in chosen
        ):
            chosen.append(value)
    return [right.write(value) for value in chosen]


def _extend_grid(right: Number, taken: Sequence[Decimal]) -> list[Decimal]:
    """Values between and around those that are taken, a few of their smallest difference apart."""
    gap = _find_gap(taken)
    steps = (step * sign for step in range(1, MAX_STEPS + 1) for sign in (1, -1))
    return [right.value + step * gap for step in steps]


def _vary(right: Number) -> list[Decimal]:
    if right.is_year:
        return [right.value + sign * step for step in YEAR_STEPS for sign in (1, -1)]
    if _is_count(right):
        return [right.value + step for step in (-4, -3, -2, -1, 1, 2, 3, 4)]
    return [_round_like(right.value * Decimal(str(factor)), right) for factor in FACTORS]


def _is_count(number: Number) -> bool:
    return not number.decimals and abs(number.value) <= MAX_COUNT


def _round_like(value: Decimal, right: Number) -> Decimal:
    """`value` with no more significant digits than the right number, and no more decimals."""
    n_digits = max(1, len(right.value.normalize().as_tuple().digits))
    exponent = max(value.adjusted() - n_digits + 1, -right.decimals)
    return value.quantize(Decimal(1).scaleb(exponent)).quantize(Decimal(1).scaleb(-right.decimals))


def _find_gap(taken: Sequence[Decimal]) -> Decimal:
    return min(after - before for before, after in pairwise(taken))


def _is_plausible(value: Decimal, right: Number, taken: Sequence[Decimal]) -> bool:
    """Whether a value could be believed beside those that are taken, sorted, and is none of them."""
    if value == 0 or (value < 0 <= taken[0]) or (value > 0 >= taken[-1] and taken[0] < 0):  # a sign of theirs
        return False
    if right.is_year and not MIN_YEAR <= value <= MAX_YEAR:
        return False
    if "%" in right.after and right.value <= 100 < value:
        return False
    if not all(_differ(right, value, other, taken) for other in taken):
        return False
    span = taken[-1] - taken[0]
    if span:
        return taken[0] - span <= value <= taken[-1] + span
    return abs(right.value) / MAX_RATIO <= abs(value) <= abs(right.value) * MAX_RATIO


def _differ(right: Number, value: Decimal, other: Decimal, taken: Sequence[Decimal]) -> bool:
    """Whether two values are clearly apart: by half of what parts the options, or by a tenth."""
    if right.is_year or _is_count(right):
        return value != other
    if len(taken) > 1:
        return 2 * abs(value - other) >= _find_gap(taken)
    return abs(value - other) >= Decimal(str(MIN_DIFFERENCE)) * max(abs(value), abs(other)) > 0
