"""Facts told by a verb: "X is caused by Y", "X was discovered by Y", turned into a question for Y."""

import re
from collections.abc import Iterator

from science_exam.questions.generation.rules.items import Option, Question
from science_exam.questions.generation.rules.patterns import CUE, PATTERNS, PERSON, Pattern
from science_exam.questions.generation.rules.phrases import (
    Casing,
    cut_afterthought,
    has_loose_end,
    is_noun_phrase,
    is_plural,
    is_term,
    split_words,
    stem_content,
)
from science_exam.questions.generation.rules.sentences import (
    drop_parentheses,
    has_strange_letters,
    is_plain,
    points_elsewhere,
)
from science_exam.questions.generation.rules.vocabulary import FUNCTION_WORDS, PLAIN_WORDS, POINTING_NOUNS

PERSON_REACH = 100  # characters around a name that tell what it has to do with
MAX_SUBJECT_WORDS, MAX_ANSWER_WORDS, MAX_CLAUSE_WORDS = 8, 18, 28

_NOT_A_PERSON = re.compile(
    r"['’]s\b|\b(?:Center|Centre|Company|Institute|University|Corporation|College|Laborator\w*|Society"
    r"|Principia|Science|Project|Group|Team|Academy|Agency|Inc|Ltd|School|Department|Party|Church|Army"
    r"|Navy|Museum|Press|Journal|Prize|Nobel|Physicist|The|American|British|German|French|Systems"
    r"|Software|Research|Foundation|Association|War)\b"
)
# A second statement has been run into the answer.
_RUN_ON = re.compile(
    r" and (?:\w+ly )?(?:[a-z]+s|occur|[a-z]+ed) (?:the|an?|its|their|it|in|by|to|from|with)\b"
    r"|^[^,]*, (?:and|or) [^,]*$|\b(?:confirmed|showed)\b| and \w+ (?:is|are)\b|, (?:[^,]* )?(?:is|are"
    r"|was|were|has|have|can|may|will|their)\b"
)
_TWO_THINGS = re.compile(r" and [A-Z]| and [a-z]+s the ")
_VAGUE_SUBJECT = re.compile(
    r"(?:types? |stages? |both |(?:an? )?(?:wide|large|great|small|special|new|computer|image|imaging"
    r"|common|specific|certain|different) )"
)
_VAGUE_OBJECT = re.compile(r"(?:an?|several|many|some|two|three|new|various) ")
_VAGUE_ANSWER = re.compile(r"(?:an?|and|or|many|several|various|some|most|more|all|which)\b", re.IGNORECASE)
_BEING = re.compile(r"\b(?:is|are|was|were|has|have|can|may|will|causes?)\b")
_RELATIVE = re.compile(r"\b(?:that|which|who|whose|where|when)\b")
# There are too many things that do so.
_TREATING = re.compile(r"to (?:treat|diagnos|detect|find|help|make|do|get|see)")
_MICROBE = re.compile(r"\b(?:virus|bacteri\w+|parasit\w*|fungus|protozoan|[A-Z][a-z]+ [a-z]{4,})\b")
_GENE = re.compile(
    r"(?:[Mm]utations|[Cc]hanges|[Aa]lterations|(?:pathogenic )?variants|[Aa] mutation) in (?:the )?"
    r"[A-Z][A-Z0-9]+(?:(?:,| or| and|, or|, and)(?: the)? [A-Z][A-Z0-9]+)* genes?"
)
_GENE_NAME = re.compile(r"\b[A-Z][A-Z0-9]+\b")
# What all answers of a type say does not make two of them alike.
_VAGUE_STEMS = frozenset(
    "new mani mutat gene chang variant alter bodi part person factor variou thing genet caus".split()
)
_PROFESSIONAL = re.compile(
    r"\b(?:physicist|chemist|biologist|mathematician|astronomer|scientist|engineer|psychologist"
    r"|philosopher|naturalist|botanist|geologist|physician|economist|sociologist|anthropologist|inventor"
    r"|microbiologist"
    r"|geneticist|neurologist|zoologist|biochemist|astrophysicist|statistician|surgeon|researcher) " + PERSON
)


def read_facts(sentence: str, casing: Casing) -> Iterator[Question]:
    """A question for each pattern that the sentence follows.

    Args:
        sentence: ends with a full stop.
        casing: of the text around.
    """
    for pattern in PATTERNS:
        if match := pattern.regex.fullmatch(sentence[:-1]):
            yield from _ask(pattern, match, sentence, casing)


