"""Noun phrases without a tagger: closed word classes, suffixes and stems."""

import re
from collections.abc import Set
from dataclasses import dataclass
from functools import lru_cache

import Stemmer

from science_exam.questions.generation.rules.vocabulary import (
    AUXILIARIES,
    CONJUNCTIONS,
    DETERMINERS,
    FUNCTION_WORDS,
    PLAIN_WORDS,
    PREPOSITIONS,
    RELATIVES,
)

MAX_TERM_WORDS = 4

_WORD = re.compile(r"[^\W_]+(?:['’\-–][^\W_]+)*")
_TERM_WORD = re.compile(r"[^\W\d_][\w'’\-–]*\Z")
_NOT_A_NOUN = re.compile(r"(?:ly|ous|ful|ible|[^t]able|ary|ern|[^aeiou]ish|less)\Z")
_ADJECTIVE = re.compile(r"(?:ic|al|ive|ar|ed|ing|ant|ent)\Z")
_INVARIANT = re.compile(r"(?:ss|us|is|ics|itis|osis|asis|[aeiou]as|ens|\Aseries|\Aspecies)\Z")
_IRREGULAR_PLURALS = frozenset("bacteria people mitochondria phenomena criteria algae fungi nuclei".split())
_WANTING = DETERMINERS | PREPOSITIONS | CONJUNCTIONS | RELATIVES | AUXILIARIES
_PARTICIPLE = re.compile(
    r"(?!bed|seed)\w+(?:ed|ing)|found|made|built|given|held|known|seen|due|present|responsible"
)
_CONTAINER = frozenset(
    "type kind form group set class family series variety species branch part piece".split()
)
_AFTERTHOUGHT = re.compile(
    r", (?:which|who|whose|where|making|allowing|often|usually|typically|with|so|thereby|thus"
    r"|particularly|like|as|such as|including|although|though|whereas|while|because|since|but|rather"
    r"|especially|called|known|when|after|before|leading|causing|resulting|depending|not|if|in|on|at|by"
    r"|for|from|to|under|even|except|regardless) |,? and (?:is|are|was|were|has|have|can|may|do|does|will"
    r"|it|they|thus|therefore|so) |,? (?:although|though|whereas|while|because|but|and then) "
)
_CLAUSE = re.compile(r"\b(?:which|where|that|who|when|if) ")
_VERB = re.compile(
    r"\b(?:is|are|was|were|has|have|had|can|could|may|might|must|will|would|does|do|[a-z]+(?:ed|es"
    r"|[^siu']s|ing))\b"
)
_stem = lru_cache(maxsize=200_000)(Stemmer.Stemmer("english").stemWord)


def split_words(text: str) -> list[str]:
    """Words as they are written; a hyphenated word is one."""
    return _WORD.findall(text)


@lru_cache(maxsize=50_000)
def stem_content(text: str) -> frozenset[str]:
    """Stems of the words that mean something, hyphenated ones part by part.

    Example:
        >>> sorted(stem_content("the rate of decay"))
        ['decay', 'rate']
    """
    words = re.findall(r"[^\W_]+", text.lower())
    return frozenset(_stem(word) for word in words if word not in FUNCTION_WORDS and len(word) > 1)


def is_plural(phrase: str) -> bool:
    """The head of a noun phrase ends like a plural: "red blood cells", "rates of decay"."""
    word = find_head(phrase).lower()
    if word in _IRREGULAR_PLURALS or not word.endswith("s") or len(word) <= 3:
        return word in _IRREGULAR_PLURALS
    return not _INVARIANT.search(word)


def find_head(phrase: str) -> str:
    """The word that says what a noun phrase stands for.

    Example:
        >>> find_head("a type of lipid that stores energy")
        'lipid'
    """
    chunk: list[str] = []
    for word in split_words(phrase):
        low = word.lower()
        if low == "of" and chunk and chunk[-1].lower() in _CONTAINER:
            chunk = []
        elif low in DETERMINERS:
            continue
        elif low in FUNCTION_WORDS or (chunk and _PARTICIPLE.fullmatch(low)):
            if chunk:
                break
        else:
            chunk.append(word)
    return chunk[-1] if chunk else ""


def is_term(text: str) -> bool:
    """A name of one to four words that could stand as an option: "optic nerve", "law of large numbers"."""
    words = text.split(" ")
    if len(words) > MAX_TERM_WORDS or not all(map(_TERM_WORD.match, words)):
        return False
    first, last = words[0].lower(), words[-1].lower()
    if first in ("the", "of") or last in FUNCTION_WORDS or len(last) < 3 or _NOT_A_NOUN.search(last):
        return False
    if any(word.lower() in FUNCTION_WORDS - {"of", "the"} for word in words):
        return False
    return len(words) > 1 or not {last, last.removesuffix("s")} & PLAIN_WORDS


def may_be_adjective(term: str) -> bool:
    """Its last word has the ending of an adjective or a participle: "arterial", "folded"."""
    return bool(_ADJECTIVE.search(term))


def is_noun_phrase(text: str, max_words: int) -> bool:
    """A phrase without a verb, a clause or a comma that may be the subject of a sentence."""
    words = [word.lower() for word in split_words(text)]
    if not 1 <= len(words) <= max_words or "," in text or words[-1] in FUNCTION_WORDS:
        return False
    if any(word in AUXILIARIES or word in RELATIVES for word in words):
        return False
    first = words[1] if words[0] in DETERMINERS and len(words) > 1 else words[0]
    return first not in FUNCTION_WORDS and not first.endswith("ly") and not (
        {"or", "but", "because", "if", "when", "than", "to"} & set(words)
    )  # fmt: skip


def cut_afterthought(text: str) -> str:
    """`text` up to a clause that only adds something: ", which …", ", although …", " and is …"."""
    return _AFTERTHOUGHT.split(text, maxsplit=1)[0]


@dataclass(frozen=True)
class Casing:
    """Which words are names, by how a block of text writes them.

    Attributes:
        lowercase: words seen without a capital.
        capitals: words seen with a capital within a sentence.
    """

    lowercase: Set[str]
    capitals: Set[str]

    def may_be_name(self, text: str) -> bool:
        """Its first word has not been seen without a capital: "Ada Berg", but not "Space Station"."""
        return text.split(" ", 1)[0].lower() not in self.lowercase

    def lower_first(self, text: str) -> str:
        """`text`, which may have begun a sentence, as it reads within one: a name keeps its capital."""
        first = text.split(" ", 1)[0]
        low = re.sub(r"['’]s?\Z", "", first).lower()
        if low in FUNCTION_WORDS:
            return text[:1].lower() + text[1:]
        if text[1:] != text[1:].lower() or low != first.lower():
            return text
        is_word = low in self.lowercase or (first == text and first not in self.capitals)
        return text[:1].lower() + text[1:] if is_word else text


def raise_first(text: str) -> str:
    """`text` as an option: with a capital, unless its writing is its own ("pH", "mRNA")."""
    first = text.split(" ", 1)[0]
    return text if first[1:] != first[1:].lower() else text[:1].upper() + text[1:]


def has_loose_end(text: str) -> bool:
    """The text breaks off: its last word wants another one, or a clause has no verb."""
    words = split_words(text)
    if not words or words[-1].lower() in _WANTING:
        return True
    clauses = _CLAUSE.split(text)[1:]
    return bool(clauses) and not _VERB.search(clauses[-1]) and len(clauses[-1].split()) >= 3
