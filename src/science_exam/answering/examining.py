"""From questions to a sheet of answers, with the reader that fits the model."""

import os
from collections.abc import Callable, Mapping, Sequence

import numpy as np
import pandas as pd

from science_exam.answering.deadline import Deadline, Limits
from science_exam.answering.exam import measure_texts
from science_exam.answering.packed import PackedReader
from science_exam.answering.padded import PaddedReader
from science_exam.answering.passes import Examination, Pass, Reader
from science_exam.answering.sheet import Sheet, rank_by_length
from science_exam.answering.views import list_orders, reorder
from science_exam.errors import UserError
from science_exam.prompt import Question, check_prompts, encode_completions, encode_prompts
from science_exam.training.fast.support import find_reading_obstacle

ORDER_SEED = 0


def choose_reader(model, tokenizer, options: Sequence[Sequence[int]], max_tokens: int) -> Reader:
    """Packed rows where the model can read them, else padded ones.

    Args:
        model: a causal language model in eval mode, bare or PEFT's.
        tokenizer: the base's.
        options: token ids of each option; one token decides.
        max_tokens: of the longest prompt.
    """
    if find_reading_obstacle(model, max_tokens) is None:
        return PackedReader(model, options, model.get_input_embeddings().weight.dtype)
    return PaddedReader(model, options, tokenizer.pad_token_id)


def plan_passes(
    readings: Sequence[Sequence[Question]],
    tokenizer,
    max_tokens: int,
    n_views: int,
    voices: Mapping[str, np.ndarray | None],
    apart: bool,
) -> list[Pass]:
    """The ways to ask: of every adapter, with every set of contexts, in every order of the options.

    Args:
        readings: the same questions with each set of contexts.
        tokenizer: the base's.
        max_tokens: of a prompt with its answer.
        n_views: orders of the options.
        voices: adapters that answer, and which questions ((questions,) bool; None: all).
        apart: first passes ask in the order given alone, since time may be short.
    """
    orders = list_orders(len(readings[0][0].options) if readings[0] else 5, n_views, ORDER_SEED)
    parts = [orders[:1], orders[1:]] if apart else [orders]
    return [
        make_pass(asked, tokenizer, max_tokens, part, adapter, asks)
        for part in parts
        if part
        for adapter, asks in voices.items()
        for asked in readings
    ]


def make_pass(
    asked: Sequence[Question],
    tokenizer,
    max_tokens: int,
    orders: Sequence[tuple[int, ...]],
    adapter: str,
    asks: np.ndarray | None,
) -> Pass:
    """The pass that asks one adapter with one set of contexts."""

    def encode(numbers: Sequence[int]) -> list[list[list[int]] | None]:
        os.environ["TOKENIZERS_PARALLELISM"] = "true"  # all cores: the first pack waits for it
        ways = [reorder(asked[number], order) for number in numbers for order in orders]
        try:
            prompts = list(encode_prompts(ways, tokenizer, max_tokens))
        except UserError:  # find which
            return [None] if len(numbers) == 1 else [one for number in numbers for one in encode([number])]
        return [prompts[start : start + len(orders)] for start in range(0, len(prompts), len(orders))]

    return Pass(encode, measure_texts(asked), orders, adapter, asks=asks)


def examine(
    model,
    tokenizer,
    readings: Sequence[Sequence[Question]],
    max_tokens: int,
    tokens_together: int,
    n_views: int,
    voices: Mapping[str, np.ndarray | None],
    limits: Limits | None = None,
    tabulate: Callable[[np.ndarray], pd.DataFrame] | None = None,
    progress: str | None = None,
) -> Sheet:
    """Answer the questions.

    Args:
        model: a causal language model in eval mode, bare or PEFT's.
        tokenizer: the base's.
        readings: the questions with each set of contexts; the answers are averaged.
        max_tokens: of a prompt with its answer.
        tokens_together: that go through the model at once.
        n_views: orders of the options whose answers are averaged.
        voices: adapters whose answers are averaged, and the questions that each answers; None: all.
        limits: None: there is time for all of it, and nothing is kept on the way.
        tabulate: with limits: (questions, 5) probabilities -> predictions table.
        progress: label of a progress bar, or None.

    Raises:
        UserError: a question that cannot fit; where the time is limited its longest option comes first.
    """
    deadline = Deadline(0) if limits is None else limits.deadline
    if not deadline.has_end:
        check_prompts(readings[0], tokenizer, max_tokens)
    reader = choose_reader(model, tokenizer, encode_completions(tokenizer), max_tokens)
    sheet = Sheet.blank(rank_by_length([question.options for question in readings[0]]))
    if limits is not None:
        limits.begin()
        if limits.sheet.is_file():
            sheet = Sheet.load(limits.sheet)

    def save(sheet: Sheet) -> None:
        if limits is not None:
            sheet.save(limits.sheet)
            limits.keep(tabulate(sheet.probabilities))

    save(sheet)  # from now on there is an answer to every question
    passes = plan_passes(readings, tokenizer, max_tokens, n_views, voices, apart=deadline.has_end)
    Examination(reader, sheet, tokens_together, deadline, save).work_off(passes, progress)
    return sheet
