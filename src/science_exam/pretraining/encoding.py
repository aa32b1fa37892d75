"""Tokenizing with a memory: what the tokenizer says of a word is asked once.

The tokenizer cuts text into pieces (words with the space before them, marks, digits, white space)
and merges bytes within each piece alone. So ids of pieces can be kept, and text becomes a run of
dictionary look-ups: three times as fast as the tokenizer itself and more, where most words are old ones.
"""

import regex
from transformers import PreTrainedTokenizerBase

# How `train_tokenizer`'s tokenizers cut text: every numeral alone, otherwise as GPT-2. White space
# gives its last character to the word behind it, unless that begins with a numeral.
PIECE = regex.compile(
    r"\p{N}|'(?:[stmd]|re|ve|ll)| ?\p{L}+| ?[^\s\p{L}\p{N}]+|\s+(?![^\s\p{N}])|\s+",
)


# Pieces that are kept; texts with invented words would fill the memory otherwise.
MAX_PIECES = 300_000


class Encoder(dict[str, tuple[int, ...]]):
    """Pieces and their ids; grows as text is encoded."""

    def __init__(self, tokenizer: PreTrainedTokenizerBase) -> None:
        super().__init__()
        self._tokenizer = tokenizer.backend_tokenizer

    def __missing__(self, piece: str) -> tuple[int, ...]:
        if len(self) >= MAX_PIECES:
            self.clear()
        self[piece] = tuple(self._tokenizer.encode(piece, add_special_tokens=False).ids)
        return self[piece]

    def encode(self, text: str) -> list[int]:
        """The tokenizer's ids of the text, without opening and closing tokens."""
        return [token for piece in PIECE.findall(text) for token in self[piece]]
