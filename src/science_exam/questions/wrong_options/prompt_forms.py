"""What a question asks for, as far as its words tell."""

import re

_EXCEPTION = re.compile(
    r"\b(?:NOT|EXCEPT|LEAST|NEVER|FALSE|INCORRECT|WRONG|UNLIKELY|CANNOT)\b"
    r"|(?i:\b(?:except|exception|false|incorrect|untrue|wrong|invalid|inaccurate|least|less likely|odd one)\b"
    r"|\ball\b.*\bbut\b|\bbut\W*$"
    r"|\b(?:which|what|who|identify|select|choose|following|these|statement)\b"
    r"[^.?]*(?:\bnot\b|\bcannot\b|n['’]t\b|\bunlikely\b)"
    r"|\b(?:not|cannot)(?:\s+\w+){0,3}\W*$)"
)
_ANY = re.compile(
    r"\bexamples? of\b|\b(?:which|what|one) of (?:the following|these|those)\b|\bof the following\b|\bamong\b"
    r"|\bwhich (?:statement|number|example|pair|list|set|action|activity|situation|object|thing|item)s?\b"
    r"|\bsuch as\b|\binclud(?:e|es|ed|ing)\b|\b(?:can|could|may|might|would|will|likely|likeliest|probably)\b"
    r"|\b(?:characteristics?|properties|property|types?|kinds?|forms?) of\b"
    r"|\bstatements?\b|\bsome(?:thing|one)?\b"
    r"|\b(?:a|an|ha(?:ve|s|d)|possess|contains?|shows?|needs?|eats?|uses?|causes?|involves?|requires?)\W*$",
    re.IGNORECASE,
)
_ANY_NUMBER = re.compile(
    r"\bwhich\b|\bof the following\b|\b(?:could|can|may|might) be\b|\bexamples?\b", re.IGNORECASE
)
_ASKING = re.compile(r"\b(?:why|how|who|whom|whose|when|where|which|what)\b", re.IGNORECASE)
_ALIKE = {"which": "what", "whom": "who", "whose": "who"}


def asks_for_exception(prompt: str) -> bool:
    """Whether the right option is the one that does not hold: "Which is NOT …", "All of these … except"."""
    return bool(_EXCEPTION.search(prompt))


def asks_for_any(prompt: str) -> bool:
    """Whether much outside the options could be right too: "Which of these is an example of …"."""
    return bool(_ANY.search(prompt))


def asks_for_any_number(prompt: str) -> bool:
    """Whether more than one number could be right: "Which of these is prime?"."""
    return bool(_ANY_NUMBER.search(prompt))


def read_frame(prompt: str) -> str:
    """What an answer that is a clause must fit: the asking word, or the last word of an unfinished sentence.

    Example:
        >>> read_frame("In summer, why do leaves look green?"), read_frame("Leaves look green because")
        ('why?', 'because')
    """
    last = re.split(r"(?<=[.!?])\s+", prompt.strip())[-1]
    if last.endswith("?"):
        asking = _ASKING.search(last)
        return (_ALIKE.get(asking[0].lower(), asking[0].lower()) if asking else "") + "?"
    words = re.findall(r"[^\W_]+", last.lower())
    return words[-1] if words else ""
