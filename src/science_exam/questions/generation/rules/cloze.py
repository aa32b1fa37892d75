"""A defined term taken out of a sentence that says of it what its definition says."""

import re
from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import replace

from science_exam.questions.generation.rules.definitions import Definition
from science_exam.questions.generation.rules.items import Question
from science_exam.questions.generation.rules.meanings import offer_terms
from science_exam.questions.generation.rules.phrases import MAX_TERM_WORDS, split_words, stem_content
from science_exam.questions.generation.rules.sentences import has_strange_letters
from science_exam.questions.generation.rules.vocabulary import FUNCTION_WORDS, SAYING_LITTLE, STATING_VERBS

BLANK = "_____"
LISTING = frozenset(("and", "or", "as"))  # in front of or behind one of several things
# An afterthought that names it, or a count of things told before.
_APPOSITION = re.compile(
    rf", (?:an?|the|a\(n\)) {BLANK}|(?:The|Another) (?:first|second|third|last|other|reverse|opposite)\b"
)
# What the definitions ask for already.
_DEFINING = re.compile(rf"(?:An? |The |An?\(n\) )?{BLANK} (?:is|are|refers?|was|were) (?:an?|the|to|rare) ")
# In a list of several things others could stand as well.
_FIRST_OF_SEVERAL = re.compile(rf"{BLANK}, (?!an?\b|the\b|which\b|or\b|also\b)")
MIN_CONTENT_STEMS = 7  # that a statement needs to fit one term only
MIN_SHARED_STEMS = 3  # of the statement and the term's definition, those aside that say little


class Terms:
    """Defined terms of a block, found again in text by their words."""

    def __init__(self, definitions: Iterable[Definition]) -> None:
        self.definitions: dict[str, list[Definition]] = defaultdict(list)  # by term in lower case
        self._longest: dict[str, int] = defaultdict(int)  # by first word: words of the longest term
        for definition in definitions:
            term = definition.term.lower()
            self.definitions[term].append(definition)
            first = term.split(" ", 1)[0]
            self._longest[first] = max(self._longest[first], term.count(" ") + 1)

    def find(self, sentence: str) -> list[str]:
        """Terms of a sentence as written in it, each once; of nested ones the longest."""
        words = split_words(sentence)
        low = [word.lower() for word in words]
        found, i = [], 0
        while i < len(words):
            for n in range(min(self._longest.get(low[i], 0), MAX_TERM_WORDS, len(words) - i), 0, -1):
                if " ".join(low[i : i + n]) in self.definitions:
                    found.append(" ".join(words[i : i + n]))
                    i += n - 1
                    break
            i += 1
        return list(dict.fromkeys(found))


def blank_terms(sentence: str, terms: Terms) -> Iterator[Question]:
    """Questions for the terms of a self-contained sentence that says enough to know them."""
    whole = stem_content(sentence)
    for form in terms.find(sentence):
        definition = max(terms.definitions[form.lower()], key=lambda d: len(stem_content(d.body) & whole))
        meaning, stems = stem_content(definition.body), stem_content(form)
        if (
            len(whole - stems) < MIN_CONTENT_STEMS
            or len((meaning & whole) - SAYING_LITTLE) < MIN_SHARED_STEMS
        ):
            continue
        rest, n = re.subn(rf"\b(?:([Aa])n? )?{re.escape(form)}\b(?! ?[-–'’])", _blank, sentence, count=1)
        if (
            not n
            or _DEFINING.match(rest)
            or _APPOSITION.search(rest)
            or has_strange_letters(rest)
            or stems & stem_content(rest)
            or not _is_whole_phrase(rest)
        ):
            continue
        type_, option = offer_terms(definition)
        right = replace(option, stems=stems, mentions=option.mentions | whole)
        yield Question("cloze", f"Which term completes the statement: “{rest}”", right, type_)


def _blank(match: re.Match[str]) -> str:
    return f"{match[1]}(n) {BLANK}" if match[1] else BLANK


def _is_whole_phrase(rest: str) -> bool:
    """The blank is not a part of a longer name: it stands between function words, verbs or commas."""
    before, after = rest.split(BLANK, 1)
    last, following = (before.split() or ["the"])[-1].lower(), (after.split() or ["."])[0]
    if _FIRST_OF_SEVERAL.match(rest):
        return False
    return (last in FUNCTION_WORDS - LISTING or last in ("a(n)", "called", "termed")) and (
        after[:1] in (",", ".") or following in FUNCTION_WORDS - LISTING or following in STATING_VERBS
    )
