"""Tasks on one fact of a sentence: who, what, when, how many, and which thing it is said of."""

import re

from science_exam.pretraining.misses import draw_other_number
from science_exam.pretraining.options import Task, draw_wrong
from science_exam.pretraining.reading import Reading, has_digit
from science_exam.pretraining.rewording import reshape, reword
from science_exam.pretraining.sentences import ACTING, parse_clause

YEAR = re.compile(
    r" (in|since|until|by|from) (1[0-9]{3}|20[0-2][0-9])\b(?![-–/%,.]\d)(?! (?:to|and|or|until)\b)"
)
# A number with its unit; "Falcon 9", "24 March" and "10 to 20" are none.
COUNT = re.compile(
    r"(?<![\w.,$€£+–-])(?<![A-Z][a-z]{2} )(?<![a-z]{4} [A-Z] )"
    r"(\d{1,3}(?:,\d{3})+|\d+(?:\.\d+)?)(?![.,]?\d)"
    r"(?: ?(%|percent)| ((?!is |was |has |years old)[a-z]{3,}s)\b)(?! (?:to|and|or|versus) \d)"
)
NAMED_NUMBER = re.compile(
    r"(?:\b[A-Z][\w-]*|\b(?:type|stage|level|grade|step|phase|class|version|number|page|day)s?|\d) $"
)
AGENT = re.compile(
    r" (was|were) (\w+(?:ed|en|un|ght|de)) by "
    r"((?:[A-Z][\w'’.-]*)(?: (?:of |de |van |von |the )?[A-Z][\w'’.-]*){0,3})"
)
INVERTED = ("is", "are", "was", "were", "can", "could", "has", "have", "had", "will", "would", "may")
FACT_REWORD_SHARE = 0.4
MAX_QUESTION_WORDS = 30
ONLY_NOVEL, NAME_NOVELTY = 1e9, 12.0
BASE_TRIES = 8
ARTICLE = re.compile(r"(?:The|the|A|a|An|an) ")

FRAMES = ("{}?", "According to the text, {}?", "According to the context, {}?", "{}?")
SUBJECT_WORDINGS = (
    "Which of these {}?",
    "Which of the following {}?",
    "What {}?",
    "Who or what {}?",
    "According to the text, which of these {}?",
)


def holds_fact(sentence: str) -> bool:
    """True when `make_fact` is likely to find a fact in the sentence."""
    return has_digit(sentence) and bool(YEAR.search(sentence) or COUNT.search(sentence))


def make_fact(reading: Reading, sentence: str, nearby: bool) -> Task | None:
    """When, how many, by whom: a sentence turned into a question on one of its facts."""
    makers = [_ask_year, _ask_count, _ask_agent]
    reading.rng.shuffle(makers)
    return next((task for make in makers if (task := make(reading, sentence, nearby))), None)


