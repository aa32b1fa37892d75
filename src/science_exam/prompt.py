"""The one prompt, used by training and by answering.

    instruction
    Context: …                 (optional; before the question, so that reorderings of the options
    question                    share the longest possible prefix)
    option_1: … option_5: …
    ### Response:
    option_2</s>               (the completion)

Prompt and completion are tokenized apart and joined as ids, so that the tokens before the answer
are the same in training and in answering with every tokenizer.
"""

from bisect import bisect_right
from collections.abc import Callable, Iterator, Sequence, Sized
from dataclasses import dataclass
from typing import TypeVar

import pandas as pd

from science_exam.errors import UserError
from science_exam.sentences import find_sentence_ends
from science_exam.tables import OPTION_COLUMNS

# The instruction of the published Llama-3.1 fine-tune of this competition, kept to the letter so
# that results compare; the frame around it is Stanford Alpaca's (Apache-2.0).
INSTRUCTION = (
    "Here is a multiple-choice question generated from a Wikipedia page on a science-related topic. "
    "Each question has five options. After reading the question and the five options, please respond "
    "with 'option_1', 'option_2', 'option_3', 'option_4', or 'option_5' to indicate the correct "
    "answer. Only provide the answer without any additional explanation. You must select one option, "
    "and blank responses are not allowed."
)
TEMPLATE = (
    "Below is an instruction that describes a task, paired with an input that provides further "
    "context. Write a response that appropriately completes the request.\n\n"
    "### Instruction:\n{instruction}\n\n### Input:\n{input}"
)
INPUT_END = "\n\n### Response:\n"
COMPLETIONS = tuple(f"option_{number}" for number in range(1, 6))

TEXTS_TOGETHER = 64  # that are tokenized in one call: enough for all cores, and little memory
SAMPLED, WORTH_SAYING = 100, 0.05  # prompts whose length is looked at, and the share of them that is cut

Tokens = TypeVar("Tokens", bound=Sized)
Rows = TypeVar("Rows", Sequence["Question"], pd.DataFrame)


@dataclass(frozen=True)
class Question:
    """One question with what the model may read about it; `contexts` are ranked, best first."""

    question_id: str
    prompt: str
    options: tuple[str, ...]
    answer: int | None = None  # 1-5
    contexts: tuple[str, ...] = ()


def join_contexts(
    questions: pd.DataFrame, contexts: pd.DataFrame | None, max_contexts: int
) -> list[Question]:
    """Questions table + contexts table -> questions in the table's order.

    Args:
        questions: a questions table.
        contexts: a contexts table, or None to answer closed book.
        max_contexts: how many of the best contexts each question keeps.
    """
    texts: dict[str, tuple[str, ...]] = {}
    if contexts is not None:
        is_read = contexts["question_id"].isin(questions["question_id"]) & (contexts["rank"] <= max_contexts)
        best = contexts[is_read].sort_values(["question_id", "rank"])
        texts = best.groupby("question_id")["text"].agg(tuple).to_dict()
    return [
        Question(
            question_id=row["question_id"],
            prompt=row["prompt"],
            options=tuple(row[column] for column in OPTION_COLUMNS),
            answer=None if pd.isna(row["answer"]) else int(row["answer"]),
            contexts=texts.get(row["question_id"], ()),
        )
        for row in questions.to_dict("records")
    ]


def build_prompt(question: Question, context: str = "") -> str:
    """The whole prompt as text, up to the point where the answer begins."""
    frame = TEMPLATE.format(instruction=INSTRUCTION, input=f"Context: {context}\n\n" if context else "")
    return frame + build_input(question) + INPUT_END


def build_input(question: Question) -> str:
    """Question and options, a line each."""
    return "\n".join([question.prompt.strip(), *_option_lines(question)])


def find_option_ends(question: Question, prompt: str) -> list[int]:
    """Offsets behind each option in a text that ends as `build_prompt`'s does."""
    ends = [len(prompt) - len(INPUT_END)]
    for line in reversed(_option_lines(question)[1:]):
        ends.append(ends[-1] - len(line) - 1)
    return ends[::-1]


def _option_lines(question: Question) -> list[str]:
    return [f"option_{i}: {text}".rstrip() for i, text in enumerate(question.options, start=1)]


def encode_prompt(question: Question, tokenizer, max_tokens: int) -> list[int]:
    """Token ids of the prompt, short enough that prompt and answer fit into `max_tokens`.

    Only the context gives way, whole sentences from its end (so from the worst-ranked passage);
    question, options and answer are never cut.

    Args:
        question: with its contexts.
        tokenizer: a Hugging Face tokenizer.
        max_tokens: the budget for prompt + completion.

    Raises:
        UserError: the question does not fit even without context.
    """
    [ids] = encode_prompts([question], tokenizer, max_tokens)
    return ids


