"""What of a question's words counts when two questions are compared."""

import hashlib
import re
import unicodedata
from collections.abc import Sequence

# A prompt and its options; where the right option is known, it is the first.
Row = tuple[str, Sequence[str]]

DASHES = dict.fromkeys(map(ord, "‐‑‒–—−"), "-")
# Words, and signs without which a formula would be another one; a dash counts before a digit alone.
TOKEN = re.compile(r"[^\W_]+|[-*/.](?=\d)|(?<=\d)%|[+<>=≤≥≠±×÷√^~|$€£°]")

# Words that ask without saying what about: they neither tell two questions apart nor make them alike.
FRAME_WORDS = frozenset(
    """
    a about above according accurate accurately all also among an and answer any are as at be been before
    being below best better between both but by called can case characteristics characterize choice choices
    choose commonly concept consider considered correct correctly could define defined defines definition
    describe described describes did do does during each example examples explain explains explanation
    expression fact false find following for from given has have how i if ii iii in incorrect into is it its
    itself just known likely main mean meaning means meant might more most must name named no none not of on
    one ones only option options or other out pick primary purpose question reason refer referred refers
    regarding regards relate related relates relation relationship role said same say says select sentence
    should significance some state statement statements states such term terms than that the their them
    there these they this those through to true two under up use used using was we were what when where
    which who whom whose why will with would you your
    """.split()
)


def normalise_text(text: str) -> str:
    """Words and the signs of formulas, without case, quotes and other punctuation; "" only for no text.

    Example:
        >>> normalise_text("What is the “Roche  limit”?")
        'what is the roche limit'
        >>> normalise_text("Is −3 < 2.5?")
        'is - 3 < 2 . 5'
    """
    plain = unicodedata.normalize("NFKC", text).casefold().translate(DASHES)
    return " ".join(TOKEN.findall(plain)) or plain.strip()


def list_content_words(prompt: str) -> frozenset[str]:
    """The words that say what a prompt is about; none of "Which of the following is true?"."""
    return frozenset(normalise_text(prompt).split()) - FRAME_WORDS


def join_options(row: Row) -> str:
    """Prompt and options as one text; the options are sorted, so that a reordering changes nothing."""
    prompt, options = row
    return " ".join([prompt, *sorted(options)])


def hash_text(text: str) -> int:
    """64 bits of a text, the same in every process."""
    return int.from_bytes(hashlib.blake2b(text.encode(), digest_size=8).digest())