def make_subject(reading: Reading, sentence: str, nearby: bool) -> Task | None:
    """Which of these does what the sentence says of its subject?"""
    clause = reading.parse(sentence)
    if not clause or clause.subject in clause.rest:
        return None
    n_words = reading.rng.randint(MAX_QUESTION_WORDS // 2, MAX_QUESTION_WORDS)
    predicate = reshape(clause.predicate, reading.rng, n_words, str)
    predicate = predicate[:1].lower() + predicate[1:]
    bare = reading.rng.random() < 0.5

    def dress(text: str) -> str:
        text = ARTICLE.sub("", text, count=1) if bare else text
        return text[:1].upper() + text[1:]

    def draw_other() -> str:
        for _ in range(BASE_TRIES):
            other = reading.parse(reading.draw_other(sentence) if nearby else reading.draw_elsewhere())
            if other and other.agrees(clause) and reading.is_name(other.subject) == named:
                return other.subject
        return reading.draw_name() if named and nearby else ""

    named = reading.is_name(clause.subject)
    wrong = draw_wrong(reading, clause.subject, draw_other, nearby, NAME_NOVELTY, dress)
    question = reword(predicate, reading.rng, FACT_REWORD_SHARE)
    return Task(reading.word(SUBJECT_WORDINGS, question), dress(clause.subject), sentence, wrong)


def _ask_year(reading: Reading, sentence: str, nearby: bool) -> Task | None:
    match = YEAR.search(sentence)
    if not match or len(YEAR.findall(sentence)) > 1:
        return None
    preposition, year = match.groups()
    asked = f"{preposition} which year"
    question = _invert(reading, f"{sentence[: match.start()]}{sentence[match.end() :]}")
    if question:
        question = f"{'when' if preposition == 'in' and reading.rng.random() < 0.6 else asked} {question}"
    else:
        question = reading.lower(f"{sentence[: match.start()]} {asked}{sentence[match.end() :]}".rstrip(".!"))
    return _ask_number(reading, question, year, "", sentence, nearby)


def _ask_count(reading: Reading, sentence: str, nearby: bool) -> Task | None:
    """How many: the number's place is taken by the question word, so the sentence keeps its order."""
    matches = [match for match in COUNT.finditer(sentence) if _counts_things(match)]
    if not matches:
        return None
    match = reading.rng.choice(matches)
    number, percent, unit = match.groups()
    asked = "what percentage" if percent else f"how many {unit}"
    body = f"{sentence[: match.start()]}{asked}{sentence[match.end() :]}".rstrip(".!")
    kept = match[0].removeprefix(number) if percent or reading.rng.random() < 0.6 else ""
    return _ask_number(reading, reading.lower(body), number, kept, sentence, nearby)


def _counts_things(match: re.Match[str]) -> bool:
    """False for the number of a name ("Falcon 9 boosters") and before a verb ("type 1 affects")."""
    return match[3] not in ACTING and not NAMED_NUMBER.search(match.string[: match.start()])


def _ask_agent(reading: Reading, sentence: str, nearby: bool) -> Task | None:
    match = AGENT.search(sentence)
    clause = reading.parse(sentence)
    if not match or not clause or clause.verb != match[1] or not clause.rest.startswith(f"{match[2]} by"):
        return None
    name = match[3].rstrip(".,'’")
    after = sentence[match.start(3) + len(name) :].rstrip(".!")
    subject = reading.lower(clause.subject)
    question = reading.rng.choice(
        (f"{subject} {match[1]} {match[2]} by whom{after}", f"by whom {match[1]} {subject} {match[2]}{after}")
    )
    wrong = draw_wrong(reading, name, reading.draw_name, nearby, NAME_NOVELTY)
    return Task(_frame(reading, question), name, sentence, wrong)


def _ask_number(reading: Reading, question: str, number: str, unit: str, sentence: str, nearby: bool) -> Task:
    """Wrong numbers are made from the right one and from wrong ones alike, so it is not in their middle."""
    made = [number]

    def draw_other() -> str:
        made.append(vary_number(reading, reading.rng.choice(made), nearby))
        return made[-1] + unit

    wrong = draw_wrong(reading, number + unit, draw_other, nearby, ONLY_NOVEL)
    question = reword(question, reading.rng, FACT_REWORD_SHARE)
    return Task(_frame(reading, question), number + unit, number, wrong)


def vary_number(reading: Reading, number: str, nearby: bool) -> str:
    """Another number in the same notation: 4,000 -> 5,200; 5.37 -> 6.37 or 5.12."""
    whole, point, decimals = number.replace(",", "").partition(".")
    if decimals and reading.rng.random() < 0.5:
        return f"{whole}.{reading.rng.randrange(10 ** len(decimals)):0{len(decimals)}}"
    if "," not in number:
        return draw_other_number(reading, whole, nearby) + point + decimals
    n_zeros = len(whole) - len(whole.rstrip("0"))
    head = draw_other_number(reading, whole.rstrip("0"), nearby=False)
    return f"{int(head + '0' * n_zeros):,}"


def _invert(reading: Reading, sentence: str) -> str:
    """The sentence with its verb before its subject; "" where it cannot stand there."""
    clause = parse_clause(f"{sentence.rstrip('.! ')}.")
    if not clause or clause.verb not in INVERTED:
        return ""
    return f"{clause.verb} {reading.lower(clause.subject)} {clause.rest}"


def _frame(reading: Reading, question: str) -> str:
    question = reading.word(FRAMES, question)
    return question[:1].upper() + question[1:]
