"""What the rules pass on: questions without wrong options, and texts that may become such options."""

from dataclasses import dataclass
from typing import Literal

Kind = Literal["term", "meaning", "cloze", "number", "relation"]


@dataclass(frozen=True)
class Option:
    """A text that may be offered as a wrong option.

    Attributes:
        text: as it reads within a sentence.
        stems: of its content words.
        subject: stems of what it was said of; where that is asked about, it would be right.
        mentions: stems of the whole sentence it came from.
        head: of a defined term or its definition: the noun that says what it is, "hormone"; else "".
    """

    text: str
    stems: frozenset[str]
    subject: frozenset[str]
    mentions: frozenset[str]
    head: str = ""


@dataclass(frozen=True)
class Question:
    """A question with its right option; what the wrong ones must be like is in `type`.

    Attributes:
        kind: the rule that made it.
        prompt: the question's text.
        right: the option to be offered as right one.
        type: options of the same type can stand in the right one's place.
        wrong: options made with the question, for numbers; otherwise empty.
    """

    kind: Kind
    prompt: str
    right: Option
    type: str
    wrong: tuple[str, ...] = ()
