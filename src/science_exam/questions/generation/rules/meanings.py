"""Questions from definitions: which term has this meaning, which meaning has this term."""

from science_exam.questions.generation.rules.definitions import Definition
from science_exam.questions.generation.rules.items import Option, Question
from science_exam.questions.generation.rules.phrases import find_head, is_plural, stem_content


def offer_terms(definition: Definition) -> tuple[str, Option]:
    """The term as an option, with its type."""
    stems = stem_content(definition.term)
    meaning = stem_content(definition.body)
    option = Option(definition.term, stems, meaning, meaning | stems, _find_head(definition))
    return type_term(definition), option


def offer_meaning(definition: Definition) -> tuple[str, Option]:
    """The meaning as an option, with its type."""
    stems, meaning = stem_content(definition.term), stem_content(definition.body)
    option = Option(definition.bare_body, meaning, stems, meaning | stems, _find_head(definition))
    return f"meaning, {_name_number(definition)}, {definition.topic}", option


def type_term(definition: Definition) -> str:
    """What a term is like: its number, a name with capitals or a noun, its class."""
    case = "noun" if definition.term[1:] == definition.term[1:].lower() else "name"
    return f"term, {_name_number(definition)}, {case}, {definition.topic}"


def _find_head(definition: Definition) -> str:
    """What the term stands for, in the singular."""
    head = find_head(definition.body).lower()
    return head.removesuffix("s") if is_plural(head) else head


def _name_number(definition: Definition) -> str:
    return "plural" if definition.plural else "singular"


def ask_for_term(definition: Definition, variant: int) -> Question:
    """Which term has this meaning?"""
    type_, right = offer_terms(definition)
    if definition.bare_body != definition.body and variant % 2:
        prompt = f"Which term refers to {definition.body}?"
    else:
        prompt = f'Which term is defined as "{definition.body}"?'
    return Question("term", prompt, right, type_)


def ask_for_meaning(definition: Definition, variant: int) -> Question:
    """What does this term mean?"""
    type_, right = offer_meaning(definition)
    frames = (
        f'Which of these is the best definition of "{definition.term}"?',
        f'What does the term "{definition.term}" refer to?',
        f'How is the term "{definition.term}" defined?',
    )
    return Question("meaning", frames[variant % 3], right, type_)