def _ask(pattern: Pattern, match: re.Match[str], sentence: str, casing: Casing) -> Iterator[Question]:
    groups = {name: value or "" for name, value in match.groupdict().items()}
    answer = cut_afterthought(groups["o"])
    subject = casing.lower_first(cut_afterthought(groups["s"]))
    is_sound = _is_object if pattern.type in ("person", "term") else _is_subject
    if not is_sound(subject) or not _is_answer(answer, pattern.type):
        return
    if pattern.type == "person" and not casing.may_be_name(answer):
        return
    prompt = _word_question(pattern, groups | {"s": subject})
    stems = stem_content(answer)
    if pattern.type == "gene" and _spell_disease(answer, subject):
        return
    if stems and not stems & stem_content(prompt) and not has_strange_letters(prompt):
        yield Question("relation", prompt, _offer(answer, subject, sentence), _refine_type(pattern, answer))


def _word_question(pattern: Pattern, groups: dict[str, str]) -> str:
    being = groups.get("be") or ("are" if is_plural(groups["s"]) else "is")
    year = groups.get("y") or groups.get("z")
    agreeing = {"be": being, "do": "does" if being in ("is", "was") else "do"}
    return pattern.frame.format(**groups | agreeing, who=f"In {year}, who" if year else "Who")


def _offer(answer: str, subject: str, sentence: str) -> Option:
    stems = stem_content(answer)
    return Option(answer, (stems - _VAGUE_STEMS) or stems, stem_content(subject), stem_content(sentence))


def _refine_type(pattern: Pattern, answer: str) -> str:
    """The pattern's type; of genes with their number, since a list among single ones stands out."""
    return f"{len(_GENE_NAME.findall(answer))} genes" if pattern.type == "gene" else pattern.type


def _spell_disease(answer: str, subject: str) -> bool:
    """A gene's letters begin like the disease's words, or a word: PKD1 and polycystic kidney disease."""
    words = re.findall(r"[a-z]+", subject.lower())
    initials = "".join(word[0] for word in words)
    for gene in _GENE_NAME.findall(answer):
        start = re.sub(r"\d.*", "", gene.lower())[:3]
        if start[:2] in initials or any(word.startswith(start) for word in words):
            return True
    return False


def _is_subject(subject: str) -> bool:
    """A noun phrase that says what it is about; "the X" needs a name or an "of" to do so."""
    words = split_words(subject)
    if not stem_content(subject) or not is_noun_phrase(subject, MAX_SUBJECT_WORDS):
        return False
    if _VAGUE_SUBJECT.match(subject) or (
        words[-2:-1] == ["the"] and words[-1] in POINTING_NOUNS | PLAIN_WORDS
    ):
        return False
    return words[0] != "the" or len(words) > 3 or "of" in words or subject[4:] != subject[4:].lower()


def _is_object(rest: str) -> bool:
    """What somebody discovered, or what is "the largest …": any phrase that tells one thing apart."""
    if _VAGUE_OBJECT.match(rest) and len(stem_content(rest)) < 5:
        return False
    return 2 <= len(split_words(rest)) <= 22 and not has_loose_end(rest) and not _TWO_THINGS.search(rest)


def _is_answer(answer: str, type_: str) -> bool:
    if type_ == "person":
        return not _NOT_A_PERSON.search(answer) and answer.split(" ")[0].lower() not in FUNCTION_WORDS
    if type_ == "gene":
        return _GENE.fullmatch(answer) is not None
    if type_ == "term":
        return is_term(answer)
    if not is_plain(answer) or points_elsewhere(answer) or has_loose_end(answer):
        return False
    if type_ in ("law", "moment"):
        return len(split_words(answer)) <= MAX_CLAUSE_WORDS
    return (
        len(split_words(answer)) <= MAX_ANSWER_WORDS
        and not _RUN_ON.search(answer)
        and not _VAGUE_ANSWER.match(answer)
        and not (_BEING.search(answer) and not _RELATIVE.search(answer))
        and not (type_ == "purpose" and _TREATING.match(answer))
        and not (type_ == "microbe" and not _MICROBE.search(answer))
        and (len(stem_content(answer) - _VAGUE_STEMS) > 1 or answer[1:] != answer[1:].lower())
    )


def read_answers(sentence: str, casing: Casing) -> Iterator[tuple[str, Option]]:
    """What a sentence says in one of the patterns of whatever subject, as options with their types."""
    plain = drop_parentheses(sentence).removesuffix(".")
    if not CUE.search(plain):
        return
    for pattern in PATTERNS:
        if pattern.type != "term" and (match := pattern.regex.fullmatch(plain)):
            answer = cut_afterthought(match["o"])
            if _is_answer(answer, pattern.type) and (pattern.type != "person" or casing.may_be_name(answer)):
                yield _refine_type(pattern, answer), _offer(answer, match["s"], plain)


def read_persons(text: str) -> Iterator[Option]:
    """Full names behind a profession, "the chemist Ada Berg", with the words around them."""
    for match in _PROFESSIONAL.finditer(text):
        if _is_answer(match["o"], "person"):
            around = text[max(0, match.start() - PERSON_REACH) : match.end() + PERSON_REACH]
            yield Option(match["o"], stem_content(match["o"]), frozenset(), stem_content(around))
