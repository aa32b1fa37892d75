"""How sentences tell facts, "X is caused by Y", and the questions that ask for Y."""

import re
from dataclasses import dataclass

_SUBJECT = r"(?P<s>(?:The |An? )?[^,]{3,80}?)"
_LAW = (
    r"(?P<s>[^,]{3,60}?"
    r"(?: (?:law|principle|theorem|theory|hypothesis|rule|paradox|postulate|conjecture)[^,]*?|ism))"
)
_BE = r"(?P<be>is|are)"
_ADVERB = r"(?:\w+ly |often |also |sometimes )?"
_CREDITED = (
    "discovered|invented|proposed|developed|introduced|published|coined|formulated|described|isolated"
    "|synthesized|patented|demonstrated|designed|devised|pioneered|conceived"
)
PERSON = r"(?P<o>(?:[A-Z][\w'’.-]+ )(?:(?:[A-Z]\.|[A-Z][\w'’-]+|van|von|de|der) ){0,2}[A-Z][\w'’-]+)"


@dataclass(frozen=True)
class Pattern:
    """How a sentence without its full stop tells a fact, and how it is asked for.

    Attributes:
        type: of the answer; answers of one type can stand in each other's place.
        regex: with the groups s (subject), o (answer) and whatever the frame names.
        frame: the question; {do} and {be} agree with the subject, {who} has the year if there is one.
    """

    type: str
    regex: re.Pattern[str]
    frame: str


def _tell(type_: str, regex: str, frame: str) -> Pattern:
    return Pattern(type_, re.compile(regex), frame)


PATTERNS = (
    _tell("purpose", rf"{_SUBJECT} {_BE} {_ADVERB}used (?P<o>to [a-z].+)", "What {be} {s} used for?"),
    _tell(
        "purpose",
        rf"{_SUBJECT} {_BE} {_ADVERB}designed (?P<o>to [a-z].+)",
        "What {be} {s} designed to do?",
    ),
    _tell(
        "purpose",
        r"The (?:main |primary |major )?(?P<f>function|role|purpose) of (?P<s>[^,]{3,60}?) is "
        r"(?P<o>to [a-z].+)",
        "What is the {f} of {s}?",
    ),
    _tell("task", rf"{_SUBJECT} {_BE} {_ADVERB}responsible for (?P<o>.+)", "What {be} {s} responsible for?"),
    _tell("microbe", rf"{_SUBJECT} {_BE} {_ADVERB}caused by (?P<o>.+)", "What causes {s}?"),
    _tell("gene", rf"{_SUBJECT} {_BE} {_ADVERB}caused by (?P<o>.+)", "What causes {s}?"),
    _tell("gene", r"(?P<o>Mutations in .+ genes?) causes? (?P<s>[^,]+)", "What causes {s}?"),
    _tell(
        "place",
        rf"{_SUBJECT} {_BE} {_ADVERB}located (?P<o>(?:in|on|at|between|behind|near|within|along) .+)",
        "Where {be} {s} located?",
    ),
    _tell(
        "name",
        rf"{_SUBJECT} {_BE} named (?:after|for|in honor of) (?P<o>.+)",
        "After whom or what {be} {s} named?",
    ),
    _tell(
        "person",
        rf"{_SUBJECT} (?:was|were) (?:first |originally |independently )?(?P<v>{_CREDITED}) "
        rf"(?:in (?P<y>\d{{4}}) )?by (?:[A-Za-z]+ ){{0,3}}?{PERSON}(?: in (?P<z>\d{{4}}))?",
        "{who} {v} {s}?",
    ),
    _tell(
        "person",
        rf"(?:In (?P<y>\d{{4}}), )?(?:(?:[A-Z][a-z]+ )?[a-z]+ )?{PERSON} (?:first )?(?P<v>{_CREDITED}) "
        r"(?P<s>.+)",
        "{who} {v} {s}?",
    ),
    _tell(
        "product",
        rf"{_SUBJECT} (?:converts?|transforms?) (?P<x>[^,]{{3,50}}?) (?:in)?to (?P<o>[^,]+)",
        "Into what {do} {s} convert {x}?",
    ),
    _tell("origin", rf"{_SUBJECT} {_BE} {_ADVERB}derived from (?P<o>.+)", "What {be} {s} derived from?"),
    _tell("group", rf"{_SUBJECT} belongs? to (?P<o>the .+)", "To what {do} {s} belong?"),
    _tell(
        "maker",
        rf"{_SUBJECT} {_BE} {_ADVERB}(?P<v>produced|secreted|released|synthesized) by (?P<o>.+)",
        "What {be} {s} {v} by?",
    ),
    _tell("law", rf"{_LAW} states that (?P<o>.+)", "What does {s} state?"),
    _tell("moment", rf"{_SUBJECT} occurs? (?P<o>when .+)", "When {do} {s} occur?"),
    _tell(
        "moment",
        rf"{_SUBJECT} {_BE} (?P<v>formed|produced|released) (?P<o>when .+)",
        "When {be} {s} {v}?",
    ),
    _tell(
        "term",
        r"The (?P<s>(?:SI unit|study|scientific study|branch|(?:basic|functional|structural) unit) "
        r"[^,]{3,70}?) (?P<be>is|are) (?:called |known as )?(?:the |an? )?(?P<o>[^,]+)",
        "What {be} the {s}?",
    ),
)  # fmt: skip
# One search tells most sentences that no pattern can match.
CUE = re.compile(
    rf"\b(?:used|designed|responsible|caused?|causes|consists?|composed|made|measured|located|named|{_CREDITED}"
    r"|converts?|transforms?|derived|belongs?|produced|secreted|released|synthesized|states"
    r"|occurs?|formed|is to|the|The)\b"
)
