"""Template name -> what it shows in running text.

Articles call some 100,000 templates, and a dump of articles does not say what they print. The
frequent ones that print text of their own are listed here by what they do with their arguments.

Every other template prints nothing. A rule for unknown ones was measured on 106 articles of 5.7 MB:
"one plain argument in running prose is text" would have added 147 numbers to 16,000, of which 131 are
pages of references ({{rp|75}}), 11 stand in footnotes and 5 are read in the text.
"""

from collections.abc import Callable
from functools import lru_cache

from science_exam.corpus.markup import dates, formulas, languages, quantities, symbols, wording
from science_exam.corpus.markup.calls import Call
from science_exam.corpus.markup.convert import expand_convert, format_number
from science_exam.corpus.markup.marks import DROPPED

Expansion = Callable[[Call], str]

# Lower case, spaces for underscores, separated by "|"; redirects stand with their template.
_NAMES: dict[Expansion, str] = {
    expand_convert: "convert|cvt|conv",
    quantities.expand_val: "val",
    quantities.expand_fraction: "frac|fraction|fract|sfrac|sfraction|tfrac",
    quantities.expand_power_of_ten: "e|esp|10^|x10^",
    quantities.expand_power: "pow|power",
    quantities.expand_scripts: "su",
    quantities.expand_superscript: "sup|smallsup",
    quantities.expand_subscript: "sub|smallsub",
    quantities.join_digits: "gaps",
    quantities.expand_angle: "ra|dec",
    quantities.expand_height: "height",
    quantities.expand_duration: "duration",
    quantities.expand_percentage: "percentage|percent|pct",
    quantities.expand_number: "nts|number table sorting|formatnum",
    quantities.expand_nuclide: (
        "nuclide|nuclide2|isotope|isotope2|simplenuclide|simplenuclide2|nuclide link"
    ),
    quantities.expand_gauge: "railgauge|track gauge",
    dates.expand_date: (
        "start date|start date and age|start-date and age|end date|end date and age|birth date"
        "|birth date2|birth date and age|birth date and age2|birth-date and age|bda|death date|dob|dod"
        "|dts|date table sorting|date|release date|film date|launch date"
    ),
    dates.expand_death_date_and_age: "death date and age|death-date and age|dda",
    dates.expand_date_range: "start and end dates",
    dates.expand_year_and_age: (
        "birth year and age|bya|death year and age|dya|birth year|death year|birth based on age as of date"
    ),
    dates.expand_as_of: "as of|asof",
    dates.expand_age: "age|age in years",
    dates.expand_circa: "circa|c.|ca.|floruit|fl.|reign|r.",
    dates.expand_geologic_age: "ma|mya|geological range|fossil range|fossilrange|long fossil range",
    dates.expand_old_style: "oldstyledate|oldstyledatedy",
    formulas.expand_enclosed: "|".join(formulas.ENCLOSED),
    formulas.expand_tex: "tmath|#tag:math",
    formulas.expand_root: "sqrt|radic",
    formulas.expand_bra_ket: "bra-ket",
    formulas.expand_chem: "chem",
    formulas.expand_chem2: "chem2|ce",
    formulas.expand_numbered_equation: "numblk|numbered block",
    formulas.expand_particle: "subatomic particle|subatomicparticle",
    formulas.expand_star_unit: "|".join(formulas.STAR_UNITS),
    languages.expand_language: "langx",
    languages.expand_nihongo: "nihongo|nihongo2|nihongo3",
    languages.expand_chinese: "zh|lang-zh",
    languages.expand_ipa: "ipa|api",
    symbols.show_symbol: "|".join(symbols.SYMBOLS),
    symbols.show_word: "|".join(symbols.CELL_WORDS),
    wording.show_first: (
        "nowrap|nobr|nobreak|nwr|j|avoid wrap|nobold|normal|noitalic|nonitalic|small|smaller|smalldiv"
        "|big|larger|large|midsize|huge|center|centre|left|right|sc|small caps|smallcaps|sc2"
        "|smallcaps all|allcaps|em|strong|mono|monospace|tt|code|kbd|samp|mxt|xt|var|mvar|math|bigmath"
        "|varserif|serif|sans-serif|not a typo|notatypo|proper name|as written|typo|chem name|vanchor"
        "|visible anchor|abbr|abbrv|abbrlink|tooltip|unicode|polytonic|longitem|overline|vec"
        "|strikethrough|strike|del|ins|mark|ipalink|ipablink|ipaslink|term|dfn|defn|ghat|birth-date"
        "|start-date|end-date|death-date|flag|flagcountry|flagu|block indent|bi|vert header|verth"
        "|vertical header|sronly|screen reader-only|section link|slink|grc|ivrit|hebrew|nastaliq"
        "|equation box 1|math theorem|us patent"
    ),
    wording.show_second: "lang|rtl-lang|native name|nativename|sort|h:title|url|script",
    wording.show_last: (
        "transl|transliteration|tlit|color|colour|font color|fontcolor|background color|resize"
        "|font size|align|wikt-lang"
    ),
    wording.join_arguments: "linktext|mp",
    wording.join_names: "sortname",
    wording.join_keys: "key press|keypress|key",
    wording.list_inline: "hlist|cslist|comma separated entries",
    wording.list_lines: (
        "ubl|ublist|unbulleted list|vunblist|plainlist|plain list|indented plainlist|flatlist|flat list"
        "|bulleted list|blist|unordered list|ordered list|collapsible list|tree list|treelist|pagelist"
    ),
    wording.show_block: "columns-list|columns|hidden|stack|scroll box|bar box|verse translation",
    wording.show_quotation: (
        "quote|blockquote|bquote|cquote|quotation|quote box|quotebox|poemquote|centered pull quote|pull quote"
    ),
    wording.show_link: "ill|interlanguage link|interlanguage link multi|illm|link-interwiki|red link",
    wording.show_citation_in_text: "harvtxt|harvcoltxt",
    wording.show_ship: "uss|hms|rms|ss|ship|hmas|hmcs|sms|mv|rv|usns|uscgc|hmnzs",
    wording.show_money: "us$|usd|gbp|£|eur|inr|a$|c$|jpy|¥|₹",
    wording.show_marriage: "marriage",
    wording.show_dental_formula: "dentalformula|dental formula",
    wording.show_bar: "bar percent|bar pixel",
    wording.show_bar_in_table: "bartable",
    symbols.show_sign_of_music: "music",
    wording.show_tree: "clade|clades|cladogram|cladex",
}
PARSER_FUNCTIONS: dict[str, Callable[[str], str]] = {
    "formatnum": format_number,
    "lc": str.lower,
    "uc": str.upper,
    "ucfirst": lambda text: text[:1].upper() + text[1:],
    "lcfirst": lambda text: text[:1].lower() + text[1:],
}
# Names that are capitals and no country's.
_ACRONYMS = (
    "RA DEC IPA API BCE BC CE AD NA TBA NTS DTS USS HMS RMS SS HMAS HMCS SMS MV RV USNS USCGC HMNZS"
    " USD GBP EUR INR JPY"
)
_EXPANSIONS = {name: expansion for expansion, names in _NAMES.items() for name in names.split("|")}


@lru_cache(maxsize=10_000)
def normalize_name(raw: str) -> str:
    """A template's name as the tables here have it: " Convert" and "template:convert" -> "convert".

    Other names of capitals only keep them, because {{BRA}} is a country and {{bra}} half a bracket.
    """
    name = " ".join(raw.replace("_", " ").replace(DROPPED, "").split())
    if len(name) > 1 and name.isupper() and name.isalpha() and name not in _ACRONYMS.split():
        return name
    return name.lower().removeprefix("template:").removeprefix("subst:").strip()


def find_expansion(name: str) -> Expansion | None:
    """What prints the template of a normalized name; None for one that prints nothing."""
    if name in _EXPANSIONS:
        return _EXPANSIONS[name]
    if name.startswith("lang-"):
        return languages.expand_language
    if name.startswith("script/"):
        return wording.show_first
    is_country = len(name) == 3 and name.isupper() and name not in ("TOC", "DAB", "SIA")
    return symbols.show_code if is_country else None
