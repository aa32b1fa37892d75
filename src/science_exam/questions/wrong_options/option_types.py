"""What sort of text an option is, so that one from elsewhere can stand beside it unnoticed."""

import re
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from typing import Literal

from science_exam.questions.wrong_options.option_numbers import parse_number

Kind = Literal["number", "verdict", "formula", "word", "phrase", "statement"]

MAX_PHRASE_WORDS = 5
# Answers of a closed set: whoever knows the others sees that a further one is made up.
_VERDICT = re.compile(
    r"(?:(?:yes|no|true|false|wrong|right|correct|incorrect|maybe|always|never|sometimes|both|neither|not|it|the"
    r"|increas(?:es?|ed|ing)|decreas(?:es?|ed|ing)|unchanged|changes?|effect|constant|equal|unaffected|remains?"
    r"|stays?|same|double[sd]?|halve[sd]?|valid|invalid|positive|negative|zero|left|up|down|higher|lower"
    r"|greater|less|more|larger|smaller)\W*)+",
    re.IGNORECASE,
)
# Whether two of these say the same takes algebra.
_FORMULA = re.compile(
    r"[=^\\{}<>√∫∑≤≥⁄*|_~∧∨⊃∃∀≡→∩∪]|->|\d\s*[+/:-]\s*[\d(]|\w\(\w*\)|[a-z]\d|\d[a-z]\b|^\W*\d"
    r"|\b\w\s[+-]\s\w\b"
)
_ARTICLE = re.compile(r"(an?|the)\s+", re.IGNORECASE)
_WORD = re.compile(r"[^\W_]+(?:['’\-][^\W_]+)*")
_FINITE = frozenset(
    "is are was were has have had does do did can could will would shall should may might must cannot "
    "becomes become increases increase decreases decrease causes cause makes make gives give produces "
    "produce contains contain uses use moves move remains remain occurs occur requires require allows "
    "allow".split()
)
_OPENERS = frozenset(
    "to by in on at from with without for of as because since when while if although that which it they "
    "he she there this these those its their his her all both no not only more less most least some "
    "many after before during through between into under over we you i yes one what how who where why "
    "whether so until be being very too always never and or".split()
)
_CAPITAL_INSIDE = re.compile(r"(?<=\w )[A-Z]\w+")
_ARTICLES = frozenset(("a", "an", "the"))
_PREPOSITIONS = frozenset("of in on for from with to at by between and or".split())
_ADJECTIVE = re.compile(r"\w{2,}(?:ous|ible|able|ful|ic|al|ive|ary|less|ed|ar)")
# Words in s that are one, and words without that are many.
_SINGULAR = re.compile(r".*(?:ss|us|is|ics|as|os)|species|series|lens|means")
_PLURALS = frozenset(
    "people men women children mice feet teeth bacteria mitochondria fungi nuclei algae larvae "
    "phenomena criteria vertebrae alveoli cilia flagella protozoa stimuli radii".split()
)
_NO_GERUNDS = frozenset(
    "spring string nothing something everything anything sibling lightning morning evening ceiling".split()
)
_BEFORE_VERBS = frozenset("to can will would could may must should might cannot".split())
_BEFORE_NOUNS = frozenset("the a an of its their this in by".split())
_SMALL = frozenset("of the and in a an to for on by or with from at".split())  # without capital in titles


@dataclass(frozen=True)
class Lexicon:
    """What many texts tell about words.

    Attributes:
        common: words that are written in lower case somewhere; others with a capital are names.
        verbs: words that stand where a verb's base form does ("to …", "can …") more often than where a
            noun does.
    """

    common: frozenset[str] = frozenset()
    verbs: frozenset[str] = frozenset()

    @classmethod
    def learn(cls, texts: Iterable[str]) -> "Lexicon":
        """Count the words of `texts`."""
        common: set[str] = set()
        verbal: Counter[str] = Counter()
        for text in texts:
            words = _WORD.findall(text)
            common.update(word for word in words if word.islower())
            for before, word in pairwise(words):
                if before in _BEFORE_VERBS:
                    verbal[word] += 1
                elif before in _BEFORE_NOUNS:
                    verbal[word] -= 1
        return cls(frozenset(common), frozenset(w for w, n in verbal.items() if n > 0 and w not in _OPENERS))


EMPTY = Lexicon()


@dataclass(frozen=True)
class OptionType:
    """What must agree for two options to look alike.

    Attributes:
        kind: a number with its unit, a verdict of a closed set (yes, increases), a formula, one word, a
            phrase without a finite verb, or a statement.
        unit: of a number: what is written around it; "year" for years.
        plural: whether the noun of a word or phrase is a plural.
        form: how it begins: with which preposition, conjunction, pronoun; "a" for an indefinite article;
            "-ing", "verb", "verb-s"; "adjective" for a word that ends like one.
        is_name: written with capitals inside a sentence too.
        has_verb: holds a finite verb.
        has_digits: holds digits.
    """

    kind: Kind
    unit: str = ""
    plural: bool = False
    form: str = ""
    is_name: bool = False
    has_verb: bool = False
    has_digits: bool = False

    @property
    def form_alone(self) -> "OptionType":
        """The type without the number of words: what a word and a phrase have in common."""
        return replace(self, kind="word") if self.kind == "phrase" else self


