"""What a reading task is made of: contexts, and the words and sentences to ask about."""

import random
import re
from collections import Counter, defaultdict
from collections.abc import Callable, Sequence
from functools import cached_property

from science_exam.pretraining.contexts import draw_windows
from science_exam.pretraining.sentences import Clause, is_plain, parse_clause
from science_exam.pretraining.words import PIECE, Library, Place, Replacement, find_ending

NAME = re.compile(r"\b[A-Z][^\W\d_]{2,}(?: (?:of |the |de |van |von )?[A-Z][^\W\d_]+)*")
MARKS = " ,;:.!?()\"'“”"
CAPITAL = re.compile(r" [A-Z]")
# "The Panthéon" is written small within a sentence, "New York" is not.
SMALL = frozenset(
    "A An The This These That Those Its Their His Her Our In At On Of By As To If For From With When While "
    "After Before Since During Under Although Because Most Many Some All Both Each Is Was Are Were".split()
)
BEFORE_NOUNS = ("the", "a", "an", "of", "in", "by", "for", "with", "and")
BEHIND_NOUNS = (",", ".", " of", " in", " is", " and", " to", " was", " for", " by", " that")
SPAN_TRIES = 4
SENTENCE_TRIES = 20
POOL_SENTENCES = 12  # from elsewhere, shared by a reading's questions


