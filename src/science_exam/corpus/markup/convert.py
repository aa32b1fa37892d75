"""{{convert}} and {{cvt}}: the stated quantity in words, and in the unit asked for where that is certain."""

import re

from science_exam.corpus.markup.calls import Call
from science_exam.corpus.markup.units import UNITS, Unit, convert_number, find_unit

# Between the values of a range: as words, and with abbreviated units.
_JOINTS = {
    **{word: (f" {word} ", f" {word} ") for word in ("to", "and", "or", "plus", "to about")},
    **dict.fromkeys(("-", "–", "to(-)"), ("–", "–")),
    **dict.fromkeys(("by", "by(x)", "x", "×", "*", "xx"), (" by ", " × ")),
    **dict.fromkeys(("±", "+/-", "+-"), (" ± ", " ± ")),
    "and(-)": (" and ", "–"),
    "or(-)": (" or ", "–"),
    "&": (" and ", " & "),
    ",": (", ", ", "),
    "+": (" + ", " + "),
    "/": ("/", "/"),
}
_NUMBER = re.compile(
    r"[-−–+]?(?:[\d,]*\.?\d+\.?(?:e[-−+]?\d+)?|(?:\d+\s*[+ ]\s*)?\d+\s*[/⁄]{1,2}\s*\d+)", re.IGNORECASE
)
MAX_NUMBER_CHARS = 40  # the pattern takes the square of a text's length to refuse it
_AT_MOST_ONE = re.compile(r"−?1|\d+/\d+")
_COMPOSITES = {"ft": "in", "lb": "oz", "st": "lb", "mi": "ft yd chain furlong", "yd": "ft", "m": "cm"}
_AMERICAN = {"metre": "meter", "litre": "liter"}


def expand_convert(call: Call) -> str:
    """What {{convert}} shows: "5 kilometres (3.1 mi)", "5 to 10 km", "6 feet 2 inches".

    The stated value and unit are always there. The converted value is added when the call names its
    target and both units are in the table; Wikipedia's defaults for calls without a target are not
    guessed.
    """
    items = call.list_positional()
    values, joints, rest = _read_range(items)
    if not values:
        return ""
    code, *rest = rest or [""]
    if len(rest) >= 2 and _is_number(rest[0]) and rest[1] in _COMPOSITES.get(code, "").split():
        return _join_composite(call, values[0], code, rest)
    source = find_unit(code)
    stated = _state(call, values, joints, source, is_short=_is_short(call, is_stated=True))
    converted = _convert(call, values, joints, source, rest)
    if not converted:
        return stated
    if "flip" in (call.get("order"), call.get("disp")):
        stated, converted = converted, stated
    if call.get("disp") == "or":
        return f"{stated} or {converted}"
    return f"{stated}, {converted}" if call.get("disp") == "comma" else f"{stated} ({converted})"


def _read_range(items: list[str]) -> tuple[list[str], list[str], list[str]]:
    """The values, what joins them, and the arguments after them."""
    if not items:
        return [], [], []
    values, joints, i = [items[0]], [], 1
    while i + 1 < len(items) and items[i] in _JOINTS and _is_number(items[i + 1]):
        joints.append(items[i])
        values.append(items[i + 1])
        i += 2
    return values, joints, items[i:]


def _is_number(text: str) -> bool:
    return len(text) <= MAX_NUMBER_CHARS and bool(_NUMBER.fullmatch(text))


def _is_short(call: Call, is_stated: bool) -> bool:
    """Whether a unit is abbreviated: by default that of the converted value alone."""
    by_default = "on" if call.name == "cvt" else "out"
    return (call.get("abbr") or by_default) in ("on", "values", "in" if is_stated else "out")


def _state(call: Call, values: list[str], joints: list[str], unit: Unit, is_short: bool) -> str:
    """Values with their unit: "5 km", "5 to 10 kilometres", as an adjective "5-kilometre"."""
    values = [format_number(value) for value in values]
    is_adjective = call.get("adj") in ("on", "mid") and not is_short and unit.singular != unit.symbol
    text = values[0]
    for joint, value in zip(joints, values[1:], strict=True):
        between = _JOINTS[joint][is_short]
        text += (between.replace(" ", "-") if is_adjective else between) + value
    # "1 mile", "1/2 mile", but "1 1/2 miles" and "1 million barrels".
    is_one = bool(_AT_MOST_ONE.fullmatch(values[-1])) and unit.size is not None
    name = unit.symbol if is_short else unit.singular if is_one or is_adjective else unit.plural
    if call.get("sp") == "us":
        for british, american in _AMERICAN.items():
            name = name.replace(british, american)
    return f"{text}{'-' if is_adjective else ' '}{name}".strip()


def _convert(call: Call, values: list[str], joints: list[str], source: Unit, rest: list[str]) -> str:
    """The values in the unit the call names, "" where that is not certain."""
    target = UNITS.get(rest[0]) if rest else None
    if target is None or any(call.has(key) for key in ("sigfig", "round")):
        return ""
    rounding = rest[1] if len(rest) > 1 else call.get("5" if joints else "4")
    places = int(rounding) if re.fullmatch(r"-?\d", rounding) else None
    results = [convert_number(_to_plain(value), source, target, places) for value in values]
    if None in results:
        return ""
    return _state(call, results, joints, target, is_short=_is_short(call, is_stated=False))


def _join_composite(call: Call, value: str, code: str, rest: list[str]) -> str:
    """Two units of one quantity: "6 feet 2 inches"."""
    is_short = _is_short(call, is_stated=True)
    parts = [
        _state(call, [number], [], find_unit(unit), is_short) for number, unit in ((value, code), rest[:2])
    ]
    return ("-" if call.get("adj") == "on" and not is_short else " ").join(parts)


def _to_plain(number: str) -> str:
    return re.sub(r"[−–]", "-", number.replace(",", "")).lstrip("+")


def format_number(number: str) -> str:
    """A number as Wikipedia prints it: "-12345.5" -> "−12,345.5", "2e6" -> "2×10^6", "1+1/2" -> "1 1/2"."""
    number = re.sub(r"^[-–]", "−", number)
    number = re.sub(r"[⁄/]{1,2}", "/", re.sub(r"(?<=\d)\s*\+\s*(?=\d)", " ", number))
    number = re.sub(
        r"(?<=\d)e[+]?([-−]?\d+)$", lambda match: "×10^" + match[1].replace("-", "−"), number, flags=re.I
    )
    whole = re.fullmatch(r"(−?)(\d{4,})(\.\d+)?", number)
    return f"{whole[1]}{int(whole[2]):,}{whole[3] or ''}" if whole and len(whole[2]) < 19 else number
