"""Options that speak of other options: by letter, by number, or of all of them at once."""

import re

# "Both A and B", "A, C and D only", "(b) & (c)", "options A and B"
_LETTER = r"\(?\b[A-E]\b\)?"
_LETTERS = re.compile(
    rf"^\W*(?:(?:both|either|neither|only|all of|none of|options?|answers?|choices?)\s+)*"
    rf"{_LETTER}(?:(?:\s*(?:,|&|\+|/|;|\band\b|\bor\b|\bnor\b))+\s*{_LETTER})+"
    rf"(?:\s+(?:only|alone|both|together|are (?:all )?(?:true|correct|right)|is (?:true|correct)))*\W*$",
    re.IGNORECASE,
)
_ONE_LETTER = re.compile(
    r"^\W*(?:(?:both|only|options?|answers?|choices?)\s+)[A-E]\W*$|^\W*[A-E]\s+(?:only|alone)\W*$",
    re.IGNORECASE,
)
# "I and III only", "1, 2 and 4", "II only": statements that the question numbers
_ITEM = r"\(?\b(?:[ivx]+|[1-9])\b\)?"
_AND = r"(?:\s*(?:,|&|;|\band\b|\bor\b))+\s*"
_BOTH = r"^\W*(?:both\s+|only\s+|statements?\s+)*"
_ROMAN = r"\(?\b[ivx]+\b\)?"
_ITEMS = re.compile(
    rf"{_BOTH}{_ITEM}(?:{_AND}{_ITEM})*(?:\s+(?:only|alone|are correct))+\W*$"
    rf"|{_BOTH}{_ROMAN}(?:{_AND}{_ROMAN})+\W*$",
    re.IGNORECASE,
)
# "all of the above", "none of these is correct", "both"; not "repel each other"
_SOME = r"(?:all|none|both|neither|any|either|each|some|two|three|most|one|more than one)"
_OTHERS = r"(?:above|others|(?:other )?(?:options?|answers?|choices?)|following|these|those|them|mentioned)"
_ALL = re.compile(
    rf"\b{_SOME}(?:\s+of)?\s+(?:the\s+)?{_OTHERS}"
    rf"(?:\s+(?:above|options?|answers?|choices?|statements?|mentioned|given))*"
    rf"(?:\s+(?:is|are)(?:\s+\w+)?)?\s*[.!]?$"
    rf"|^\W*(?:all|none|both|neither|(?:neither|either) one|(?:all|both) are \w+|none is \w+)\W*$",
    re.IGNORECASE,
)


def refers_to_letters(text: str) -> bool:
    """Whether an option names others by their letters or numbers, so that options must keep their places.

    Example:
        >>> refers_to_letters("Both A and C"), refers_to_letters("vitamins A and C")
        (True, False)
    """
    return bool(_LETTERS.match(text) or _ONE_LETTER.match(text))


def refers_to_items(text: str) -> bool:
    """Whether an option names statements that the question numbers ("I and III only")."""
    return bool(_ITEMS.match(text))


def refers_to_all(text: str) -> bool:
    """Whether an option speaks of all others at once: "all of the above", "none of these", "both"."""
    return bool(_ALL.search(text))


def claims_all(text: str) -> bool:
    """Whether an option says that all or several others are right, as "none of these" does not."""
    return refers_to_all(text) and not re.match(r"\W*(?:none|neither|no)\b", text, re.IGNORECASE)


def refers_to_others(text: str) -> bool:
    """Whether an option makes no sense without the others of its question."""
    return refers_to_letters(text) or refers_to_items(text) or refers_to_all(text)
