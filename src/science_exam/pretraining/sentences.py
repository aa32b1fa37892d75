"""Sentences that can be asked about: which are plain, and what their subject and definition are."""

import re
from dataclasses import dataclass

MIN_PLAIN_WORDS, MAX_PLAIN_WORDS = 7, 60
MIN_LETTER_SHARE = 0.7
PLAIN_START = re.compile(r"[\"“(]?[^\W\d_]")
PLAIN_END = re.compile(r"[^\W_]{2,}[)\"”]?[.!?][\"”)]?$")
# A sentence does not end behind these: what follows in the text belongs to it.
ABBREVIATION = re.compile(r"\b([A-Z][a-z]?|al|vs|St|No|Nos|Fig|Figs|ca|Mrs?|Prof|Gen|Eq|approx)\.$")
SYMBOL = re.compile(r"[=\\{}|<>^_~•→∑√@#*\[\]]")
# Addresses, rows of letters or numbers, missing spaces, pointers to other parts of a book.
STRANGE = re.compile(
    r"https?:|www\.| [^\W\d_] [^\W\d_] [^\W\d_] |\d\W+\d\W+\d\W+\d|\.\.|  |[a-z]\.\d|"
    r"(?:Figure|Table|Fig|Equation|Eq|Chapter|Section|Appendix)s?\.? \d"
)
# Sentences that speak of the page or to the reader state nothing that could be asked.
POINTING = re.compile(
    r"(See|Figure|Fig|Table|Note|Click|Chapter|Section|Example|Exercise|Solution|Check|Answer|"
    r"Image|Photo|Credit|Learn|Visit|Watch|Explain|Describe|Calculate|Determine|Suppose|Let|Step|"
    r"How|What|Why)\b"
)

SINGULAR = ("is", "was", "has", "does")
PLURAL = ("are", "were", "have", "do")
EITHER = ("can", "could", "may", "might", "will", "would", "must", "should", "did", "had", "became")
BEING = ("is", "are", "was", "were")
# Verbs of the third person that are seldom nouns.
ACTING = (
    "allows", "applies", "becomes", "begins", "belongs", "consists", "contains", "depends", "describes",
    "differs", "enables", "exists", "explains", "gives", "includes", "involves", "makes", "occurs",
    "provides", "refers", "remains", "represents", "requires", "seeks", "shows", "takes", "uses",
)  # fmt: skip
# What begins with one of these is no subject, or one that says nothing by itself.
NO_SUBJECT = (
    "It|They|He|She|We|You|I|This|These|Those|That|There|Here|Its|Their|His|Her|Our|Your|My|What|Which|Who|"
    "Such|Some|Many|Most|Both|Each|Every|Several|Others?|Another|All|One|None|Any|Few|If|When|While|Where|"
    "Although|Though|Because|Since|As|In|At|On|By|For|From|To|With|Without|During|After|Before|Until|"
    "Under|Over|Between|Among|Through|Within|Of|And|But|Or|So|Then|Thus|Also|However|Not|No|How|Why|"
    "Today|Now|Once|Only|Even|Like|Unlike|Instead|Despite|Later|First|Finally|Two|Three|Given|Using|"
    "Whereas|Upon|Together|Especially|Do|Sometimes|Often|Usually|Generally|Typically|Recently|Currently|"
    "Additionally|Therefore|Consequently|Yet|"
    "The (?:latter|former|first|second|third|other|same|only|most|main|two|three|next|following)"
)
SUBJECT = re.compile(
    rf"(?!(?:{NO_SUBJECT})\b)(?P<subject>[^\W\d_][^,;:.()?!\"“]{{1,70}}?)"
    r"(?:, (?:also|or|sometimes|often) [^,]{2,50},)? "
    rf"(?P<verb>{'|'.join(SINGULAR + PLURAL + EITHER + ACTING)}) (?P<rest>[^?]+)[.!]$"
)
MAX_SUBJECT_WORDS = 7
# A subject that holds one of these is a clause, cut in the wrong place.
CLAUSE = re.compile(
    r"\b(that|which|who|whose|where|when|if|because|then|not|to be|these|this|those|its|their|his|her|"
    r"examples?|reasons?|more|here|there|also|only|often|sometimes|always|never|once|believe|he|she|it|they|"
    r"we|you|I)\b|ly$|['’]s?$"
)
PARENTHESES = re.compile(r" \([^()]*\)")
DEFINITION = re.compile(r"(?:an?|the|any|one of the|a type of) .+")
REFERENCE = re.compile(r"(?:refers to|is defined as|are defined as|describes) (?P<what>(?:an?|the|any) .+)")
MIN_DEFINITION_WORDS = 5


@dataclass(frozen=True)
class Clause:
    """A sentence as subject, verb and what follows, without the full stop."""

    subject: str
    verb: str
    rest: str

    @property
    def predicate(self) -> str:
        return f"{self.verb} {self.rest}"

    def agrees(self, other: "Clause") -> bool:
        """True when the subjects may change places: one or many of them in both clauses."""
        return (self.verb in PLURAL) == (other.verb in PLURAL)


def is_plain(sentence: str) -> bool:
    """True for a whole sentence of ordinary words that can be asked about."""
    if not MIN_PLAIN_WORDS <= sentence.count(" ") + 1 <= MAX_PLAIN_WORDS:
        return False
    if not PLAIN_START.match(sentence) or not PLAIN_END.search(sentence, len(sentence) - 6):
        return False
    if POINTING.match(sentence) or ABBREVIATION.search(sentence, len(sentence) - 8):
        return False
    if SYMBOL.search(sentence) or STRANGE.search(sentence):
        return False
    if sentence.count("(") != sentence.count(")") or sentence.count('"') % 2:
        return False
    return sum(map(str.isalpha, sentence)) >= MIN_LETTER_SHARE * len(sentence)


def drop_parentheses(sentence: str) -> str:
    """The sentence without its asides in round brackets."""
    return PARENTHESES.sub("", sentence) if "(" in sentence else sentence


def parse_clause(sentence: str) -> Clause | None:
    """The parts of a sentence that begins with a short subject of its own; None for others.

    >>> parse_clause("Sirius (the dog star) is the brightest star of the night sky.")
    Clause(subject='Sirius', verb='is', rest='the brightest star of the night sky')
    """
    match = SUBJECT.match(drop_parentheses(sentence))
    if not match or match["subject"].count(" ") >= MAX_SUBJECT_WORDS or CLAUSE.search(match["subject"]):
        return None
    return Clause(match["subject"], match["verb"], match["rest"])


def find_definition(clause: Clause) -> str:
    """What the subject is said to be: "a device that …"; "" when the clause is no definition."""
    if clause.rest.count(" ") < MIN_DEFINITION_WORDS:
        return ""
    if clause.verb in BEING and DEFINITION.match(clause.rest):
        return clause.rest
    match = REFERENCE.match(clause.predicate)
    return match["what"] if match else ""
