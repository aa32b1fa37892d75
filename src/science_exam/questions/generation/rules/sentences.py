"""Sentences that can be understood without the text around them."""

import re

from science_exam.questions.generation.rules.vocabulary import (
    FUNCTION_WORDS,
    KNOWN_CAPITALS,
    KNOWN_THINGS,
    POINTING_NOUNS,
)

MIN_WORDS, MAX_WORDS = 7, 38

_BREAK = re.compile(r"(?<=[.!?])[\"'”’)\]]*\s+(?=[\"'“‘(\[]*[A-Z0-9])")
# A full stop behind one of these, or behind an initial, ends no sentence.
_ABBREVIATION = re.compile(
    r"(?:\b(?:Dr|Mr|Mrs|Ms|Prof|St|Jr|Sr|vs|cf|e\.g|i\.e|etc|al|Fig|Figs|No|approx|ca|Eq|Ref|sp|spp|Inc"
    r"|Ltd|Co|Mt)|\b[A-Z]|\b[a-z]\.[a-z])\.$"
)
_PARENTHESIS = re.compile(r"\s+\(([^()]*)\)")
_NUMBERED = re.compile(r"\((?:\d{1,2}|[a-zA-Z]|[ivx]+)\)")
_FOREIGN_MARK = re.compile(r"[^\w\s,.'’°%µ×–\-−+/&]|_|\.\.|\s,|\s-\s|,,|--|\d\s+\d|[a-z]\d*/\d|^\W|[³²⁻⁺^]")
_BAD_SLASH = re.compile(r"/(?!(?:h|s|L|mL|dL|kg|m|cm|km)\b)")
_POINTER = re.compile(
    r"\b(?:he|she|him|hers?|his|it|they|them|themselves|this|these|those|we|us|ours?|you|yours?|i|me|my"
    r"|mine|here|there|above|below|following|follows|former|latter|previous(?:ly)?|aforementioned"
    r"|fig(?:ure|s)?|figures|tables?|eq|sections?|chapters?|examples?|today|recent(?:ly)?|currently"
    r"|nowadays|now|ago|mentioned|discussed|shown|see|et al|hence|thus|therefore|however|i\.e|e\.g|etc|vs"
    r"|another|others)\b",
    re.IGNORECASE,
)
# Words of papers, exercises, advice and argument: such a sentence may be plain, but it tests no knowledge.
_UNSUITABLE = re.compile(
    r"\b(?:equations?|instance|later|earlier|described in|so far|to date|illustrated?|depicted|seen|note"
    r"|recall|remember|consider|suppose|assume|let|let's|imagine|study|studies|studied|authors?"
    r"|participants?|respondents|cohort|trials?|paper|articles?|textbooks?|books?|students?|exercises?"
    r"|lessons?|modules?|readers?|please|click|download|website|copyright|isbn|doi|should|ask|don't|can't"
    r"|won't|doctor|learn|questions?|answers?|problems?|like other|such(?! as)|same|different|said|says"
    r"|told|quote|one of|moreover|furthermore|instead|similarly|likewise|also|too|again|either|neither"
    r"|respectively|so|then|next|cases?|given|say|calculated|assuming|found to be|probably|perhaps"
    r"|century|affected (?:individuals|people|persons|patients|children|infants))\b",
    re.IGNORECASE,
)
_BAD_START = re.compile(
    r"(?:And|Or|But|Nor|Yet|Because|Since|Both|Each|Every|Other|Some|Many|Most|Several|All|Any|Few|Two"
    r"|Three|Four|Five|One|First|Second|Third|Finally|Additionally|Consequently|Accordingly|Indeed"
    r"|Meanwhile|Overall|Together|Still|Further|Examples?|Although|While|Whereas|If|What|Which|Who|How"
    r"|Why|That|Not|No|Only|Even|Just|Their|Its|To|By|Under|Depending|Given|Unlike|Like|Using|Find|Use"
    r"|Calculate|Determine|Write|Draw|Show|Solve|Identify|Explain|Describe|Compare|List|Name|Define"
    r"|Discuss|Choose|Check|Make|Try|Look|Think|Keep|Take|Click|Avoid|As|In (?:addition|contrast|fact"
    r"|general|other|particular|short|summary|turn|conclusion|response|most|many|some|all|each|both"
    r"|order)|On the|At the|For the|Of the|With the|After the|During the|Once|Until|Before|Today)\b"
)
_RUN_IN_HEADING = re.compile(
    r"^(\w[\w -]{2,40}) \1\b|[a-z]{3,}s(?:such|when|which|that)\b|\bbodys\b|Essential Knowledge"
    r"|Enduring Understanding|Science Practice|"
    r"[a-z,] (?:The|A|An|In|This|These|It|If|When|For|As|There|To|What|How|Is|Are)\b"
)
_LONE_LETTER = re.compile(r"(?:^|(?<=[\s,(]))[b-zB-Z](?=[\s,.)]|$)")
_LETTERED_THING = re.compile(
    r"\b(?:[Vv]itamins?|[Tt]ypes?|[Hh]epatitis|[Gg]roup|[Ii]nfluenza|[Cc]lass) [A-Z]\b|\b[BT] (?:cell"
    r"|lymphocyte)s?\b"
)
_FINITE_VERB = re.compile(
    r"\b(?:is|are|was|were|has|have|had|can|could|may|will|does|do|[a-z]+(?:ed|es|[^siu']s))\b"
)
_THE_NOUN = re.compile(r"\b[Tt]he ([a-z]+)(?=(?: (\w+))?)")
# What may stand behind "the process" to say which one is meant.
_SAYS_WHICH = frozenset("of that which for between who".split())
_DEFINITE_SUBJECT = re.compile(r"(?:^The|, the) ([a-z]+) (\w+)")
_CAPITALS = re.compile(r"\b[A-Z]{2,}[a-z]?\b|\b[A-Z]+\d+\w*\b")


