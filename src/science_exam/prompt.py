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

import re
from dataclasses import dataclass

import pandas as pd

from science_exam.errors import UserError
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
    "### Instruction:\n{instruction}\n\n### Input:\n{input}\n\n### Response:\n"
)
COMPLETIONS = tuple(f"option_{number}" for number in range(1, 6))

# A sentence ends at . ! or ? (with closing quotes or brackets) before white space and a capital,
# a digit or an opening mark, or at a line break.
SENTENCE_END = re.compile(r"(?<=[.!?])[\"'”’)\]]*\s+(?=[\"'“‘(\[]*[A-Z0-9])|\n+")
# Text without sentence ends (a table, a list) still has to be cut somewhere.
MAX_SENTENCE_CHARS = 400


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
        best = contexts[contexts["rank"] <= max_contexts].sort_values(["question_id", "rank"])
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
    lines = [f"Context: {context}\n"] if context else []
    lines.append(question.prompt.strip())
    lines += [f"option_{i}: {text}".rstrip() for i, text in enumerate(question.options, start=1)]
    return TEMPLATE.format(instruction=INSTRUCTION, input="\n".join(lines))


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
    budget = max_tokens - max(len(ids) for ids in encode_completions(tokenizer))
    sentences = [sentence for text in question.contexts for sentence in split_sentences(text)]

    def encode(n_sentences: int) -> list[int]:
        return _encode(tokenizer, build_prompt(question, " ".join(sentences[:n_sentences])))

    # Binary search for the most sentences that fit; the text only grows with their number.
    best, low, high = encode(0), 1, len(sentences)
    if len(best) > budget:
        raise UserError(
            f"question {question.question_id!r} has {len(best)} tokens without any context, "
            f"expected at most {budget}; raise max_tokens or drop the question"
        )
    middle = high  # most questions fit whole: try that first
    while low <= high:
        ids = encode(middle)
        if len(ids) <= budget:
            best, low = ids, middle + 1
        else:
            high = middle - 1
        middle = (low + high) // 2
    return best


def encode_completions(tokenizer) -> list[list[int]]:
    """Token ids of the five possible answers, each closed by the end-of-text token."""
    return [
        tokenizer(text, add_special_tokens=False)["input_ids"] + [tokenizer.eos_token_id]
        for text in COMPLETIONS
    ]


def split_sentences(text: str) -> list[str]:
    """Sentences of `text` in order, stripped; stretches without a sentence end are cut at spaces.

    Example:
        >>> split_sentences("Water boils at 373.15 K. Ice melts at 273.15 K.")
        ['Water boils at 373.15 K.', 'Ice melts at 273.15 K.']
    """
    sentences = (part.strip() for part in SENTENCE_END.split(text))
    return [piece for sentence in sentences if sentence for piece in _cut_at_spaces(sentence)]


def _cut_at_spaces(sentence: str) -> list[str]:
    pieces = []
    while len(sentence) > MAX_SENTENCE_CHARS:
        cut = sentence.rfind(" ", 1, MAX_SENTENCE_CHARS)
        cut = cut if cut > 0 else MAX_SENTENCE_CHARS
        pieces.append(sentence[:cut])
        sentence = sentence[cut:].strip()
    return [*pieces, sentence] if sentence else pieces


def _encode(tokenizer, text: str) -> list[int]:
    """Ids with the tokenizer's opening tokens; a closing one would end the text before the answer."""
    ids = tokenizer(text)["input_ids"]
    return ids[:-1] if ids and ids[-1] == tokenizer.eos_token_id else ids
