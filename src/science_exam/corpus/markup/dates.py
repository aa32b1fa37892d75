"""Templates that print dates, ages and spans of years."""

import re
from datetime import date

from science_exam.corpus.markup.calls import Call

MONTHS = (
    *("January", "February", "March", "April", "May", "June"),
    *("July", "August", "September", "October", "November", "December"),
)


def expand_date(call: Call) -> str:
    """{{start date|1969|7|20|df=y}}: "20 July 1969"; with month first unless `df` asks otherwise.

    A template with an age of a living thing ({{birth date and age}}) gives the date alone: the age
    depends on the day of reading.
    """
    parts = call.list_positional()
    text = _write_date(parts[:3], _is_day_first(call))
    clock = [part.zfill(2) for part in parts[3:6] if part.isdigit()]
    if clock and call.name.startswith(("start", "end")):
        text += f", {':'.join(clock)}" + (f" {call.get('7')}" if call.get("7") else "")
    return text


def expand_death_date_and_age(call: Call) -> str:
    """{{death date and age|1955|4|18|1879|3|14}}: "April 18, 1955 (aged 76)"."""
    parts = call.list_positional()
    text = _write_date(parts[:3], _is_day_first(call))
    age = count_years(parts[3:6], parts[:3])
    return f"{text} (aged {age})" if age else text


def expand_date_range(call: Call) -> str:
    """{{start and end dates|1914|7|28|1918|11|11}}: "July 28, 1914 – November 11, 1918"."""
    parts, is_day_first = call.list_positional(), _is_day_first(call)
    dates = [_write_date(parts[i : i + 3], is_day_first) for i in (0, 3)]
    return " – ".join(text for text in dates if text)


def expand_year_and_age(call: Call) -> str:
    """{{birth year and age|1950}}, {{death year and age|2000|1950}}: the year alone."""
    year, *rest = call.list_positional() or [""]
    month = rest[-1] if rest and rest[-1] in MONTHS else ""
    return f"{month} {year}".strip()


def expand_as_of(call: Call) -> str:
    """{{as of|2010|5|lc=y}}: "as of May 2010"."""
    if shown := call.get("alt"):
        return shown
    words = "since" if call.has("since") else "as of"
    if call.get("lc") not in ("y", "yes"):
        words = words.capitalize()
    return f"{words} {_write_date(call.list_positional()[:3], is_day_first=True)}".strip()


def expand_age(call: Call) -> str:
    """{{age|1879|3|14|1955|4|18}}: "76"; nothing for an age until today."""
    parts = call.list_positional()
    return count_years(parts[:3], parts[3:6])


def expand_circa(call: Call) -> str:
    """{{circa|1850|1900}}: "c. 1850 – c. 1900"; {{floruit}} and {{reign}} with their own words."""
    parts = call.list_positional()
    if call.name in ("reign", "r."):
        return f"r. {'–'.join(parts)}".strip()
    if call.name in ("floruit", "fl."):
        return f"fl. {'–'.join(parts)}".strip()
    return " – ".join(f"c. {part}" for part in parts) or "c."


def expand_geologic_age(call: Call) -> str:
    """{{Ma|66}}: "66 million years ago"; {{fossil range|252|66}}: "252–66 million years ago"."""
    parts = [part for part in call.list_positional() if part]
    if call.name in ("ma", "mya"):
        return f"{'–'.join(parts[:2])} million years ago" if parts else "million years ago"
    shown = call.get("3", "text") or "–".join(parts[:2])
    return f"{shown} million years ago" if re.fullmatch(r"[\d.,–]+", shown) else shown


def expand_old_style(call: Call) -> str:
    """{{OldStyleDate|February 2|1905|January 20}}: "February 2 [O.S. January 20] 1905"."""
    new, year, old = (*call.list_positional(), "", "", "")[:3]
    return f"{new} [O.S. {old}] {year}".strip()


def _is_day_first(call: Call) -> bool:
    return call.get("df") in ("y", "yes", "1", "true") or call.get("format") == "dmy"


def _write_date(parts: list[str], is_day_first: bool) -> str:
    """Year, month and day as far as they are given; a date written out in one argument stays as it is."""
    parts = [part for part in parts if part]
    if len(parts) < 2 or not parts[0].isdecimal():
        return " ".join(parts)
    year, month, *days = parts
    if month.isdecimal() and len(month) <= 2 and 1 <= int(month) <= 12:
        month = MONTHS[int(month) - 1]
    if not days:
        return f"{month} {year}"
    day = days[0].lstrip("0") or days[0]
    return f"{day} {month} {year}" if is_day_first else f"{month} {day}, {year}"


def count_years(start: list[str], end: list[str]) -> str:
    """Whole years from one year, month, day to another; "" unless both are complete and in order."""
    try:
        first, last = (date(*map(int, parts)) for parts in (start, end))
    except (TypeError, ValueError, OverflowError):
        return ""
    years = last.year - first.year - ((last.month, last.day) < (first.month, first.day))
    return str(years) if years >= 0 else ""
