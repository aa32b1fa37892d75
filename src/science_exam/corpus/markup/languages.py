"""Templates that print words of other languages, and those that print how a word is said."""

from science_exam.corpus.markup.calls import Call

_ROWS = """
af:Afrikaans|sq:Albanian|am:Amharic|ar:Arabic|arc:Aramaic|hy:Armenian|as:Assamese|az:Azerbaijani
eu:Basque|be:Belarusian|bn:Bengali|bs:Bosnian|bg:Bulgarian|my:Burmese|ca:Catalan|ceb:Cebuano
zh:Chinese|cop:Coptic|kw:Cornish|hr:Croatian|cs:Czech|da:Danish|nl:Dutch|enm:Middle English
ang:Old English|en:English|eo:Esperanto|et:Estonian|fo:Faroese|fi:Finnish|fil:Filipino|fr:French
fro:Old French|gl:Galician|ka:Georgian|de:German|goh:Old High German|el:Greek|grc:Ancient Greek
gu:Gujarati|ht:Haitian Creole|haw:Hawaiian|he:Hebrew|hi:Hindi|hu:Hungarian|is:Icelandic
id:Indonesian|ga:Irish|it:Italian|ja:Japanese|jv:Javanese|kn:Kannada|kk:Kazakh|km:Khmer|ko:Korean
ku:Kurdish|ky:Kyrgyz|lo:Lao|la:Latin|lv:Latvian|lt:Lithuanian|lb:Luxembourgish|mk:Macedonian
mg:Malagasy|ms:Malay|ml:Malayalam|mt:Maltese|mi:Māori|mr:Marathi|mn:Mongolian|nah:Nahuatl
nci:Classical Nahuatl|ne:Nepali|no:Norwegian|nb:Norwegian|nn:Norwegian Nynorsk|non:Old Norse
oc:Occitan|or:Odia|ota:Ottoman Turkish|ps:Pashto|fa:Persian|pl:Polish|pt:Portuguese|pa:Punjabi
qu:Quechua|ro:Romanian|ru:Russian|sa:Sanskrit|gd:Scottish Gaelic|sco:Scots|sr:Serbian|sh:Serbo-Croatian
si:Sinhala|sk:Slovak|sl:Slovene|so:Somali|es:Spanish|sw:Swahili|sv:Swedish|syc:Syriac|tl:Tagalog
tg:Tajik|ta:Tamil|tt:Tatar|te:Telugu|th:Thai|bo:Tibetan|tr:Turkish|tk:Turkmen|uk:Ukrainian|ur:Urdu
uz:Uzbek|vi:Vietnamese|cy:Welsh|xh:Xhosa|yi:Yiddish|yo:Yoruba|zu:Zulu|akk:Akkadian|egy:Egyptian
"""
_NAMES = dict(pair.split(":") for row in _ROWS.strip().splitlines() for pair in row.split("|"))


def expand_language(call: Call) -> str:
    """{{lang-la|aqua}} and {{langx|la|aqua}}: "Latin: aqua"; with romanization and meaning if given."""
    parts = call.list_positional()
    if call.name == "langx":
        code, parts = (parts or [""])[0], parts[1:]
    else:
        code = call.name.removeprefix("lang-")
    if not parts:
        return ""
    name = _NAMES.get(code.lower()) or _NAMES.get(code.partition("-")[0].lower())
    text = f"{name}: {parts[0]}" if name and call.get("label") != "none" else parts[0]
    if romanized := call.get("translit", "tr") or "".join(parts[1:2]):
        text += f", romanized: {romanized}"
    if meaning := call.get("lit", "translation") or "".join(parts[2:3]):
        text += f", lit. '{meaning}'"
    return text


def expand_nihongo(call: Call) -> str:
    """{{nihongo|origami|折り紙|origami|paper folding}}: "origami (折り紙, origami, paper folding)"."""
    english, *rest = (*call.list_positional(), "")
    inside = ", ".join(
        part for part in (*rest, call.get("extra"), call.get("lead")) if part and part != "yes"
    )
    if not english:
        return inside
    return f"{english} ({inside})" if inside else english


def expand_chinese(call: Call) -> str:
    """{{zh|s=…|t=…|p=…}}: "simplified Chinese: …; pinyin: …"."""
    labels = {
        "c": "Chinese",
        "s": "simplified Chinese",
        "t": "traditional Chinese",
        "p": "pinyin",
        "l": "lit.",
    }
    found = [f"{label}: {call.get(key)}" for key, label in labels.items() if call.get(key)]
    return "; ".join(found) or call.get("1")


def expand_ipa(call: Call) -> str:
    """{{IPA|[p]}}, a sound talked about; with a language in front it is a pronunciation, and dropped."""
    parts = call.list_positional()
    return parts[0] if len(parts) == 1 else ""
