"""Statements in other words: clauses turned around, asides and small words dropped, synonyms.

What is dropped or turned around must leave the statement true.
"""

import random
import re
from collections.abc import Callable

from science_exam.pretraining.sentences import drop_parentheses
from science_exam.pretraining.synonyms import SAME

# "In 1851, Foucault …" -> "Foucault … in 1851"
FRONT = re.compile(
    r"(In|At|On|During|After|Before|Since|By|Under|Until|When|While|Although|Because|If|Unlike|Within) "
    r"([^,;:]{3,60}), ([^,;:]+)$"
)
# "Foucault … in 1851" -> "In 1851, Foucault …"
BACK = re.compile(r"([^,;:]+) ((?:in|since|during|until|by|before|after) (?:the )?\d{3,4}s?)$")
PASSIVE = re.compile(
    r"([^,;:]{3,60}) (was|were) (\w{3,}ed) by "
    r"((?:(?! (?:in|at|for|as|on|during|to|when|from|with|and) )[^,;:]){3,60})$"
)
# "the orbit of Mars" <-> "Mars's orbit"
OF_NAME = re.compile(r"\b[Tt]he ([a-z]{4,}) of ([A-Z][a-z]{2,})(?=$|[.,;]| (?:is|was|in|and|are|were)\b)")
RELATIVE = re.compile(
    r" (?:which|that) (allow|contain|produce|provide|cause|use|include|require|involve|create|reduce|"
    r"describe|contribute|enable|measure|connect|represent|explain|combine|define|determine|increase|"
    r"decrease)s "
)
# A last clause that a statement can lose.
LAST_CLAUSE = re.compile(
    r",? (?:which|who|where|while|although|but|whereas|including|such as|because|so that|thereby) [^,;]+$"
    r"|, (?:and|or) [^,;]+ (?:is|are|was|were|has|can) [^,;]+$|; [^;]+$"
)
# What a statement can lose without meaning something else.
CONNECTIVE = re.compile(
    r"(?:(?:And|But|So|Yet|Or|Then),? |(?:However|Therefore|Thus|Moreover|Furthermore|Additionally|Indeed|"
    r"Hence|Also|In fact|Consequently|For example|For instance|In addition|As a result|Similarly|Likewise|"
    r"Nevertheless|Finally|Then|In general|In contrast|On the other hand), )"
)
ADVERB = re.compile(
    r" (?:also|therefore|thus|indeed|actually|itself|simply|very|quite|rather|relatively|essentially|"
    r"however,)(?= )"
)
DROPPABLE = frozenset(("a", "an", "the", "its", "their", "this", "these", "about", "roughly"))
VOWELS = "aeiou"
TURN_SHARE, ASIDE_SHARE = 0.7, 0.7
DROP_SHARE = 0.4  # of the share of synonyms

_SYNONYMS: dict[str, str] = {}
for _one, _other in SAME:
    _SYNONYMS.setdefault(_one, _other)
    _SYNONYMS.setdefault(_other, _one)
_FIRST_WORDS = frozenset(phrase.split()[0] for phrase in _SYNONYMS if " " in phrase)


def reshape(sentence: str, rng: random.Random, max_words: int, lower: Callable[[str], str]) -> str:
    """The sentence with its clauses turned around and with less in it, as a statement without its stop.

    Args:
        sentence: as it stands in a text.
        rng: decides what is done.
        max_words: last clauses are dropped from what is longer, where that leaves a statement.
        lower: writes a text small that began a sentence (see `Reading.lower`).
    """
    text = sentence.rstrip(".!? ")
    if rng.random() < ASIDE_SHARE:
        text = drop_parentheses(text)
    while text.count(" ") >= max_words and (match := LAST_CLAUSE.search(text)) and match.start() > 25:
        text = text[: match.start()]
    text = CONNECTIVE.sub("", text, count=1) if CONNECTIVE.match(text) else text
    if rng.random() < ASIDE_SHARE:
        text = ADVERB.sub("", text)
    if rng.random() < TURN_SHARE:
        text = RELATIVE.sub(_shorten_relative, text)
        text = OF_NAME.sub(r"\2's \1", text)
        text = _turn_around(text, lower)
    return text[:1].upper() + text[1:]


def reword(text: str, rng: random.Random, share: float) -> str:
    """The text with some small words left out and some everyday words exchanged for synonyms.

    Args:
        text: whole statement or phrase.
        rng: decides which words.
        share: of the words for which there is a synonym, and of the small words that can be spared.
    """
    words, result = text.split(" "), []
    place = 0
    while place < len(words):
        word, size = words[place], 1
        if word in _FIRST_WORDS and " ".join(words[place : place + 2]) in _SYNONYMS:
            word, size = " ".join(words[place : place + 2]), 2
        place += size
        if word in _SYNONYMS and rng.random() < share:
            word = _SYNONYMS[word]
            if result:
                result[-1] = match_article(result[-1], word)
        elif word in DROPPABLE and result and place < len(words) and rng.random() < DROP_SHARE * share:
            continue
        result.append(word)
    return " ".join(result)


def match_article(article: str, word: str) -> str:
    """ "a" or "an" as the next word wants it; any other word as it is."""
    if article not in ("a", "an", "A", "An"):
        return article
    return article[0] + ("n" if word[:1].lower() in VOWELS else "")


def _shorten_relative(match: re.Match[str]) -> str:
    """ " that produces " -> " producing " """
    return f" {match[1].removesuffix('e')}ing "


def _turn_around(text: str, lower: Callable[[str], str]) -> str:
    if match := FRONT.match(text):
        return f"{match[3]} {match[1].lower()} {match[2]}"
    if match := PASSIVE.match(text):
        return f"{match[4]} {match[3]} {lower(match[1])}"
    if match := BACK.match(text):
        return f"{match[2]}, {lower(match[1])}"
    return text
