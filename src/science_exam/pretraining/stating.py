"""Questions as statements: "What is the unit of force?" and "newton" -> "the unit of force is newton"."""

import random
import re

SLOT = "{}"  # where the option goes
GAP = re.compile(r"_{2,}")

_BE = r"(is|are|was|were)"
_HELP = r"(?:does|do|did|can|could|will|would|has|have|had|may|might|should|must)"
# What a question begins with and what says nothing about its matter.
_PREAMBLE = re.compile(
    r"^(?:(?:According to|Based on|As stated in|In the context of) [^,?]{3,80}, )"
    r"|,? (?:according to|based on|as (?:stated|described|mentioned) in) (?:the|this) [^,?]{3,60}$"
)
_STATEMENT = re.compile(
    r"^(?:Which|What) (?:one )?(?:of (?:the following|these)|statement|option)s?.*?"
    r"(?:describes?|defines?|characterizes?|explains?|summarizes?|about|regarding|concerning|for) (.+)$"
)
_OF_THESE = re.compile(
    r"^(?:Which|What) (?:one )?of (?:the following|these)(?: \w+)?? "
    r"((?:\w+s\b|would|can|could|was|were|are).*)$"
)
_IN_WHICH = re.compile(
    rf"^(In|At|On|By|For|From|To|With|Under|During|Through) (?:which|what)\b.*? (?:{_BE}|{_HELP}) (.+)$"
)
_PARTICIPLE = re.compile(
    rf"^(What|Who|Where|When|How|Which|Whom)(?: \w+)?? {_BE} (.+?) "
    r"(\w{3,}ed|known|born|built|made|held|found|given|written|set|led|won|chosen|seen|shown)((?: .*)?)$"
)
_BEING = re.compile(rf"^(?:What|Who|Which|Where) {_BE} (.+)$")
_HELPED = re.compile(rf"^(What|Who|Where|When|Why|How|Which|Whom)\b(?: \w+){{0,4}}? {_HELP} (.+)$")
_SUBJECT = re.compile(
    r"^(?:Who|What|(?:Which|What|Whose) \w+|Which \w+ \w+) "
    r"((?:\w+(?:s|ed)|can|could|will|has|had|led|won|made|wrote|built) .+)$"
)
_KIND_OF_BEING = re.compile(rf"^(?:Which|What)(?: [\w-]+){{1,4}}? {_BE} (.+)$")
_QUESTION_WORD = re.compile(
    r"^(?:Which|What|Who|Whose|Where|When|Why|How)\b(?: (?:of|many|much|long|far|is|are|was|were))* ?"
)


def make_template(prompt: str, rng: random.Random) -> str:
    """The question as a statement with a slot for an option; grammar is kept where rules can.

    Args:
        prompt: the question, or a text that an option completes.
        rng: decides which side of "is" the option stands on.
    """
    text = prompt.strip()
    if GAP.search(text):
        return GAP.sub(SLOT, text, count=1).rstrip(".?")
    if not text.endswith("?"):
        return f"{text.rstrip(':. …')} {SLOT}"
    text = _PREAMBLE.sub("", text.rstrip("? "))
    text = text[:1].upper() + text[1:]
    return _fill_rules(text, rng) or f"{_QUESTION_WORD.sub('', text)}: {SLOT}"


def _fill_rules(text: str, rng: random.Random) -> str:
    """By the first rule that knows the question's form; "" when none does."""
    if match := _STATEMENT.match(text):
        return SLOT if rng.random() < 0.6 else f"{match[1]}: {SLOT}"
    if match := _OF_THESE.match(text):
        return f"{SLOT} {match[1]}"
    if match := _IN_WHICH.match(text):
        return f"{match[3]} {match[1].lower()} {SLOT}"
    if match := _PARTICIPLE.match(text):
        return f"{match[3]} {match[2]} {match[4]}{match[5]} {_link(match[1])}{SLOT}"
    if match := _BEING.match(text):
        turned = rng.random() < 0.5
        return f"{SLOT} {match[1]} {match[2]}" if turned else f"{match[2]} {match[1]} {SLOT}"
    if match := _KIND_OF_BEING.match(text):
        return f"{SLOT} {match[1]} {match[2]}"
    if match := _HELPED.match(text):
        return f"{match[2]} {_link(match[1])}{SLOT}"
    if match := _SUBJECT.match(text):
        return f"{SLOT} {match[1]}"
    return ""


def _link(question_word: str) -> str:
    return {"When": "in ", "Where": "in ", "How": "by "}.get(question_word, "")
