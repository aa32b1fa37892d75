"""Infoboxes of every kind -> facts "melting point (°C): 0"."""

import re

from science_exam.corpus.markup.calls import Call

_INFOBOX = re.compile(
    r"infobox\b.*|.*\binfobox|chembox\b.*|drugbox|taxobox\b.*|automatic taxobox|speciesbox|subspeciesbox"
    r"|infraspeciesbox|hybridbox|mycomorphbox|mycobox|virusbox|ichnobox|oobox|geobox\b.*|starbox\b.*|planetbox\b.*"
    r"|elementbox\b.*|weather box|us census population|historical populations?|gnf protein box|pbb|protein|enzyme"
    r"|pfam box|bar chart|pie chart|brick chart"
)
# Keys about how a box looks, where its pictures are and where it is on a map.
_UNREADABLE = re.compile(
    r"(?:.*[_ ])?(?:image\d*|img|photo|picture|logo\d*|icon|flag|seal|emblem|signature|symbol_img|caption\d*|alt\d*|map\d*"
    r"|locator|pushpin|coordinates?|coord|coords|lat|long?|latd|latm|lats|longd|longm|longs|latns|longew|lat_[dms]"
    r"|style|class|colou?r|bgcolou?r|background|width|height_img|upright|website|url|homepage|footnotes?|refs?|note"
    r"|audio|video|sound|file|filename|iso_?code|blank_emblem.*|zoom|template|dot|mark|relief|size_img)(?:[_ ]?\d+)?"
    r"|(?:image|img|logo|map|pushpin|flag|seal|cover|photo|caption|coordinates?|coord|range_map|label|lat|lon)"
    r"(?:[_ ]?(?:size|width|caption|alt|type|label|position|link|upright|skyline|name|title|shield|map|file"
    r"|format|region|display|ref|footnotes|wikidata|style|class|border|[dmsNSEW])[\w ]*|file\w*|name|l\d*|r\d*|alt\d*)?\d*"
    r"|(?:title|header|label|data|above|below|list|body)(?:style|class)\d*|imagefile\w*|imagesize\w*|imagecaption\w*"
    r"|fetchwikidata|onlysourced|suppressfields|noicon|embed|child|module\d*|nocat|autocat|verifiedrevid|watchedfields"
    r"|display_parents|parent_coordinates|italic.*|(?:std)?inchi(?:key)?\d*|stdinchi\w*|smiles\d*|.*_ref|.*_comment"
    r"|unii\w*|chembl\w*|chebi\w*|kegg\w*|drugbank\w*|chemspider\w*|pubchem\w*|einecs\w*|ecnumber\w*|beilstein\w*"
    r"|gmelin\w*|meshname\w*|rtecs\w*|unnumber\w*|3dmet\w*|iuphar\w*|jmol\w*|section\d+",
    re.IGNORECASE,
)
_TAXONOMY = {
    **{"regnum": "kingdom", "divisio": "division", "classis": "class", "ordo": "order", "familia": "family"},
    **{
        "subclassis": "subclass",
        "subordo": "suborder",
        "superfamilia": "superfamily",
        "superordo": "superorder",
    },
    **{"subfamilia": "subfamily", "tribus": "tribe", "infraordo": "infraorder", "subdivisio": "subdivision"},
    **{
        "superregnum": "domain",
        "binomial": "binomial name",
        "subphylum": "subphylum",
        "unranked classis": "class",
    },
}
_UNITS = {
    "C": "°C",
    "F": "°F",
    "K": "K",
    "km2": "km2",
    "sq mi": "sq mi",
    "mi2": "sq mi",
    "ha": "ha",
    "kg": "kg",
}
_UNITS |= {unit: unit for unit in "m ft km mi cm mm in lb g acre".split()}
_ABBREVIATED = {
    "pt": "point",
    "temp": "temperature",
    "pop": "population",
    "est": "established",
    "num": "number",
}
_ELEMENT = re.compile(r"[A-Z][a-z]?")
_COUNT = re.compile(r"\d+(?:\.\d+)?")
_NUMBERED = re.compile(r"(?P<kind>data|value|label|header)(?P<number>\d+)")


def is_infobox(name: str) -> bool:
    """Whether a template of this normalized name is a box of facts."""
    return bool(_INFOBOX.fullmatch(name))


def read_facts(call: Call) -> list[tuple[str, str]]:
    """Readable key and rendered value of each fact of an infobox, in its order.

    Keys that tell how the box looks, and identifiers in databases, are left out. The counts of
    elements of a chembox become its formula.
    """
    arguments = {key: text for key, text in call.list_all() if text}
    facts = []
    if formula := _join_formula(arguments):
        facts.append(("formula", formula))
        arguments = {key: text for key, text in arguments.items() if not _is_element_count(key, text)}
    for key, text in arguments.items():
        numbered = _NUMBERED.fullmatch(key)
        if numbered:
            if numbered["kind"] in ("data", "value"):
                facts.append((arguments.get(f"label{numbered['number']}", ""), text))
        elif not _UNREADABLE.fullmatch(key):
            facts.append((_name_key(key), text))
    return facts


def _is_element_count(key: str, text: str) -> bool:
    return bool(_ELEMENT.fullmatch(key) and _COUNT.fullmatch(text))


def _join_formula(arguments: dict[str, str]) -> str:
    """Counts of elements in the order of Hill: carbon, hydrogen, then by the alphabet."""
    counts = {key: text for key, text in arguments.items() if _is_element_count(key, text)}
    if len(counts) < 2:
        return ""
    order = sorted(
        counts, key=lambda element: ("C" not in counts, ["C", "H", element].index(element), element)
    )
    return "".join(element + (counts[element] if counts[element] != "1" else "") for element in order)


def _name_key(key: str) -> str:
    """ "MeltingPtC" -> "melting point (°C)", "area_km2" -> "area (km2)", "classis" -> "class"."""
    if key.isdigit():
        return ""
    key = re.sub(r"(?<=[a-z]{2})(?=[A-Z])", " ", key.replace("_", " "))
    words = [word if word.isupper() and len(word) > 1 else word.lower() for word in key.split()]
    unit = _UNITS.get(key.split()[-1]) if len(words) > 1 else None
    words = [_ABBREVIATED.get(word, word) for word in (words[:-1] if unit else words)]
    name = " ".join(words)
    name = _TAXONOMY.get(name, name)
    return f"{name} ({unit})" if unit else name
