"""What a model replied -> a question, or the reason why there is none. Nothing is guessed."""

import re
from collections.abc import Sequence

from science_exam.questions.building.quality import normalise
from science_exam.questions.drafts import Draft
from science_exam.questions.generation.engines import Passage
from science_exam.questions.generation.replies.answers import find_answers
from science_exam.questions.generation.replies.forms import Form, list_questions, read_object, read_plain
from science_exam.questions.generation.replies.malformed import Malformed
from science_exam.questions.generation.replies.repair import RepeatedKey, find_objects, leaves_open
from science_exam.questions.wrong_options.option_references import (
    refers_to_all,
    refers_to_items,
    refers_to_letters,
)
from science_exam.tables import LETTERS

MIN_QUESTION_WORDS = 2  # "Define entropy."
THOUGHT_END = re.compile(r"</think(?:ing)?>", re.IGNORECASE)
THOUGHT_START = re.compile(r"<think(?:ing)?>", re.IGNORECASE)
REFUSAL = re.compile(
    r"\bI(?:['’]m| am) (?:sorry|unable|not able)\b|\bI apologi[sz]e\b|\bI (?:cannot|can['’]t)\b|\bas an AI\b",
    re.IGNORECASE,
)
# What is left where an escape ate the first letter of a formula's command (\theta, \frac, \beta, \rho,
# \nu, \neq), and halves of characters, which no file can hold.
BROKEN_ESCAPE = re.compile(r"[\x00-\x09\x0b-\x1f\x7f\ud800-\udfff]|\n(?=(?:u|eq|abla)\b)")
# Words of the prompt or of a schema where text should stand.
PLACEHOLDER = re.compile(
    r"[.…\s]+|<.*>|\[.*\]|string|text|"
    r"(?:(?:your|the|a|an|text|of|plausible|but|incorrect|correct|right|wrong|first|second|third|fourth|fifth)\s+)*"
    r"(?:question|option|answer|statement|choice|distractor)s?(?:\s+(?:text|goes|here))*(?:[\s_#]*[1-5A-E])?",
    re.IGNORECASE | re.DOTALL,
)
SOURCE = (
    r"(?:the|this) (?:given |above |provided |following )?"
    r"(?:passage|text|article|excerpt|paragraph|context)\b(?! of\b)"
)
BY_THE_SOURCE = re.compile(
    rf"\s*(?:according to|based on|as (?:stated|described|mentioned|explained) in|in) {SOURCE},\s*",
    re.IGNORECASE,
)
NAMES_SOURCE = re.compile(rf"\b{SOURCE}", re.IGNORECASE)


def read_reply(text: str, passage: Passage, source: str, place: str) -> Draft:
    """The question in a model's reply, whatever stands around it.

    Args:
        text: the reply: an object of `prompting.SCHEMA`, something close to it, or plain text
            ("Question: … A) … B) … Answer: C").
        passage: what was asked about.
        source: name of the source, a column of the questions table.
        place: for messages.

    Raises:
        Malformed: there is no question, or it can be read in two ways.
    """
    form = _find_form(text)
    question = _read_question(form.question)
    options = _read_options(form.options)
    right = _read_right(form, options)
    return Draft(
        place=place,
        source=source,
        prompt=question,
        right=options[right],
        wrong=tuple(options[:right] + options[right + 1 :]),
        contexts=(passage.text,),
        group=passage.article_id,
        passage_id=passage.passage_id,
        generated=True,
    )


def _find_form(text: str) -> Form:
    """The one question in a reply, in whatever form."""
    said = THOUGHT_END.split(text)[-1]  # what stands before is the model's thoughts
    try:
        objects = list(find_objects(said))
    except RepeatedKey:
        raise Malformed("repeated key") from None
    questions = [question for found in objects for question in list_questions(found)]
    if questions:
        if any(question != questions[0] for question in questions[1:]):
            raise Malformed("several questions")
        return read_object(questions[0])
    if leaves_open(said) or THOUGHT_START.search(said):
        raise Malformed("cut off")
    if objects:
        raise Malformed("no question")
    try:
        return read_plain(said)
    except Malformed as fault:
        raise Malformed(_name_fault(said, fault.reason)) from None


def _name_fault(said: str, reason: str) -> str:
    """Why a reply is neither an object nor plain text of the known form."""
    if reason != "no JSON object":
        return reason
    if REFUSAL.search(said):
        return "refused"
    return "broken object" if "{" in said else reason


def _read_question(value: object) -> str:
    question = _clean(value, "no question")
    if len(re.findall(r"[^\W\d_]+", question)) < MIN_QUESTION_WORDS:
        raise Malformed("no question")
    stripped = BY_THE_SOURCE.sub("", question, count=1) if BY_THE_SOURCE.match(question) else question
    if NAMES_SOURCE.search(stripped):
        raise Malformed("speaks of the passage")
    return stripped[:1].upper() + stripped[1:] if stripped != question else question


def _read_options(values: Sequence[object]) -> list[str]:
    """The options' texts; they are put into another order later, so none may speak of others."""
    options = [_clean(value, "empty option") for value in values]
    if options == list(LETTERS):
        raise Malformed("placeholder")
    if len({normalise(option) for option in options}) < len(options):
        raise Malformed("equal options")
    for refers in (refers_to_letters, refers_to_items, refers_to_all):
        if any(map(refers, options)):
            raise Malformed("option speaks of others")
    return options


def _read_right(form: Form, options: Sequence[str]) -> int:
    """Index of the right option."""
    answer = form.answer
    if isinstance(answer, list) and len(answer) == 1:
        [answer] = answer
    if isinstance(answer, list) and answer:
        raise Malformed("several answers")
    if not _is_text(answer):
        raise Malformed("no answer")
    if re.fullmatch(r"\W*\d\W*", str(answer)) and not form.numbered:
        raise Malformed("number without numbered options")  # it may count from 0 or from 1
    named = find_answers(str(answer), options)
    if len(named) != 1:
        raise Malformed("several answers" if named else "answer names no option")
    return named.pop() - 1


def _clean(value: object, when_empty: str) -> str:
    """A value as text in one line."""
    if value is not None and not _is_text(value):
        raise Malformed("value is no text")
    text = "" if value is None else str(value).strip()
    if BROKEN_ESCAPE.search(text):
        raise Malformed("broken escape")
    if not text:
        raise Malformed(when_empty)
    if PLACEHOLDER.fullmatch(text):
        raise Malformed("placeholder")
    return " ".join(text.split())


def _is_text(value: object) -> bool:
    """Text, or a whole number, whose text is beyond doubt."""
    return isinstance(value, str) or (isinstance(value, int) and not isinstance(value, bool))
