"""Terms and what they mean: glossary lines, "X is a … that …", "the … is called X"."""

import re
from collections.abc import Iterator, Set
from dataclasses import dataclass

from science_exam.questions.generation.rules.classes import classify_head
from science_exam.questions.generation.rules.phrases import (
    Casing,
    cut_afterthought,
    find_head,
    has_loose_end,
    is_plural,
    is_term,
    may_be_adjective,
    split_words,
    stem_content,
)
from science_exam.questions.generation.rules.sentences import (
    drop_parentheses,
    has_strange_letters,
    is_plain,
    points_elsewhere,
)
from science_exam.questions.generation.rules.vocabulary import PLAIN_WORDS, SAYING_LITTLE

MIN_STEMS, MIN_STEMS_OF_CONDITION = 3, 5  # of a meaning, that say something
MIN_BODY_WORDS, MAX_BODY_WORDS = 5, 30
ROOT_LETTERS = 4

_ARTICLE = re.compile(r"(?:an?|the) ", re.IGNORECASE)
_GLOSSARY_LINE = re.compile(r"([^:]{3,60}): (.+)")
_SAYS_WHAT = re.compile(
    r"(?:In (?:the )?[a-z ]{4,30}, )?(?P<article>[Aa]n? |[Tt]he )?(?P<term>[^,]{3,50}?)"
    r"(?:, (?:also |sometimes |often |commonly )?(?:known as|called|referred to as) [^,]+,| or [^,]{3,30})? "
    r"(?P<verb>is|are|refers? to|(?:is|are) defined as|(?:is|are) the term for) (?P<body>.+)\."
)
_NAMES_IT = re.compile(
    r"(?P<body>(?:The|An?) .+?) (?:is|are) (?:often |commonly |usually |generally )?"
    r"(?:called|known as|termed|referred to as) (?:an? |the )?(?P<term>[^,]{3,50})\."
)
_BEING = re.compile(r"\b(?:is|are|was|were)\b")
_OTHER_NAMES = re.compile(r"^\(also[^()]*\) ")
_DEFINES = re.compile(
    r"\b(?:that|which|who|whose|where|used|using|consisting|composed|made|caused|characterized|formed"
    r"|produced|containing|between|within|from|by|during|designed|involving|measured|in|for|with|into)\b"
)
_NOT_A_MEANING = re.compile(
    r"(?:an? |the )?(?:very |more |less |most |relatively |quite |especially )?(?:important|good|great"
    r"|complex|expensive|common|major|key|example|useful|result|matter|problem|challenge|little|bit|lot"
    r"|case|reason|further|different|same|first|last|next|only|best|most|more|main|primary|number"
    r"|powerful|popular|critical|crucial|significant|few|modern|new|typical|classic|well|one|two|three"
    r"|also|not|largest|smallest|highest|lowest|oldest|greatest|second|third|excellent|fundamental"
    r"|central|basic|essential|consequence|way to|topic|subject|rare example|famous|better|simplest"
    r"|source of|step|set up|fact|focus|cause|opposite|leading|direct|strong|potential|possible|other"
    r"|total|sum of|top|general term|generic term|term|word|name|unique|building block|member|renowned"
    r"|known)\b",
    re.IGNORECASE,
)
_VAGUE_TERM = re.compile(
    r"(?:type|class|group|stage|phase|common|key|various|similar|multiple|human|important|good|new|clear"
    r"|simple|modern|large|small|different|main|major|typical|certain|special|specific|particular"
    r"|possible|potential|additional|alternative|general|early|first|second|third|final|further|result\w*"
    r"|great\w*|best|basic|usual|original|overall|total|\w+est|(\w+) \1)\b",
    re.IGNORECASE,
)
_NOT_A_NOUN_PHRASE = re.compile(
    r"(?:when|to|used|having|of|also|see|in|on|at|for|with|from|by|refer\w*|describ\w*|relating"
    r"|pertaining|able|not|being|occurs?|if|where|how|as|found|built|given|done|kept|held|any|all|is|are"
    r"|unitless|SI unit|has|have|it|capable|made|located|caused|can|may|does|more|less|most|between|within"
    r"|during|about"
    r"|after|before|what|who|that|which|consist\w*|contain\w*|involv\w*|includ\w*|one|two|three|made"
    r"|defined|known|\w+ly)\b",
    re.IGNORECASE,
)
# A verb instead of a noun phrase: "connects the …", "response must occur before …".
_STATEMENT = re.compile(
    r"[a-z]+s (?:the|an?|its|their|how|whether|to) |someone|(?:(?!that|which|who|where|when|if|whose"
    r"|as)[\w’'-]+ ){1,6}"
    r"(?:is|are|was|were|must|can|has|have|may|will|occurs?|causes?|equals?)\b"
)
_BEGINS_WITH_VERB = re.compile(
    r"[a-z]+(?:ates|izes|ifies|ains|ides|uces|ects|ows|ives|akes|elps|eases|acts) "
)
_SECOND_STATEMENT = re.compile(r", and (?:\w+ )?[a-z]+s (?:the|an?)\b")
_VERB_INSIDE = re.compile(
    r"\b(?:[Tt]ypes? of an?|of which|that that|results?|leads?|depends?|varies|usually between)\b"
    r"|described by|\d[–-]\d"
)
_MODIFIER = re.compile(r"\S+ed|\S+-\S+(?:al|ic|ive)")  # no noun: "tagged", "post-glacial"
_DEIXIS = re.compile(
    r"\b(?:we|us|our|you|your|I|my|this|these|he|she|his|her|figure|table|chapter|section|module|example"
    r"|see|shown|here|today|currently|recently|also|above-mentioned|following)\b|\bthat [a-z]+['’]s\b"
)