def split_sentences(text: str) -> list[str]:
    """Sentences of a passage, its line of title and section path left out; lines are never joined."""
    sentences = []
    for line in text.split("\n")[1:]:
        pending = ""
        for piece in _BREAK.split(line.strip()):
            pending = f"{pending} {piece}" if pending else piece
            if not _ABBREVIATION.search(pending):
                sentences.append(pending)
                pending = ""
        sentences += [pending] if pending else []
    return sentences


def drop_parentheses(sentence: str) -> str:
    """The sentence without asides in round brackets; enumerated ones stay, so that they are found out."""
    return sentence if _NUMBERED.search(sentence) else _PARENTHESIS.sub("", sentence)


def is_plain(text: str) -> bool:
    """No markup, formula, quotation, bracket, lone letter or heading run into the text."""
    if _FOREIGN_MARK.search(text) or _BAD_SLASH.search(text) or _RUN_IN_HEADING.search(text):
        return False
    return not _LONE_LETTER.search(_LETTERED_THING.sub("", text))


def points_elsewhere(text: str) -> bool:
    """A word leads out of the text: a pronoun, "above", "Figure", "now", "the process"."""
    return bool(_POINTER.search(text)) or any(
        noun in POINTING_NOUNS
        and (not word or word in FUNCTION_WORDS - _SAYS_WHICH or _FINITE_VERB.fullmatch(word))
        for noun, word in _THE_NOUN.findall(text)
    )


def has_strange_letters(text: str) -> bool:
    """An abbreviation that not every student knows."""
    return any(word.rstrip("s") not in KNOWN_CAPITALS for word in _CAPITALS.findall(text))


def _has_strange_subject(sentence: str) -> bool:
    """ "The heart is …" tells what is meant; "The peninsula is …" and "In spring, the ticks are …" do not."""
    return any(
        noun not in KNOWN_THINGS
        and word != "of"
        and (word in FUNCTION_WORDS or bool(_FINITE_VERB.fullmatch(word)))
        for noun, word in _DEFINITE_SUBJECT.findall(sentence)
    )


def is_self_contained(sentence: str) -> bool:
    """A whole plain statement of some length that needs no other sentence to be understood."""
    return (
        MIN_WORDS <= sentence.count(" ") + 1 <= MAX_WORDS
        and sentence[0].isupper()
        and sentence.endswith(".")
        and not _BAD_START.match(sentence)
        and is_plain(sentence[:-1])
        and not points_elsewhere(sentence)
        and not _UNSUITABLE.search(sentence)
        and not _has_strange_subject(sentence)
        and bool(_FINITE_VERB.search(sentence))
    )


def select_sentences(text: str) -> list[str]:
    """The self-contained sentences of a passage, without what stood in round brackets."""
    plain = (drop_parentheses(sentence) for sentence in split_sentences(text))
    return [sentence for sentence in plain if sentence and is_self_contained(sentence)]
