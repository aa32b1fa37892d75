"""How a model judges the options one by one: right or wrong, behind a beginning that all five share.

    instruction
    Context: …                 (optional)
    question
    Proposed answer: …         (one prompt an option)
    ### Response:
    yes</s>                    (or no)

The options are ranked by how much likelier yes is than no, as the competition's best models did it.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from science_exam.errors import UserError
from science_exam.prompt import INPUT_END, TEMPLATE, Question, check_fits, encode_fitting, encode_text
from science_exam.tables import OPTION_COLUMNS

INSTRUCTION = (
    "Here is a question on a science-related topic and an answer that was proposed. "
    "Respond with 'yes' if the proposed answer is right, and with 'no' if it is not."
)
VERDICTS = ("yes", "no")


@dataclass(frozen=True)
class _Fitted:
    """A context, and the tokens of the longest of its five prompts."""

    context: str
    n_tokens: int

    def __len__(self) -> int:
        return self.n_tokens


def encode_judgements(question: Question, tokenizer, max_tokens: int) -> list[list[int]]:
    """Token ids of the five prompts, short enough that each fits into `max_tokens` with its verdict.

    Only the context gives way, whole sentences from its end, and for all five alike.

    Raises:
        UserError: an option does not fit even without context.
    """
    longest = max(question.options, key=lambda option: len(encode_text(tokenizer, option)))

    def fit(context: str) -> _Fitted:
        return _Fitted(context, len(_encode(question, longest, context, tokenizer)))

    context = encode_fitting(question, fit, _find_budget(tokenizer, max_tokens)).context
    return [_encode(question, option, context, tokenizer) for option in question.options]


def check_judgements(questions: Sequence[Question], tokenizer, max_tokens: int) -> None:
    """Raise `encode_judgements`' UserError for the first question that cannot fit, before any work."""
    budget = _find_budget(tokenizer, max_tokens)
    for question in questions:
        longest = max(len(_encode(question, option, "", tokenizer)) for option in question.options)
        check_fits(question, longest, budget)


def build_judgements(questions: Sequence[Question], tokenizer, max_tokens: int) -> list[dict]:
    """Five rows a question: `input_ids`, `completion_mask` (1 on the verdict) and `group`, the question's id.

    Raises:
        UserError: a question without an answer, or one that cannot fit.
    """
    right, wrong = encode_verdicts(tokenizer)
    rows = []
    for question in questions:
        if question.answer is None:
            raise UserError(f"question {question.question_id!r}: expected an answer to train on")
        for number, prompt in enumerate(encode_judgements(question, tokenizer, max_tokens), start=1):
            verdict = right if number == question.answer else wrong
            mask = [0] * len(prompt) + [1] * len(verdict)
            rows.append(
                {"input_ids": prompt + verdict, "completion_mask": mask, "group": question.question_id}
            )
    return rows


def encode_verdicts(tokenizer) -> list[list[int]]:
    """Token ids of yes and no, each closed by the end-of-text token."""
    encoded = tokenizer(list(VERDICTS), add_special_tokens=False)["input_ids"]
    return [[*ids, tokenizer.eos_token_id] for ids in encoded]


def rank_judged(verdicts: np.ndarray) -> np.ndarray:
    """Probabilities of the verdicts on each option -> probabilities of the options.

    Args:
        verdicts: (questions × options, 2) of yes and no, question by question.

    Returns:
        (questions, options): softmax of log yes - log no.
    """
    logs = np.log(np.maximum(verdicts, np.finfo(float).tiny))
    odds = (logs[:, 0] - logs[:, 1]).reshape(-1, len(OPTION_COLUMNS))
    weights = np.exp(odds - odds.max(axis=1, keepdims=True))
    return weights / weights.sum(axis=1, keepdims=True)


def _encode(question: Question, option: str, context: str, tokenizer) -> list[int]:
    asked = f"{question.prompt.strip()}\nProposed answer: {option}".rstrip()
    text = f"Context: {context}\n\n{asked}" if context else asked
    return encode_text(tokenizer, TEMPLATE.format(instruction=INSTRUCTION, input=text) + INPUT_END)


def _find_budget(tokenizer, max_tokens: int) -> int:
    return max_tokens - max(len(ids) for ids in encode_verdicts(tokenizer))
