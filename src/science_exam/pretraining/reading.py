"""What a reading task is made of: a context, and spans, statements and near misses cut from it."""

import random
from collections.abc import Sequence

from science_exam.pretraining.words import MIN_SENTENCES, PIECE, Library, Replacement, draw_number

MAX_SENTENCES = 10
MIN_STATEMENT_WORDS = 3
MAX_STATEMENT_WORDS = 18
SPAN_TRIES = 4
MARKS = " ,;:.!?()\"'“”"
# Words that a statement can lose without meaning something else.
DROPPABLE = frozenset(("a", "an", "the", "its", "their", "this", "these", "about", "roughly", "also"))


class Reading:
    """Consecutive sentences of one article, as they are or with their content words replaced.

    Sentences from elsewhere go through the same replacement, so that an option from another
    article does not differ in style from one of the context.
    """

    def __init__(self, library: Library, rng: random.Random, n_words: int, scramble: bool) -> None:
        """Draw the context.

        Args:
            library: the articles.
            rng: where all choices come from.
            n_words: words that the context may have (it gets at least three sentences).
            scramble: replace content words.
        """
        self.library, self.rng = library, rng
        self.sentence_end = rng.choice((".", ""))  # behind every option that is a statement
        self._rewrite = Replacement(library, rng).rewrite if scramble else "".join
        self._article = rng.choice(library.articles)
        self.sentences = self._draw_window(n_words)
        # Once a sentence; in a dict, since a set's order differs from process to process.
        content = [dict.fromkeys(self.content(sentence)) for sentence in self.sentences]
        self.words = [word for words in content for word in words]

    @property
    def context(self) -> str:
        return " ".join(self.sentences)

    def draw_other(self, sentence: str) -> str:
        """A random sentence of the context that is not `sentence`."""
        other = sentence
        while other == sentence:
            other = self.rng.choice(self.sentences)
        return other

    def draw_elsewhere(self) -> str:
        """A random sentence of another article, in the words of this reading."""
        article = self._article
        while article is self._article:
            article = self.rng.choice(self.library.articles)
        return self._rewrite(self.rng.choice(article.sentences))

    def content(self, text: str) -> list[str]:
        """Content words and numbers of a text, in its order."""
        return [piece for piece in PIECE.findall(text) if self.library.is_content(piece)]

    def own_words(self, sentence: str) -> list[str]:
        """Content words, without numbers, that stand in no other sentence of the context."""
        return [
            word for word in self.content(sentence) if self.words.count(word) == 1 and not word.isdecimal()
        ]

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

    def make_statement(self, sentence: str) -> str:
        """The sentence reworded: clauses turned around, long ones cut, a few small words lost."""
        rng = self.rng
        clauses = sentence.rstrip(".!?").split(", ")
        if len(clauses) > 1 and rng.random() < 0.5:
            turn = rng.randrange(1, len(clauses))
            clauses = clauses[turn:] + clauses[:turn]
        words = ", ".join(clauses).split(" ")
        if (surplus := len(words) - rng.randint(MAX_STATEMENT_WORDS // 2, MAX_STATEMENT_WORDS)) > 0:
            start = rng.randint(0, surplus)
            words = words[start : start + len(words) - surplus]
        words = [word for word in words if word.lower() not in DROPPABLE or rng.random() < 0.5]
        if len(words) > MIN_STATEMENT_WORDS and rng.random() < 0.5:
            del words[rng.randrange(len(words))]
        return self.close(" ".join(words))

    def close(self, text: str, capital: bool = True) -> str:
        """The text as an option of its own: a capital in front, this reading's full stop behind."""
        text = text.strip(MARKS)
        return (text[:1].upper() + text[1:] if capital else text) + self.sentence_end

    def exchange(self, text: str, word: str, other: str) -> str:
        """The text with `other` wherever `word` stands."""
        return "".join(other if piece == word else piece for piece in PIECE.findall(text))

    def miss(self, text: str, donors: Sequence[str]) -> str:
        """The text with its numbers, or one of its words, taken from `donors` or drawn."""
        pieces = PIECE.findall(text)
        places = [i for i, piece in enumerate(pieces) if self.library.is_content(piece)]
        numbers = [i for i in places if pieces[i].isdecimal()]
        if numbers and self.rng.random() < 0.6:
            for i in numbers:
                pieces[i] = self._other_number(pieces[i], donors)
        elif places:
            i = self.rng.choice(places)
            pieces[i] = self._other_word(pieces[i], donors)
        return "".join(pieces)

    def _is_whole(self, span: str, numeric: bool) -> bool:
        """Begins and ends with matter, within one clause; "about 5" may begin with what it likes."""
        pieces = PIECE.findall(span)
        if not pieces or ", " in span or ". " in span:
            return False
        is_content = self.library.is_content
        return is_content(pieces[-1]) and (numeric or is_content(pieces[0]))

    def _other_word(self, piece: str, donors: Sequence[str]) -> str:
        kind = _kind(piece)
        alike = [donor for donor in donors if _kind(donor) == kind and donor != piece]
        return self.rng.choice(alike) if alike else self.library.draw_like(piece, self.rng)

    def _other_number(self, piece: str, donors: Sequence[str]) -> str:
        numbers = [donor for donor in donors if donor.isdecimal() and donor != piece]
        if numbers and self.rng.random() < 0.5:
            return self.rng.choice(numbers)
        return draw_number(max(1, len(piece) + self.rng.randint(-1, 1)), self.rng)

    def _draw_window(self, n_words: int) -> list[str]:
        """Consecutive sentences, grown to both sides of a random one while they fit."""
        sentences, sizes = self._article.sentences, self._article.n_words
        first = self.rng.randrange(len(sentences))
        last, total = first + 1, sizes[first]
        while last - first < min(MAX_SENTENCES, len(sentences)):
            forward = last < len(sentences) and (first == 0 or self.rng.random() < 0.5)
            total += sizes[last] if forward else sizes[first - 1]
            if total > n_words and last - first >= MIN_SENTENCES:
                break
            first, last = (first, last + 1) if forward else (first - 1, last)
        return [self._rewrite(sentence) for sentence in sentences[first:last]]


def has_digit(text: str) -> bool:
    return any(character.isdecimal() for character in text)


def _kind(piece: str) -> int:
    """Number, name or word."""
    return 0 if piece.isdecimal() else 1 if piece[0].isupper() else 2
