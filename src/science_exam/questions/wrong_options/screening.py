"""Whether an option of another question could stand in this one: of its type, new, and wrong."""

from collections import Counter
from dataclasses import dataclass

from science_exam.questions.drafts import Draft
from science_exam.questions.wrong_options.option_references import refers_to_all
from science_exam.questions.wrong_options.option_types import OptionType, find_head
from science_exam.questions.wrong_options.pool import PROMPT_CHARS, Candidate, OptionPool, read_terms
from science_exam.questions.wrong_options.prompt_forms import asks_for_any, read_frame
from science_exam.questions.wrong_options.sameness import make_key, measure_echo, say_the_same

# How much of a prompt's terms a question may share in which the candidate is right, and all such questions
# together; more where it is known to be wrong beside the same right option.
MAX_FIT, MAX_FIT_OF_DENIED = (0.15, 0.25), (0.2, 0.4)
# Lengths of added options, as shares of the shortest and the longest that are there; wider beside a lone one.
MIN_LENGTH, MAX_LENGTH = 0.7, 1.3
MIN_LENGTH_OF_ONE, MAX_LENGTH_OF_ONE = 0.4, 1.8
SLACK_CHARS = 2
MIN_EASY_LENGTH, MAX_EASY_LENGTH = 0.5, 1.6
# Words in common, as a share of the shorter option's, from which a long option says what another says.
MAX_ECHO_OF_RIGHT, MAX_ECHO = 0.6, 0.75
MIN_ECHO_WORDS = 3
MIN_PROMPT_TERMS = 3  # a shorter prompt holds for many things
PRONOUNS = frozenset("he she his her him they them i you we".split())


@dataclass(frozen=True)
class Screen:
    """What candidates are held against.

    Attributes:
        draft: the question.
        own: its options that do not speak of all others, the right one first.
        keys, types: of these.
        terms: of the prompt's end.
        frame: what a clause must fit, see `read_frame`.
        any_fits: much outside the options could be right, too.
    """

    draft: Draft
    own: tuple[str, ...]
    keys: tuple[str, ...]
    types: tuple[OptionType, ...]
    terms: frozenset[str]
    frame: str
    any_fits: bool

    @classmethod
    def of(cls, draft: Draft, pool: OptionPool) -> "Screen":
        """What a draft's prompt and options demand."""
        own = tuple(option for option in draft.options if not refers_to_all(option)) or (draft.right,)
        terms = read_terms(draft.prompt)
        return cls(
            draft,
            own,
            keys=tuple(map(make_key, own)),
            types=tuple(map(pool.describe, own)),
            terms=terms,
            frame=read_frame(draft.prompt),
            any_fits=len(terms) < MIN_PROMPT_TERMS or asks_for_any(draft.prompt[-PROMPT_CHARS:]),
        )

    @property
    def asked(self) -> str:
        """The prompt's end."""
        return self.draft.prompt[-PROMPT_CHARS:]

    @property
    def kind(self) -> str:
        """The kind of the right option."""
        return self.types[0].kind

    def looks_alike(self, candidate: Candidate, pool: OptionPool) -> bool:
        """Whether a candidate has the type and about the length of the options."""
        lengths = [len(option) for option in self.own]
        alone = len(lengths) == 1
        shortest = (MIN_LENGTH_OF_ONE if alone else MIN_LENGTH) * min(lengths) - SLACK_CHARS
        longest = (MAX_LENGTH_OF_ONE if alone else MAX_LENGTH) * max(lengths) + SLACK_CHARS
        if not shortest <= len(candidate.text) <= longest:
            return False
        found = pool.describe(candidate.text)
        if found.kind != "statement":
            return found == self.types[0]
        return self.kind == "statement" and self._reads_alike(candidate, found)

    def resembles(self, candidate: Candidate, pool: OptionPool) -> bool:
        """Whether a candidate could be taken for an option of this question, at a glance."""
        lengths = [len(option) for option in self.own]
        if (
            not MIN_EASY_LENGTH * min(lengths)
            <= len(candidate.text)
            <= MAX_EASY_LENGTH * max(lengths) + SLACK_CHARS
        ):
            return False
        forms = {known.form_alone for known in self.types}
        return pool.describe(candidate.text).form_alone in forms

    def is_far(self, key: str, pool: OptionPool) -> bool:
        """Whether nothing says that a candidate is right where something like this is asked."""
        if len(self.terms) < MIN_PROMPT_TERMS:
            return False
        return all(
            fit <= limit for fit, limit in zip(pool.measure_fit(key, self.terms), MAX_FIT, strict=True)
        )

    def _reads_alike(self, candidate: Candidate, found: OptionType) -> bool:
        """Whether a statement continues the prompt as the options do, and tells no other story."""
        own_words = set(" ".join(self.own).lower().split())
        return (
            self.frame in candidate.frames
            and found.form in _list_commonest([known.form for known in self.types])
            and found.has_verb in _list_commonest([known.has_verb for known in self.types])
            and found.has_digits <= any(known.has_digits for known in self.types)
            and not PRONOUNS.intersection(candidate.text.lower().split()) - own_words
        )

    def is_new(self, key: str) -> bool:
        """Whether a candidate says what no option says, and takes no words of the prompt that they do not."""
        if any(say_the_same(key, known) for known in self.keys) or self._echoes(key):
            return False
        words = set(key.split())
        taken = (words & self.terms).difference(*(known.split() for known in self.keys))
        return not taken or (self.kind == "statement" and 3 * len(taken) <= len(words))

    def _echoes(self, key: str) -> bool:
        if len(set(key.split())) < MIN_ECHO_WORDS:
            return False
        right, *wrong = (measure_echo(key, known) for known in self.keys)
        return right > MAX_ECHO_OF_RIGHT or any(echo >= MAX_ECHO for echo in wrong)

    def is_wrong(self, key: str, candidate: Candidate, pool: OptionPool) -> bool:
        """Whether a candidate is known to differ from the options, and no words speak for its being right.

        It must have been seen beside one of the options (where much could be right: as wrong beside the same
        right one), and not be right in questions that share much with this one.
        """
        if not candidate.siblings or (self.any_fits and not candidate.denied):
            return False
        limits = MAX_FIT_OF_DENIED if candidate.denied else MAX_FIT
        return all(fit <= limit for fit, limit in zip(pool.measure_fit(key, self.terms), limits, strict=True))

    def score(self, candidate: Candidate) -> float:
        """How hard a candidate is by its words: near in topic, seen beside the options, built like them."""
        return (
            candidate.topic
            + 0.6 * min(2, len(candidate.siblings))
            + 0.5 * candidate.denied
            + 0.4 * (find_head(candidate.text) in map(find_head, self.own))
            + 0.2 * any(candidate.text.rstrip(".")[-3:] == option.rstrip(".")[-3:] for option in self.own)
        )


def _list_commonest(values: list) -> set:
    """The values that at least half of all are; all of them where there is no such."""
    counts = Counter(values)
    return {value for value, n in counts.items() if 2 * n >= len(values)} or set(values)
