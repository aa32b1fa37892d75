"""The questions of answer_speed.py, and the operations that answering them cannot do without."""

import gzip
import json
import random
import re
from collections.abc import Iterator, Sequence
from dataclasses import replace
from itertools import chain, cycle, islice
from pathlib import Path

from science_exam.errors import UserError
from science_exam.prompt import Question, check_prompts
from science_exam.training.fast.rows import Group, Row, count_shared

SEED = 3407
CONTEXT = "Context: "
OPTION = re.compile(r"\noption_[1-5]: ?")
CONTEXT_TOKENS = 600


def read_questions(path: str, tokenizer, max_tokens: int) -> list[Question]:
    """The questions of a file of rows in a seeded order; those that cannot fit are left out."""
    with (gzip.open if path.endswith(".gz") else open)(path, "rt", encoding="utf-8") as file:
        found = (parse_row(number, json.loads(line)) for number, line in enumerate(file))
        questions = [question for question in found if fits(question, tokenizer, max_tokens)]
    if not questions:
        raise UserError(f"{path}: expected questions with five options of {max_tokens} tokens, found none")
    random.Random(SEED).shuffle(questions)
    return questions


def parse_row(number: int, row: dict) -> Question:
    """A training row -> its question."""
    asked, *options = OPTION.split(row["input"])
    context = ""
    if asked.startswith(CONTEXT):
        context, _, asked = asked.removeprefix(CONTEXT).rpartition("\n\n")
    return Question(str(number), asked, tuple(options), contexts=(context.strip(),) if context else ())


def fits(question: Question, tokenizer, max_tokens: int) -> bool:
    """False for a question that cannot be asked."""
    if len(question.options) != 5:
        return False
    try:
        check_prompts([question], tokenizer, max_tokens)
    except UserError:
        return False
    return True


def lengthen_contexts(asked: Sequence[Question], opened: Sequence[Question], tokenizer) -> list[Question]:
    """The questions of `asked` behind contexts of about 600 tokens, made of those of `opened`."""
    texts = cycle(filter(None, chain.from_iterable(question.contexts for question in opened)))
    return [replace(question, contexts=(draw_context(texts, tokenizer),)) for question in asked]


def draw_context(texts: Iterator[str], tokenizer) -> str:
    """As many of the next texts as it takes."""
    ids: list[int] = []
    while len(ids) < CONTEXT_TOKENS:
        ids += tokenizer(next(texts) + " ", add_special_tokens=False)["input_ids"]
    return tokenizer.decode(ids[:CONTEXT_TOKENS])


def repeat_questions(questions: Sequence[Question], n: int) -> list[Question]:
    """So many questions, begun again when there are too few."""
    return list(islice(cycle(questions), n))


def group_prompts(prompts: Sequence[Sequence[int]], forced: Sequence[int]) -> Group:
    """Prompts of one question with the tokens that every answer begins with; what they share is read once."""
    rows = [Row([*prompt, *forced, 0], len(prompt) + len(forced)) for prompt in prompts]
    return Group(tuple(rows), count_shared(rows))


def count_flops(config: dict, group: Group) -> int:
    """Floating-point operations without which a Llama cannot say what follows the rows of a group.

    Two a weight and token; in the last block all tokens need keys and values, and those alone that an answer
    follows need the rest. Attention takes four a token, a token before it and number of a query's state.
    Left out are adapters, which could be merged, the head on a few tokens, and all that is element-wise.

    Args:
        config: what the base's config.json holds.
        group: what is read, shared tokens once.
    """
    hidden, heads = config["hidden_size"], config["num_attention_heads"]
    head = config.get("head_dim") or hidden // heads
    keys = 2 * hidden * head * config["num_key_value_heads"]  # weights, with those of the values
    others = 2 * hidden * head * heads + 3 * hidden * config["intermediate_size"]
    n_whole, n_rows = config["num_hidden_layers"] - 1, len(group.rows)
    products = n_whole * (keys + others) * group.n_tokens + keys * group.n_tokens + others * n_rows
    lengths = [len(row.ids) - 1 for row in group.rows]
    pairs = n_whole * count_pairs(lengths, group.n_shared) + sum(lengths)
    return 2 * products + 4 * pairs * head * heads


def count_pairs(lengths: Sequence[int], n_shared: int) -> int:
    """Pairs of a token and one that it attends to, itself included; those within the shared tokens once."""
    return add_up(n_shared) + sum(add_up(length) - add_up(n_shared) for length in lengths)


def add_up(n: int) -> int:
    """1 + 2 + … + n."""
    return n * (n + 1) // 2


def read_config(base: str) -> dict:
    """What the base's config.json holds."""
    return json.loads((Path(base) / "config.json").read_text(encoding="utf-8"))
