"""The forms in which models hand over a question: objects with other keys, or plain text."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from science_exam.questions.generation.replies.malformed import Malformed
from science_exam.tables import LETTERS

NUMBERS = "12345"
QUESTION_KEYS = ("question", "questiontext", "prompt", "stem")
ANSWER_KEYS = (
    "answer",
    "correctanswer",
    "rightanswer",
    "correctoption",
    "rightoption",
    "correctchoice",
    "correct",
)
OPTIONS_KEYS = ("options", "choices")
LABEL_KEYS = ("label", "letter", "id", "key", "number")
TEXT_KEYS = ("text", "value", "content")
# Before an option's text: "A)", "(A)", "A. ", "1. ", "option_1: "; not "1.5 m" and not "1:2".
LABEL = r"\(?(?:option[\s_]*)?([A-E1-5])(?:\)\s*|[.:]\s+)"
LABELLED = re.compile(rf"\s*{LABEL}(?=\S)", re.IGNORECASE)
LABEL_OF_LINE = re.compile(rf"^[ \t]*(?:[-*•][ \t]+)?{LABEL}(?=\S)", re.MULTILINE | re.IGNORECASE)
LABEL_IN_LINE = re.compile(r"(?<=\s)\(?([A-E])\)\s+(?=\S)")
QUESTION_MARK = re.compile(
    r"(?:^|(?<=[\s.!?]))(?:multiple[- ]choice\s+)?question(?:\s+\d+)?\s*:\s*", re.MULTILINE | re.IGNORECASE
)
ANSWER_MARK = re.compile(
    r"(?:^|(?<=\s))(?:the )?(?:correct |right )?(?:answer|option)(?: is)?\s*:[ \t]*",
    re.MULTILINE | re.IGNORECASE,
)
MARKDOWN = re.compile(r"\*\*|__|^#+[ \t]*|`", re.MULTILINE)


@dataclass(frozen=True)
class Form:
    """What a reply gives, not yet checked.

    Attributes:
        question: text.
        options: five values in their order.
        answer: as given.
        numbered: the options carry numbers from 1, so that a bare number names one of them.
    """

    question: object
    options: tuple[object, ...]
    answer: object
    numbered: bool


def list_questions(found: object) -> list[Mapping]:
    """The objects in `found` that hold a question, however deep they lie."""
    if isinstance(found, Mapping):
        if any(_reduce(key) in QUESTION_KEYS and not isinstance(found[key], Mapping) for key in found):
            return [found]
        found = list(found.values())
    return (
        [question for value in found for question in list_questions(value)] if isinstance(found, list) else []
    )


def read_object(found: Mapping) -> Form:
    """The question in an object, whatever its keys are called.

    Raises:
        Malformed: a key is missing, there twice, or there are not five options.
    """
    fields = _reduce_keys(found)
    question = _pick(fields, QUESTION_KEYS, "several questions")
    answer = _pick(fields, ANSWER_KEYS, "several answers")
    given = [fields[key] for key in OPTIONS_KEYS if key in fields]
    labelled = {key: value for key, value in fields.items() if _read_label(key)}
    if len(given) + bool(labelled) != 1:
        raise Malformed("not five options")
    options, numbered = _read_options(given[0] if given else labelled)
    return Form(question, options, answer, numbered)


def read_plain(text: str) -> Form:
    """The question in plain text: "Question: … A) … B) … C) … D) … E) … Answer: C".

    Raises:
        Malformed: it is not of this form.
    """
    text = MARKDOWN.sub("", text)
    marks = list(QUESTION_MARK.finditer(text))
    if len(marks) != 1:
        raise Malformed("several questions" if marks else "no JSON object")
    text = text[marks[0].end() :]
    head, *rest = ANSWER_MARK.split(text)
    answers = {answer.strip().partition("\n")[0].strip() for answer in rest}
    if len(answers) != 1:
        raise Malformed("several answers" if answers else "no answer")
    labels = next(filter(None, (list(label.finditer(head)) for label in (LABEL_OF_LINE, LABEL_IN_LINE))), [])
    names = "".join(match[1].upper() for match in labels)
    if names not in (LETTERS, NUMBERS):
        raise Malformed("not five options")
    ends = [*(match.start() for match in labels[1:]), len(head)]
    options = tuple(head[match.end() : end] for match, end in zip(labels, ends, strict=True))
    return Form(head[: labels[0].start()], options, answers.pop(), numbered=names == NUMBERS)


def _read_options(given: object) -> tuple[tuple, bool]:
    """Five values in their order, and whether they carry numbers."""
    if isinstance(given, list) and given and all(isinstance(value, Mapping) for value in given):
        given = dict(map(_read_labelled_object, given))
    if isinstance(given, Mapping):
        return _order_labelled(given)
    if not isinstance(given, list) or len(given) != len(LETTERS):
        raise Malformed("not five options")
    return _strip_labels(given)


def _order_labelled(given: Mapping) -> tuple[tuple, bool]:
    labelled = {_read_label(_reduce(key)): value for key, value in given.items()}
    for labels in (LETTERS, NUMBERS):
        if labelled.keys() == set(labels) and len(given) == len(labels):
            options, _ = _strip_labels([labelled[label] for label in labels])
            return options, labels == NUMBERS
    raise Malformed("not five options")


def _strip_labels(options: Sequence[object]) -> tuple[tuple, bool]:
    """Options without "A) ", "B) " …, if all five begin so; one alone may be part of its text."""
    matches = [LABELLED.match(option) if isinstance(option, str) else None for option in options]
    if not all(matches):
        return tuple(options), False
    names = "".join(match[1].upper() for match in matches)
    if names in (LETTERS, NUMBERS):
        stripped = tuple(option[match.end() :] for option, match in zip(options, matches, strict=True))
        return stripped, names == NUMBERS
    raise Malformed("options out of order")


def _read_labelled_object(item: Mapping) -> tuple:
    """{"label": "A", "text": "…"} or {"A": "…"} -> label and text."""
    fields = _reduce_keys(item)
    if len(fields) == 1:
        return next(iter(fields.items()))
    return str(_pick(fields, LABEL_KEYS, "not five options")), _pick(fields, TEXT_KEYS, "not five options")


def _pick(fields: Mapping[str, object], keys: Sequence[str], several: str) -> object:
    """The value under the one of `keys` that is there; None where none is."""
    found = [fields[key] for key in keys if key in fields]
    if any(value != found[0] for value in found[1:]):
        raise Malformed(several)
    return found[0] if found else None


def _reduce_keys(found: Mapping) -> dict[str, object]:
    fields = {_reduce(key): value for key, value in found.items()}
    if len(fields) < len(found):
        raise Malformed("repeated key")
    return fields


def _reduce(key: object) -> str:
    return re.sub(r"[\W_]", "", str(key).casefold())


def _read_label(key: str) -> str:
    """ "option1", "optiona", "a", "1" -> "1" or "A"; "" for other keys."""
    match = re.fullmatch(r"(?:option|choice)?([a-h]|\d\d?)", key)
    return match[1].upper() if match else ""
