"""Decoding that cannot leave a JSON schema: at every step only tokens that the form allows."""

import json
from collections.abc import Sequence

import numpy as np

from science_exam.errors import UserError

WORD_BITS = 32  # tokens in a word of a mask
# No free white space: a model that fills the rest of its reply with it would never come to an end. Strings
# escape what they must and nothing else.
FORM = {
    "whitespace_flexible": False,
    "item_separator": ", ",
    "key_separator": ": ",
    "json_allowed_escapes": '"\\',
}


def wrap_tokenizer(tokenizer, vocab_size: int, eos_ids: Sequence[int]):
    """The tokenizer as llguidance sees it; takes a second or two, so make it once.

    Args:
        tokenizer: a Hugging Face tokenizer.
        vocab_size: entries of the model's output, which may be more than the tokenizer has.
        eos_ids: tokens that end a reply.

    Raises:
        UserError: the tokenizer has no fast backend, or one whose tokens do not spell out bytes.
    """
    from llguidance.hf import from_tokenizer

    try:
        return from_tokenizer(tokenizer, n_vocab=max(vocab_size, len(tokenizer)), eos_token=list(eos_ids))
    except ValueError as error:
        raise UserError(
            f"{tokenizer.name_or_path!r}: replies are held to their form through a fast tokenizer "
            f"(tokenizer.json) that can be read byte by byte; this one cannot be used ({error}); use another "
            f"model, or engine=endpoint"
        ) from None


def compile_schema(tokenizer, schema: dict):
    """A matcher of `schema` at its beginning; each reply follows a copy of it.

    Args:
        tokenizer: from `wrap_tokenizer`.
        schema: a JSON schema.

    Raises:
        UserError: a schema that cannot be followed.
    """
    from llguidance import LLMatcher

    grammar = LLMatcher.grammar_from_json_schema(json.dumps(schema), overrides=FORM)
    matcher = LLMatcher(tokenizer, grammar, log_level=0)
    if matcher.is_error():
        raise UserError(f"the replies' schema cannot be followed: {matcher.get_error()}")
    return matcher


class SchemaConstraint:
    """A logits processor of transformers that keeps the rows of one batch to a schema.

    A row that has closed its object may only end; so may one whose form cannot be followed further.
    """

    def __init__(self, matcher, n_rows: int, n_vocab: int) -> None:
        """`matcher` is copied for each row; `n_vocab` is that of its tokenizer."""
        from llguidance import LLExecutor

        self._matchers = [matcher.deep_copy() for _ in range(n_rows)]
        self._executor = LLExecutor()
        self._words = np.zeros((n_rows, -(-n_vocab // WORD_BITS)), dtype=np.int32)
        self._begun = False

    def __call__(self, input_ids, scores):
        """`scores` (rows, vocabulary) without the tokens that the form forbids next.

        Args:
            input_ids: (rows, tokens), prompt and reply so far.
            scores: logits of the next token.
        """
        if self._begun:
            for matcher, token in zip(self._matchers, input_ids[:, -1].tolist(), strict=True):
                if not matcher.is_stopped():
                    matcher.consume_token(token)
        self._begun = True
        return scores.masked_fill(~self._list_allowed(scores.device)[:, : scores.shape[1]], -np.inf)

    def _list_allowed(self, device):
        """Mask of the allowed tokens, (rows, at least the vocabulary)."""
        import torch
        from llguidance.numpy import fill_next_token_bitmask_par

        rows = [(matcher, row) for row, matcher in enumerate(self._matchers)]
        fill_next_token_bitmask_par(self._executor, rows, self._words)
        words = torch.from_numpy(self._words).to(device)  # (rows, words)
        bits = words[:, :, None] >> torch.arange(WORD_BITS, dtype=torch.int32, device=device)
        return (bits & 1).bool().flatten(1)
