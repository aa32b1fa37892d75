"""Template name -> what it shows in running text.

Articles call some 100,000 templates, and a dump of articles does not say what they print. The
frequent ones that print text of their own are listed here by what they do with their arguments.
"""

from collections.abc import Callable
from functools import lru_cache

from science_exam.corpus.markup import dates, formulas, languages, quantities, wording
from science_exam.corpus.markup.calls import Call
from science_exam.corpus.markup.convert import expand_convert, format_number

Expansion = Callable[[Call], str]

# Lower case, spaces for underscores, separated by "|"; redirects stand with their template.
_NAMES: dict[Expansion, str] = {
    expand_convert: "convert|cvt|conv|convertabbr",
    quantities.expand_val: "val|value",
    quantities.expand_fraction: "frac|sfrac|fraction|sfraction|frac2|vulgar fraction|intfrac|fract|ratio",
    quantities.expand_power_of_ten: "e|e-sp|10^|x10^|exp10|esp|scinote|sci notation",
    quantities.expand_power: "pow|power|mathexp",
    quantities.expand_scripts: "su|sup sub|sub sup|subsup|su2",
    quantities.expand_superscript: "sup|superscript|smallsup",
    quantities.expand_subscript: "sub|subscript|smallsub",
    quantities.join_digits: "gaps|gap",
    quantities.expand_angle: "ra|dec|right ascension|declination",
    quantities.expand_height: "height|hgt",
    quantities.expand_duration: "duration|hms|h:m:s",
    quantities.expand_percentage: "percentage|pct|percent|percent and number",
    quantities.expand_number: "nts|formatnum|number table sorting|ntsh2|num|commas|format number|fmtn",
    quantities.expand_nuclide: "nuclide|nuclide2|isotope|isotope2|simplenuclide|simplenuclide2|nuclide link",
    quantities.expand_gauge: "railgauge|track gauge",
    dates.expand_date: (
        "start date|end date|start date and age|end date and age|birth date|birth date and age|death date"
        "|bda|birth-date and age|start-date and age|release date and age|dob|dod|date|dts|date table sorting"
        "|launch date|film date|release date|published date|start and end date|sda|dtsa|birth date2|birth|death"
    ),
    dates.expand_death_date_and_age: "death date and age|dda|death-date and age|death date and given age",
    dates.expand_date_range: "start and end dates|date range",
    dates.expand_year_and_age: (
        "birth year and age|death year and age|birth year|death year|bya|dya|birth based on age as of date"
    ),
    dates.expand_as_of: "as of|asof|as at",
    dates.expand_age: "age|age in years|agey",
    dates.expand_circa: "circa|c.|ca.|ca|floruit|fl.|reign|r.|circa range",
    dates.expand_geologic_age: "ma|mya|million years ago|geological range|geologic range|fossil range|fossilrange",
    formulas.expand_enclosed: "|".join(formulas.ENCLOSED),
    formulas.expand_tex: "tmath|inline math|#tag:math",
    formulas.expand_root: "sqrt|radic|root|surd|nowrap radical",
    formulas.expand_bra_ket: "bra-ket|braket|bra ket",
    formulas.expand_chem: "chem|che|chemf",
    formulas.expand_chem2: "chem2|ce2|chem3|mhchem",
    formulas.expand_numbered_equation: "numblk|numblock|numbered block|equation",
    formulas.expand_particle: "subatomic particle|subatomicparticle|physics particle|physicsparticle",
    formulas.expand_star_unit: "|".join(formulas.STAR_UNITS),
    languages.expand_nihongo: "nihongo|nihongo3|nihongo2|nihongo4|korean|nihongo krt",
    languages.expand_chinese: "zh|zh-full|lang-zh|ko-hhrm|lang-ko|chinese",
    languages.expand_ipa: "ipa|ipa-all|api",
    languages.expand_language: "langx",
    wording.show_symbol: "|".join(wording.SYMBOLS),
    wording.show_word: "|".join(wording.CELL_WORDS),
    wording.show_first: (
        "nowrap|nobr|nobreak|nowr|nwr|j|nobold|normal|noitalic|no italic|nonitalic|small|smaller|smalldiv|big"
        "|bigger|larger|large|resize|midsize|huge|center|centre|left|right|align left|sc|small caps|smallcaps|sc1|sc2"
        "|smallcaps all|allcaps|bold|italic|i|b|u|underline|strong|em|emph|mono|monospace|tt|code|kbd|samp|mxt|xt|var"
        "|mvar|math|bigmath|intmath|varserif|serif|sans-serif|not a typo|notatypo|proper name|as written|typo"
        "|sic|chem name|vanchor|visible anchor|visanc|abbr|abbrv|abbrlink|tooltip|h:title|unicode|polytonic"
        "|longitem|overline|overbar|vec|vector|overset|strikethrough|s|strike|del|ins|mark|highlight"
        "|ipablink|ipaslink|ipa link|ipalink|audio|term|dfn|defn|ghat|birth-date|start-date|end-date"
        "|death-date|flag|flagcountry|flagu|flaglist|flag+link|country|block indent|bi|in5|pad|fontsize|estimation"
        "|vert header|verth|vertical header|sronly|screen reader-only|wj|section link|slink|grc|ivrit|hebrew"
        "|nastaliq|nq|phoneme|coptic|cuneiform|runic|equation box 1|math theorem|math proof|cad|mp|taxon italics"
    ),
    wording.show_second: (
        "lang|rtl-lang|native name|nativename|nname|color|font color|fontcolor|colour|background color|script"
        "|bg|text color|sort|wikt-lang|wt|m|url|official url|hidden sort|lang-sort|flagdeco text"
    ),
    wording.show_last: "transl|transliteration|tlit|translit",
    wording.join_arguments: "linktext",
    wording.join_names: "sortname",
    wording.join_keys: "key press|keypress|key|keys",
    wording.list_inline: "hlist|cslist|comma separated entries|enum|comma-separated entries",
    wording.list_lines: (
        "ubl|ublist|unbulleted list|plainlist|plain list|flatlist|flat list|bulleted list|blist|unordered list"
        "|ordered list|vunblist|collapsible list|indented plainlist|tree list|treelist|pagelist"
    ),
    wording.show_block: "bar box|columns-list|columns|col-list|hidden|collapse|scroll box|scrollbox|align|stack",
    wording.show_quotation: (
        "quote|blockquote|cquote|bquote|quotation|quote box|quotebox|poemquote|poem quote|verse translation|verse"
        "|centered pull quote|rquote|pull quote|pullquote|long quote|epigraph"
    ),
    wording.show_link: "ill|interlanguage link|ill2|link-interwiki|interlanguage link multi|illm|red link|iw",
    wording.show_citation_in_text: "harvtxt|harvcoltxt",
    wording.show_ship: "uss|hms|rms|ss|ship|hmas|hmcs|sms|mv|rv|usns|uscgc|hmnzs",
    wording.show_money: "us$|usd|gbp|£|eur|inr|pound sterling|a$|c$|jpy|¥|₹",
    wording.show_marriage: "marriage|married",
    wording.show_date_of_old_style: "oldstyledate|oldstyledatedy",
    wording.show_dental_formula: "dentalformula|dental formula",
    wording.show_bar: "bar percent|bar pixel",
    wording.show_bar_in_table: "bartable",
    wording.show_sign_of_music: "music",
    wording.show_tree: "clade|clades|cladogram|cladex",
}
PARSER_FUNCTIONS: dict[str, Callable[[str], str]] = {
    "formatnum": format_number,
    "lc": str.lower,
    "uc": str.upper,
    "ucfirst": lambda text: text[:1].upper() + text[1:],
    "lcfirst": lambda text: text[:1].lower() + text[1:],
}
_EXPANSIONS = {name: expansion for expansion, names in _NAMES.items() for name in names.split("|")}


@lru_cache(maxsize=10_000)
def normalize_name(raw: str) -> str:
    """A template's name as the tables here have it: " Convert" and "template:convert" -> "convert".

    Names all in capitals keep them, because {{BRA}} is a country and {{bra}} half a bracket.
    """
    name = " ".join(raw.replace("_", " ").replace(DROPPED, "").split())
    if len(name) > 1 and name.isupper() and name.isalpha():
        return name
    return name.lower().removeprefix("template:").removeprefix("subst:").strip()


def find_expansion(name: str) -> Expansion | None:
    """What prints the template of a normalized name; None for one that prints nothing."""
    if name in _EXPANSIONS:
        return _EXPANSIONS[name]
    if name.startswith("lang-"):
        return languages.expand_language
    if name.isupper() and len(name) == 3 and name != "TOC":
        return wording.show_code
    return None
