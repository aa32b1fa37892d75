"""How an encoder reads a question: five pairs of texts, one an option, each of which gets a score.

    [CLS] context [SEP] question option_n [SEP]

with the special tokens and the segment ids of the base's own tokenizer. All five have the same context.
"""

from collections.abc import Sequence

import numpy as np

from science_exam.errors import UserError
from science_exam.prompt import Question, check_fits, encode_fitting

Row = dict[str, list[np.ndarray]]


def is_encoder(model_type: str | None) -> bool:
    """Whether models of this type (`model_type` in config.json) have a multiple-choice head: BERT, DeBERTa
    and their like, but no model that writes text."""
    from transformers.models.auto.modeling_auto import MODEL_FOR_MULTIPLE_CHOICE_MAPPING_NAMES

    return model_type in MODEL_FOR_MULTIPLE_CHOICE_MAPPING_NAMES


def encode_choices(question: Question, tokenizer, max_tokens: int) -> Row:
    """Token ids of the five pairs, none longer than `max_tokens`.

    Only the context gives way, whole sentences from its end, until the longest option fits; question and
    options are never cut.

    Args:
        question: with its contexts.
        tokenizer: of `load_encoder_tokenizer`.
        max_tokens: of a pair, special tokens included.

    Returns:
        input_ids, and token_type_ids where the base has segments: each a list of five (tokens,) int32.

    Raises:
        UserError: an option does not fit even without context.
    """
    backend = tokenizer.backend_tokenizer
    tails = _encode_tails(question, tokenizer)
    longest = _count_bare(tails, tokenizer)
    check_fits(question, longest, max_tokens)
    context = encode_fitting(
        question, lambda text: backend.encode(text, add_special_tokens=False), max_tokens - longest
    )
    pairs = [backend.post_process(context, tail) for tail in tails]
    row = {"input_ids": [np.array(pair.ids, dtype=np.int32) for pair in pairs]}
    if "token_type_ids" in tokenizer.model_input_names:
        row["token_type_ids"] = [np.array(pair.type_ids, dtype=np.int32) for pair in pairs]
    return row


def check_choices(questions: Sequence[Question], tokenizer, max_tokens: int) -> None:
    """Raise `encode_choices`' UserError for the first question that cannot fit, before any work."""
    for question in questions:
        check_fits(question, _count_bare(_encode_tails(question, tokenizer), tokenizer), max_tokens)


def build_choices(questions: Sequence[Question], tokenizer, max_tokens: int) -> list[dict]:
    """Rows to train on: those of `encode_choices` with `labels`, the right option from 0.

    Raises:
        UserError: a question without an answer, or one that cannot fit.
    """
    rows = []
    for question in questions:
        if question.answer is None:
            raise UserError(f"question {question.question_id!r}: expected an answer to train on")
        rows.append({**encode_choices(question, tokenizer, max_tokens), "labels": question.answer - 1})
    return rows


def measure_choices(row: Row) -> int:
    """Tokens of the longest of a row's pairs."""
    return max(len(ids) for ids in row["input_ids"])


def pad_choices(rows: Sequence[Row], pad_id: int) -> dict:
    """The inputs of a multiple-choice model, tensors of (rows, 5, longest); labels (rows,) where there are.

    Args:
        rows: of `encode_choices` or `build_choices`.
        pad_id: of the padding, which is masked.
    """
    import torch

    width = max(map(measure_choices, rows))

    def pad(pairs_of_rows: list[list[np.ndarray]], filler: int) -> torch.Tensor:
        padded = np.full((len(rows), len(pairs_of_rows[0]), width), filler)
        for row, pairs in zip(padded, pairs_of_rows, strict=True):
            for line, values in zip(row, pairs, strict=True):
                line[: len(values)] = values
        return torch.from_numpy(padded)

    inputs = {"input_ids": pad([row["input_ids"] for row in rows], pad_id)}
    inputs["attention_mask"] = pad([[np.ones_like(ids) for ids in row["input_ids"]] for row in rows], 0)
    if "token_type_ids" in rows[0]:
        inputs["token_type_ids"] = pad([row["token_type_ids"] for row in rows], 0)
    if "labels" in rows[0]:
        inputs["labels"] = torch.tensor([row["labels"] for row in rows])
    return inputs


def _encode_tails(question: Question, tokenizer) -> list:
    """Encodings of what comes behind the context, one an option."""
    texts = [f"{question.prompt.strip()} {option}".rstrip() for option in question.options]
    return tokenizer.backend_tokenizer.encode_batch(texts, add_special_tokens=False)


def _count_bare(tails: list, tokenizer) -> int:
    """Tokens of the longest pair with an empty context."""
    return max(map(len, tails)) + tokenizer.num_special_tokens_to_add(pair=True)
