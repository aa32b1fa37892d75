"""Infoboxes of every kind -> facts "melting point (°C): 0"."""

import re

from science_exam.corpus.markup.calls import Call

_INFOBOX = re.compile(
    r"infobox\b.*|.*\binfobox|chembox\b.*|drugbox|taxobox\b.*|automatic taxobox|speciesbox|subspeciesbox"
    r"|infraspeciesbox|hybridbox|mycomorphbox|virusbox|ichnobox|oobox|geobox\b.*|starbox\b.*|planetbox\b.*"
    r"|elementbox\b.*|weather box|us census population|historical populations?|gnf protein box|protein|enzyme"
    r"|pfam box|bar chart|pie chart"
)
# Keys about pictures, the place on a map and how the box looks, by their first or last word …
_UNREAD_FIRST = """
image img photo picture logo icon flag seal coat emblem signature map mapframe pushpin coordinates coord lat
latd latm lats latns long longd longm longs longew cover alt caption above below embed module
"""
_UNREAD_LAST = """
image img photo picture logo icon flag seal coat emblem caption alt map style bodystyle class bgcolor
background link ref refs footnote footnotes comment notes website url homepage upright file filename zoom
coordinates iso svg
"""
# … as a whole, …
_UNREAD_KEYS = """
child nocat autocat verifiedrevid watchedfields fetchwikidata onlysourced suppressfields noicon pixels align
common_name symbol_type status_system trend native_name_lang route_marker display_parents parent_coordinates
italic_title imagefile imagesize imagecaption mapsize
"""
# … and identifiers in databases, by how they begin.
_IDENTIFIERS = """
inchi stdinchi smiles unii chembl chebi kegg drugbank chemspider pubchem einecs ecnumber beilstein gmelin
meshname rtecs unnumber 3dmet iuphar jmol diseasesdb omim medlineplus emedicine meshid genereviews
"""
_FIRST, _LAST = frozenset(_UNREAD_FIRST.split()), frozenset(_UNREAD_LAST.split())
_KEYS, _BEGINNINGS = frozenset(_UNREAD_KEYS.split()), tuple(_IDENTIFIERS.split())
_FILE = re.compile(r"[^\n]{1,200}\.(?:svg|png|jpe?g|gif|tiff?|webp|og[agv]|webm|pdf)", re.IGNORECASE)

# Where a value's label stands: "leader_name1" in "leader_title1".
_LABELS = {"data": "label", "value": "label", "info": "name", "name": "title", "date": "event"}
_CAPITAL_INSIDE = re.compile(r"(?<=[A-Za-z][a-z])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])")
_ELEMENT = re.compile(r"[A-Z][a-z]?")
_COUNT = re.compile(r"\d+(?:\.\d+)?")

_TAXONOMY_ROWS = """
regnum kingdom|superregnum domain|divisio division|classis class|subclassis subclass|superordo superorder
ordo order|subordo suborder|infraordo infraorder|superfamilia superfamily|familia family|subfamilia subfamily
tribus tribe|binomial binomial name
"""
_TAXONOMY = dict(pair.split(" ", 1) for row in _TAXONOMY_ROWS.strip().split("\n") for pair in row.split("|"))
_ABBREVIATED = {"pt": "point", "temp": "temperature", "pop": "population", "num": "number"}
_UNITS = {
    unit: unit
    for unit in ("K", "m", "ft", "km", "mi", "cm", "mm", "in", "lb", "g", "kg", "ha", "acre", "km2")
}
_UNITS |= {"C": "°C", "F": "°F", "sqmi": "sq mi", "mi2": "sq mi"}


def is_infobox(name: str) -> bool:
    """Whether a template of this normalized name is a box of facts."""
    return bool(_INFOBOX.fullmatch(name))


def read_facts(call: Call) -> list[tuple[str, str]]:
    """Readable key and rendered value of each fact of an infobox, in its order.

    Keys that tell how the box looks, identifiers in databases and names of files are left out. A key
    that has a key for its label ("leader_name1" and "leader_title1") is called by that label, and
    the counts of elements of a chembox become its formula.
    """
    arguments = {key: text for key, text in call.list_all() if text and not _FILE.fullmatch(text)}
    facts = []
    if formula := _join_formula(arguments):
        facts.append(("formula", formula))
        arguments = {key: text for key, text in arguments.items() if not _is_element_count(key, text)}
    labels = {key: label for key in arguments if (label := _find_label(key)) in arguments}
    for key, text in arguments.items():
        if key in labels:
            facts.append((arguments[labels[key]], text))
        elif key not in labels.values() and _is_readable(key):
            facts.append((_name_key(key), text))
    return facts


def _find_label(key: str) -> str:
    """The key that would hold the label of this one's value."""
    for kind, label in _LABELS.items():
        if kind in key:
            return label.join(key.rsplit(kind, 1))
    return ""


def _is_readable(key: str) -> bool:
    words = re.sub(r"[\d\s_-]+", " ", key.lower()).split()
    if not words:  # of a list of pairs without names, as {{historical populations|1900|5,000}}
        return True
    is_unread = words[0] in _FIRST or words[-1] in _LAST or "_".join(words) in _KEYS
    return not is_unread and not key.lower().startswith(_BEGINNINGS)


def _is_element_count(key: str, text: str) -> bool:
    return bool(_ELEMENT.fullmatch(key) and _COUNT.fullmatch(text))


def _join_formula(arguments: dict[str, str]) -> str:
    """Counts of elements in the order of Hill: carbon, hydrogen, then by the alphabet."""
    counts = {key: text for key, text in arguments.items() if _is_element_count(key, text)}
    if len(counts) < 2:
        return ""
    order = sorted(counts, key=lambda element: (["C", "H", element].index(element), element))
    if "C" not in counts:  # then hydrogen has no place of its own
        order = sorted(counts)
    return "".join(element + (counts[element] if counts[element] != "1" else "") for element in order)


def _name_key(key: str) -> str:
    """ "MeltingPtC" -> "melting point (°C)", "area_km2" -> "area (km2)", "classis" -> "class"."""
    if key.strip("0123456789") in ("", "data", "value"):
        return ""
    key = _CAPITAL_INSIDE.sub(" ", key.replace("_", " ")).replace("sq mi", "sqmi")
    words = [word.lower() if word[1:].islower() or len(word) == 1 else word for word in key.split()]
    unit = _UNITS.get(key.split()[-1]) if len(words) > 1 else None
    words = [_ABBREVIATED.get(word, word) for word in (words[:-1] if unit else words)]
    name = " ".join(words)
    name = _TAXONOMY.get(name, name)
    return f"{name} ({unit})" if unit else name