class Reading:
    """Windows of articles, as they are or with their content words replaced.

    Sentences from elsewhere go through the same replacement, so that an option from another article
    does not differ in style from one of the context.

    Attributes:
        contexts: the texts, one a window.
        sentences: those of the contexts that can be asked about, each once.
        anchors: the sentences that the windows were to stand around.
        donors: content words of the contexts by `sort_piece`, each once.
    """

    def __init__(
        self, library: Library, rng: random.Random, n_words: int, scramble: bool, anchors: Sequence[Place]
    ) -> None:
        """Draw the contexts.

        Args:
            library: the articles.
            rng: where all choices come from.
            n_words: words that the contexts may have together.
            scramble: replace content words.
            anchors: sentences that windows stand around, the first of them always.
        """
        self.library, self.rng = library, rng
        self.sentence_end = rng.choice((".", ""))  # behind every option that is a statement
        self._rewrite = Replacement(library, rng).rewrite if scramble else str
        windows = draw_windows(library, rng, n_words, anchors)
        self._articles = {window.article for window in windows}
        self.anchors = [self._rewrite(library.articles[number].sentences[at]) for number, at in anchors]
        self.contexts, self.sentences = (), []
        for window in windows:
            heading = (
                f"{self._rewrite(window.heading)}{rng.choice((': ', chr(10)))}" if window.heading else ""
            )
            rewritten = [self._rewrite(sentence) for sentence in window.sentences]
            self.contexts += (heading + " ".join(rewritten),)
            pairs = zip(window.sentences, rewritten, strict=True)
            self.sentences += [new for old, new in pairs if is_plain(old)]
        self.sentences = list(dict.fromkeys(self.sentences))
        self._clauses: dict[str, Clause | None] = {}
        self._elsewhere: list[str] = []
        self._defining: list[str] = []
        self._count_words()

    def _count_words(self) -> None:
        """How often each content word stands in the contexts, headings included; the words by sort."""
        self._counts: Counter[str] = Counter()
        self.donors: dict[str, list[str]] = defaultdict(list)
        for text in self.contexts:
            self._counts.update(self.content(text))
        for word in self._counts:
            self.donors[sort_piece(word)].append(word)

    def draw_other(self, sentence: str) -> str:
        """A random sentence of the contexts that is not `sentence`; there are at least two."""
        others = [other for other in self.sentences if other != sentence]
        return self.rng.choice(others)

    def draw_elsewhere(self) -> str:
        """A random sentence of an article that is not read, in the words of this reading."""
        return self._draw_pooled(self._elsewhere, self.library.draw_sentence, is_plain)

    def draw_defining(self) -> str:
        """A random sentence of an article that is not read that defines something, likewise."""
        return self._draw_pooled(self._defining, self.library.draw_definition, bool)

    def parse(self, sentence: str) -> Clause | None:
        """`parse_clause`, remembered."""
        if sentence not in self._clauses:
            self._clauses[sentence] = parse_clause(sentence)
        return self._clauses[sentence]

    def _draw_pooled(
        self,
        pool: list[str],
        draw: Callable[[random.Random], Place],
        fits: Callable[[str], bool],
    ) -> str:
        """A sentence of a pool, which grows to POOL_SENTENCES before its sentences come again."""
        if len(pool) == POOL_SENTENCES:
            return self.rng.choice(pool)
        for _ in range(SENTENCE_TRIES):
            number, place = draw(self.rng)
            sentence = self.library.articles[number].sentences[place]
            if number not in self._articles and fits(sentence):
                break
        pool.append(self._rewrite(sentence))
        return pool[-1]

    def content(self, text: str) -> list[str]:
        """Content words and numbers of a text, in its order."""
        return self.library.list_content(text)

    def own_words(self, sentence: str) -> list[str]:
        """Content words, without numbers, that stand once in the sentence and nowhere else."""
        counts = self._counts
        return [word for word in self.content(sentence) if counts[word] == 1 and not word.isdecimal()]

    def cut_span(self, sentence: str, n_words: int, numeric: bool = False) -> str:
        """`n_words` words in a row that begin and end with matter; "" when none was found.

        Args:
            sentence: where to cut.
            n_words: how many words, marks at the ends left out.
            numeric: the span holds a number; without, it holds none.
        """
        words = sentence.split(" ")
        for _ in range(SPAN_TRIES):
            start = self.rng.randrange(max(1, len(words) - n_words + 1))
            span = " ".join(words[start : start + n_words]).strip(MARKS)
            if has_digit(span) == numeric and self._is_whole(span, numeric):
                return span
        return ""

    def close(self, text: str, capital: bool = True) -> str:
        """The text as an option of its own: a capital in front, this reading's full stop behind."""
        text = text.strip(" ,;:.!?")
        return (text[:1].upper() + text[1:] if capital else text) + self.sentence_end

    def lower(self, text: str) -> str:
        """The text as it stands inside of a sentence: a name keeps its capital."""
        first = PIECE.match(text)
        if not first or not self.library.is_ordinary(first[0]) or not (first[0] + "a")[1:].islower():
            return text
        begins_name = first[0] not in SMALL and CAPITAL.match(text, first.end())
        return text if begins_name else text[:1].lower() + text[1:]

    def word(self, wordings: tuple[str, ...], text: str) -> str:
        """One of the wordings, about `text`."""
        return self.rng.choice(wordings).format(text)

    def put_in(self, statement: str, subject: str) -> str:
        """The statement with `subject` in place of a content word of its sort; "" when it has none."""
        sort = sort_piece(subject)
        words = [word for word in self.content(statement) if sort_piece(word) == sort]
        if not words:
            return ""
        word = self.rng.choice(words)
        return "".join(subject if piece == word else piece for piece in PIECE.findall(statement))

    def is_thing(self, word: str, sentence: str) -> bool:
        """True for names, and for words that stand behind an article or a preposition as nouns do."""
        if find_ending(word) in ("ed", "ing", "ly"):
            return False
        if word[0].isupper():
            return not self.library.is_ordinary(word)
        return any(f" {small} {word}{mark}" in sentence for small in BEFORE_NOUNS for mark in BEHIND_NOUNS)

    def is_name(self, text: str) -> bool:
        """True when the text holds a name."""
        return any(word[0].isupper() and not self.library.is_ordinary(word) for word in self.content(text))

    @cached_property
    def names(self) -> list[str]:
        """Names of the contexts, each once."""
        found = dict.fromkeys(name for text in self.contexts for name in NAME.findall(text))
        return [name for name in found if not self.library.is_ordinary(PIECE.match(name)[0])]

    def draw_name(self) -> str:
        """A name of the contexts; "" when they hold none."""
        return self.rng.choice(self.names) if self.names else ""

    def _is_whole(self, span: str, numeric: bool) -> bool:
        """Begins and ends with matter, within one clause; "about 5" may begin with what it likes."""
        pieces = PIECE.findall(span)
        if not pieces or ", " in span or ". " in span or "(" in span or ")" in span:
            return False
        is_content = self.library.is_content
        return is_content(pieces[-1]) and (numeric or is_content(pieces[0]))


def has_digit(text: str) -> bool:
    return any(map(str.isdecimal, text))


def sort_piece(piece: str) -> str:
    """Pieces of one sort may take each other's place: numbers by length, names, words by ending."""
    if piece.isdecimal():
        return f"{min(len(piece), 5)} digits"
    return "name" if piece[0].isupper() else f"-{find_ending(piece)}"