def encode_prompts(questions: Sequence[Question], tokenizer, max_tokens: int) -> Iterator[list[int]]:
    """What `encode_prompt` gives for each question, in turn; texts are tokenized many at a time."""
    budget = _count_room(tokenizer, max_tokens)
    for start in range(0, len(questions), TEXTS_TOGETHER):
        some = questions[start : start + TEXTS_TOGETHER]
        for question, whole in zip(some, _encode_whole(some, tokenizer), strict=True):

            def encode(context: str, question: Question = question) -> list[int]:
                return encode_text(tokenizer, build_prompt(question, context))

            yield whole if len(whole) <= budget else _shorten(question, encode, budget, len(whole))


def encode_fitting(question: Question, encode: Callable[[str], Tokens], budget: int) -> Tokens:
    """What `encode` makes of the contexts, or of as many of their first sentences as `budget` allows.

    Args:
        question: with its contexts.
        encode: a context -> tokens; they only grow with it.
        budget: of tokens.

    Raises:
        UserError: there are too many without any context.
    """
    whole = encode("\n".join(question.contexts).strip())
    return whole if len(whole) <= budget else _shorten(question, encode, budget, len(whole))


def _shorten(question: Question, encode: Callable[[str], Tokens], budget: int, n_whole: int) -> Tokens:
    """As many of the first sentences as fit, where all of them are `n_whole` tokens and do not."""
    fitting = encode("")
    check_fits(question, len(fitting), budget)
    context = "\n".join(question.contexts)
    ends = [0, *find_sentence_ends(context)]  # the context may end at any of these places
    low, high, n_high = 0, len(ends) - 1, n_whole  # sentences that fit, and that do not
    while high - low > 1:
        # Tokens are about evenly spread: the place shows in fewer steps than by halving.
        share = (budget - len(fitting)) / (n_high - len(fitting))
        middle = bisect_right(ends, ends[low] + share * (ends[high] - ends[low])) - 1
        middle = min(max(middle, low + 1), high - 1)
        tokens = encode(context[: ends[middle]].strip())
        if len(tokens) <= budget:
            low, fitting = middle, tokens
        else:
            high, n_high = middle, len(tokens)
    return fitting


def _encode_whole(questions: Sequence[Question], tokenizer) -> list[list[int]]:
    """Token ids of the prompts with all of their contexts, however long."""
    texts = [build_prompt(question, "\n".join(question.contexts).strip()) for question in questions]
    return encode_texts(tokenizer, texts) if texts else []


def _count_room(tokenizer, max_tokens: int) -> int:
    """Tokens that a prompt may have, so that every answer fits behind it."""
    return max_tokens - max(map(len, encode_completions(tokenizer)))


def thin_out(rows: Rows) -> Rows:
    """At most `SAMPLED` of the rows of a list or a table, evenly spread: enough for `describe_cuts`."""
    return rows[:: max(1, -(-len(rows) // SAMPLED))]


def describe_cuts(questions: Sequence[Question], tokenizer, max_tokens: int) -> str:
    """How many of these prompts lose sentences of their contexts; empty where few do."""
    budget = _count_room(tokenizer, max_tokens)
    n_cut = sum(len(ids) > budget for ids in _encode_whole(questions, tokenizer))
    if n_cut <= WORTH_SAYING * len(questions):
        return ""
    return (
        f"{n_cut / len(questions):.0%} of the prompts are longer than max_tokens={max_tokens:,} and lose the "
        f"ends of their contexts; with fewer passages (max_contexts) the best ones stay whole"
    )


def check_prompts(questions: Sequence[Question], tokenizer, max_tokens: int) -> None:
    """Raise `encode_prompt`'s UserError for the first question that cannot fit, before any work."""
    budget = _count_room(tokenizer, max_tokens)
    # One character stands for question and options: tokens do not reach from before them to behind them.
    n_frame = len(encode_text(tokenizer, build_prompt(Question("", "Q", ()))))
    for question in questions:
        text = build_input(question)
        # In ASCII a token has at least a character; other characters can be several.
        if not text.isascii() or n_frame + len(text) > budget:
            check_fits(question, len(encode_text(tokenizer, build_prompt(question))), budget)


def check_fits(question: Question, n_tokens: int, budget: int) -> None:
    """Raise a UserError when the question alone, without any context, has more tokens than `budget`."""
    if n_tokens > budget:
        raise UserError(
            f"question {question.question_id!r} has {n_tokens} tokens without any context, "
            f"expected at most {budget}; raise max_tokens or drop the question"
        )


def encode_completions(tokenizer) -> list[list[int]]:
    """Token ids of the five possible answers, each closed by the end-of-text token."""
    encoded = tokenizer(list(COMPLETIONS), add_special_tokens=False)["input_ids"]
    return [[*ids, tokenizer.eos_token_id] for ids in encoded]


def encode_text(tokenizer, text: str) -> list[int]:
    """Ids with the tokenizer's opening tokens; a closing one would end the text before the answer."""
    [ids] = encode_texts(tokenizer, [text])
    return ids


def encode_texts(tokenizer, texts: list[str]) -> list[list[int]]:
    """`encode_text` of each; a fast tokenizer shares them between the cores, where it is allowed to."""
    encoded = tokenizer(texts, return_attention_mask=False, return_token_type_ids=False)["input_ids"]
    return [ids[:-1] if ids and ids[-1] == tokenizer.eos_token_id else ids for ids in encoded]