def describe_option(text: str, lexicon: Lexicon = EMPTY) -> OptionType:
    """The type of an option, by its words alone."""
    text = text.strip().rstrip(".")
    if number := parse_number(text):
        return OptionType("number", unit="year" if number.is_year else number.unit)
    words = _split_words(text)
    if not words or _FORMULA.search(text):
        return OptionType("formula")
    if _VERDICT.fullmatch(text):
        return OptionType("verdict")
    lowered = [word.lower() for word in words]
    form = "a" if text[:2].lower() == "a " or text[:3].lower() == "an " else _read_form(lowered, lexicon)
    has_verb = any(word in _FINITE for word in lowered[1:])
    has_digits = any(sign.isdigit() for sign in text)
    if len(words) > MAX_PHRASE_WORDS or has_verb or _is_clause(lowered):
        return OptionType("statement", form=form, has_verb=has_verb, has_digits=has_digits)
    return OptionType(
        "word" if len(words) == 1 else "phrase",
        plural=_is_plural(_find_head(lowered)),
        form=form,
        is_name=any(word[0].isupper() and word.lower() not in lexicon.common for word in words),
        has_digits=has_digits,
    )


def _is_clause(words: Sequence[str]) -> bool:
    """Whether a short text acts: "evaporate the water", "to see in the dark", not "law of the sea"."""
    if words[0] in _OPENERS and len(words) > 2:
        return True
    return any(word in _ARTICLES and before not in _PREPOSITIONS for before, word in pairwise(words))


def find_head(text: str) -> str:
    """The noun that a phrase is about, in lower case: the last word before a preposition.

    Example:
        >>> find_head("the law of large numbers"), find_head("red blood cells")
        ('law', 'cells')
    """
    return _find_head([word.lower() for word in _split_words(text)] or [""])


def _split_words(text: str) -> list[str]:
    match = _ARTICLE.match(text)
    return _WORD.findall(text, match.end() if match else 0)


def _find_head(words: Sequence[str]) -> str:
    return next((before for before, word in pairwise(words) if word in _PREPOSITIONS), words[-1])


def _read_form(words: Sequence[str], lexicon: Lexicon) -> str:
    first = words[0]
    if first in _OPENERS:
        return first
    if len(first) > 5 and first.endswith("ing") and first not in _NO_GERUNDS:
        return "-ing"
    if first in lexicon.verbs:
        return "verb"
    if first.removesuffix("s") in lexicon.verbs or first.removesuffix("es") in lexicon.verbs:
        return "verb-s"
    return "adjective" if len(words) == 1 and _ADJECTIVE.fullmatch(first) else ""


def _is_plural(word: str) -> bool:
    return word in _PLURALS or (len(word) > 3 and word.endswith("s") and not _SINGULAR.fullmatch(word))


def format_like(text: str, options: Sequence[str], lexicon: Lexicon = EMPTY) -> str:
    """`text` with the first letter, the article and the full stop that most of `options` have.

    Args:
        text: of an option from elsewhere.
        options: of the question it is added to, at least one.
        lexicon: words that it does not know keep their capital.
    """
    text = text.strip().rstrip(".;,").rstrip()
    if len(_split_words(text)) <= MAX_PHRASE_WORDS:
        text = _adapt_article(text, options, lexicon)
    if len(text.split()) > 1 and _most(_is_title(option) for option in options):
        text = _WORD.sub(lambda match: match[0] if match[0] in _SMALL else _capitalise(match[0]), text)
    if _most(option[:1].isupper() for option in options):
        text = _capitalise(text)
    elif any(option[:1].islower() for option in options):
        text = _lower(text, lexicon)
    if not any(_CAPITAL_INSIDE.search(option) for option in options):
        text = _CAPITAL_INSIDE.sub(lambda match: _lower(match[0], lexicon), text)
    return text + "." if _most(option.rstrip().endswith(".") for option in options) else text


def _adapt_article(text: str, options: Sequence[str], lexicon: Lexicon) -> str:
    """Put "the" in front, or take it away; what has "a" is told apart by its type."""
    match = _ARTICLE.match(text)
    if match and match[1].lower() != "the":
        return text
    bare = text[match.end() :] if match else text
    if _most(option[:4].lower() == "the " for option in options):
        return f"the {_lower(bare, lexicon)}"
    return bare or text


def _capitalise(text: str) -> str:
    """A first capital, but for words such as mRNA and pH."""
    first = text.split(" ", 1)[0]
    return (
        text if first[1:] != first[1:].lower() or len(text[:1].upper()) != 1 else text[:1].upper() + text[1:]
    )


def _lower(text: str, lexicon: Lexicon) -> str:
    """A small first letter, but for names, abbreviations and single letters."""
    match = _WORD.match(text)
    known = match and len(match[0]) > 1 and match[0][1:].islower() and match[0].lower() in lexicon.common
    return text[:1].lower() + text[1:] if known else text


def _is_title(text: str) -> bool:
    words = [word for word in text.split() if word not in _SMALL]
    return len(words) > 1 and all(word[0].isupper() for word in words)


def _most(answers: Iterable[bool]) -> bool:
    answers = list(answers)
    return 2 * sum(answers) > len(answers)
