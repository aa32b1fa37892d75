"""Templates that show, list or arrange the text they are given."""

import re

from science_exam.corpus.markup.calls import Call

_BLOCK_KEY = re.compile(r"\d+|(?:col|content|text)\d*|title|bars")
_WIDTH = re.compile(r"\d+(?:em|px|%)?")


def show_first(call: Call) -> str:
    """The first argument, as {{nowrap|text}} and everything else that only styles it."""
    return call.get("1", "text", "content", "equation", "math_statement")


def show_second(call: Call) -> str:
    """The second argument, after a language, colour or sort key; the first without a second."""
    return call.get("2", "text", "1")


def show_last(call: Call) -> str:
    """The last unnamed argument, as {{transl|ar|DIN|al-jabr}}."""
    return (call.list_positional() or [""])[-1]


def join_arguments(call: Call) -> str:
    """The arguments in a row, as {{linktext|…}}."""
    return "".join(call.list_positional())


def join_names(call: Call) -> str:
    """{{sortname|Marie|Curie}}: "Marie Curie"."""
    return " ".join(call.list_positional()[:2])


def join_keys(call: Call) -> str:
    """{{key press|Ctrl|C}}: "Ctrl+C"."""
    return "+".join(call.list_positional())


def list_inline(call: Call) -> str:
    """{{hlist|a|b}}: "a, b"."""
    return ", ".join(part for part in call.list_positional() if part)


def list_lines(call: Call) -> str:
    """{{ubl|a|b}}: one item a line; a list inside {{plainlist|…}} stays the list it is."""
    marker = "#" if call.name in ("ordered list", "ol") else "*"
    parts = [part for part in call.list_positional() if part]
    if len(parts) == 1 and parts[0][0] in "*#:;":
        return f"\n{parts[0]}\n"
    items = "".join(f"\n{marker} {part}" for part in parts)
    title = call.get("title")
    return f"{title}{items}\n" if title else f"{items}\n"


def show_block(call: Call) -> str:
    """Text on lines of its own: the columns of {{columns-list|…}}, the content of {{hidden|title|…}}."""
    parts = (text for key, text in call.list_all() if _BLOCK_KEY.fullmatch(key))
    return "\n{}\n".format("\n".join(part for part in parts if not _WIDTH.fullmatch(part)))


def show_quotation(call: Call) -> str:
    """{{quote|text|author}}: the text on a line of its own, and who said it."""
    text, author = call.get("1", "text", "quote", "content", "lines"), call.get("2", "author", "sign", "by")
    source = call.get("3", "source", "title")
    said = ", ".join(part for part in (author, source) if part)
    return f"\n\n{text}{f' — {said}' if said else ''}\n\n" if text else ""


def show_link(call: Call) -> str:
    """{{ill|Name|de|Name}}: the article's name or its label; older calls begin with the language."""
    if shown := call.get("lt", "label", "display"):
        return shown
    first, second = call.get("1", "en"), call.get("2")
    return second if second and len(first) <= 3 and first.islower() else first


def show_citation_in_text(call: Call) -> str:
    """{{harvtxt|Hill|Lo|1999}}: "Hill & Lo (1999)", because a sentence goes on with it."""
    *authors, year = call.list_positional() or [""]
    named = ", ".join(authors[:-1]) + (" & " if authors[1:] else "") + "".join(authors[-1:])
    return f"{named} ({year})" if authors else year


def show_ship(call: Call) -> str:
    """{{HMS|Beagle|1820}}: "HMS Beagle (1820)"; {{ship|HMS|Beagle|1820}} alike."""
    parts = call.list_positional()
    prefix, parts = (parts[0], parts[1:]) if call.name == "ship" and parts else (call.name.upper(), parts)
    named = f"{prefix} {''.join(parts[:1])}"
    return f"{named} ({parts[1]})" if len(parts) > 1 and parts[1] else named


def show_money(call: Call) -> str:
    """{{US$|5}}: "US$5"."""
    signs = {"usd": "US$", "us$": "US$", "gbp": "£", "eur": "€", "inr": "₹"}
    return f"{signs.get(call.name, call.name)}{call.get('1')}"


def show_marriage(call: Call) -> str:
    """{{marriage|name|1895|1906}}: "name (m. 1895–1906)"."""
    name, *years = call.list_positional() or [""]
    span = "–".join(year for year in years[:2] if year)
    return f"{name} (m. {span})" if span else name


def show_tree(call: Call) -> str:
    """{{clade|label1=A|1=B|2=C}}: "A (B), C": the groups of a tree and what they hold."""
    branches = [text for key, text in call.list_all() if key.isdigit() and text]
    labels = {key.removeprefix("label"): text for key, text in call.list_all() if key.startswith("label")}
    named = []
    for number, branch in enumerate(branches, start=1):
        label = labels.get(str(number))
        named.append(f"{label} ({branch})" if label else f"({branch})" if ", " in branch else branch)
    return ", ".join(named)


def show_dental_formula(call: Call) -> str:
    """{{DentalFormula|upper=2.1.2.3|lower=2.1.2.3}}: "2.1.2.3 / 2.1.2.3"."""
    return " / ".join(text for text in (call.get("upper", "1"), call.get("lower", "2")) if text)


def show_bar(call: Call) -> str:
    """{{bar percent|Oceans|blue|71}}: "Oceans: 71%", one line of a chart."""
    label, _, number = (*call.list_positional(), "", "", "")[:3]
    unit = "%" if call.name == "bar percent" else ""
    return f"\n* {label}: {number}{unit}\n"


def show_bar_in_table(call: Call) -> str:
    """{{bartable|71|%|2}}: "71%"; the third argument is a width."""
    return f"{call.get('1')}{call.get('2')}"