@dataclass(frozen=True)
class Definition:
    """A term and its meaning, a noun phrase that shares one word with it at most.

    Attributes:
        term: as it reads within a sentence.
        body: with the article it had.
        plural: whether the term is one.
        topic: class of what the term stands for, by the head of its meaning.
    """

    term: str
    body: str
    plural: bool
    topic: str

    @property
    def bare_body(self) -> str:
        """The meaning without its article."""
        return _ARTICLE.sub("", self.body, count=1) if _ARTICLE.match(self.body) else self.body


def read_glossary(text: str, casing: Casing) -> Iterator[Definition]:
    """Definitions among a glossary's lines, "term: meaning"."""
    for line in text.split("\n")[1:]:
        if match := _GLOSSARY_LINE.fullmatch(line.strip()):
            term = casing.lower_first(re.sub(r" *\([^()]*\)", "", match[1]).strip())
            body = casing.lower_first(_cut_first_statement(match[2]))
            plural = is_plural(body) and term.endswith(("s", "a", "i", "ae"))
            if not _NOT_A_NOUN_PHRASE.match(body) and not _DEIXIS.search(body):
                yield from _accept(term, body, plural or is_plural(term))


def _cut_first_statement(text: str) -> str:
    """A glossary's text up to its first semicolon or full stop, without other names in front."""
    plain = _OTHER_NAMES.sub("", drop_parentheses(text))
    return re.split(r"; |(?<=[a-z)])\. ", plain)[0].rstrip("., ")


def read_definition(sentence: str, title: str, casing: Casing) -> Iterator[Definition]:
    """The definition that a self-contained sentence gives, if it gives one.

    Args:
        sentence: ends with a full stop.
        title: of its article; "The X is …" counts only where X is what the article is about.
        casing: of the text around.
    """
    if match := _NAMES_IT.fullmatch(sentence):
        term, body = match["term"], match["body"][0].lower() + match["body"][1:]
        if not _BEING.search(body) and not may_be_adjective(term) and not points_elsewhere(body):
            yield from _accept(term, body, is_plural(term))
    elif match := _SAYS_WHAT.fullmatch(sentence):
        term, body = match["term"], cut_afterthought(match["body"])
        plural = match["verb"].startswith(("are", "refer to"))
        if _says_what_it_is(match, body, plural, title):
            yield from _accept(term if match["article"] else casing.lower_first(term), body, plural)


def _says_what_it_is(match: re.Match[str], body: str, plural: bool, title: str) -> bool:
    """ "X is a … that …", and not "X is important" or "The result is …"."""
    if match["verb"] in ("is", "are") and (not _DEFINES.search(body) or len(split_words(body)) < 7):
        return False
    is_definite = match["article"] in ("The ", "the ")
    return (
        plural is is_plural(match["term"])
        and bool(is_plural(body) if plural else _ARTICLE.match(body))
        and not _NOT_A_NOUN_PHRASE.match(body)
        and (not is_definite or stem_content(match["term"]) <= stem_content(title))
    )


def _accept(term: str, body: str, plural: bool) -> Iterator[Definition]:
    """The definition, unless it gives the term away, says little, or is not about science."""
    n_words = len(split_words(body))
    head = find_head(body).lower()
    topic, meaning = classify_head(head), stem_content(body)
    if (
        topic
        and plural is is_plural(body)
        and is_term(term)
        and MIN_BODY_WORDS <= n_words <= MAX_BODY_WORDS
        and is_plain(body)
        and not has_strange_letters(f"{term} {body}")
        and not _NOT_A_MEANING.match(body)
        and not has_loose_end(body)
        and not _VAGUE_TERM.match(term)
        and not _MODIFIER.fullmatch(term)
        and not stem_content(term) <= meaning
        and len(stem_content(term) & meaning) < 2
        and not _STATEMENT.match(body)
        and not _SECOND_STATEMENT.search(body)
        and not _VERB_INSIDE.search(body)
        and not _BEGINS_WITH_VERB.match(body)
        and not is_inside_another(term, meaning)
        and not echoes(term, body)
        and term.lower() not in PLAIN_WORDS
        and len(meaning - SAYING_LITTLE) >= (MIN_STEMS_OF_CONDITION if topic == "condition" else MIN_STEMS)
    ):
        yield Definition(term, body, plural, topic)


def echoes(term: str, body: str) -> bool:
    """Different words of both begin alike, which gives one away by the other: maltase splits maltose."""
    words = {word.lower() for word in split_words(term) if len(word) > ROOT_LETTERS}
    others = {word.lower() for word in split_words(body) if len(word) > ROOT_LETTERS} - words
    return bool({word[:ROOT_LETTERS] for word in words} & {word[:ROOT_LETTERS] for word in others})


def is_inside_another(term: str, meaning: Set[str]) -> bool:
    """A word of the meaning is a part of a longer one of the term: "stream" in "streamflow"."""
    words = [word.lower() for word in split_words(term)]
    own = stem_content(term)
    return any(len(s) >= 4 and s not in own and any(s in word for word in words) for s in meaning)
