"""The check of answer_speed.py: batches, padding, sorting and shared prefixes change no answer."""

from collections.abc import Iterator, Sequence

import numpy as np
from answer_speed_bench import Bench, Laps
from answer_speed_own import N_ORDERS, make_packed, make_reader
from answer_speed_work import repeat_questions

from science_exam.answering.decoding import decode_greedy
from science_exam.answering.packed import PackedReader
from science_exam.answering.padded import PaddedReader
from science_exam.answering.passes import Reader
from science_exam.prompt import Question

N_QUESTIONS = 100
ALONE = 1  # token together: every question in a pass of its own
BUDGETS = (2_048, 8_192, 32_768)
BATCHES = (8, 64)


def check_answers(bench: Bench) -> Iterator[dict]:
    """Lines of the table: each way beside one question at a time, orders beside those read whole."""
    asked = repeat_questions(bench.opened, min(N_QUESTIONS, bench.job.few))
    reader = make_reader(bench)
    alone = score(bench, reader, asked, ALONE)
    exact = read_in_order(bench, reader, asked, 1, exactly=True)
    yield compare("one question a pass, in fp32", alone, exact)
    for size in BATCHES:
        scores = read_in_order(bench, reader, asked, size)
        yield compare(f"{size} questions a pass, not sorted", alone, scores)
    for budget in BUDGETS:
        yield compare(f"{budget:,} tokens a pass, sorted", alone, score(bench, reader, asked, budget))
    padded = PaddedReader(bench.model, bench.options, bench.tokenizer.pad_token_id)
    yield compare("transformers, padded, 8 questions", alone, read_in_order(bench, padded, asked, 8))
    yield compare_decoding(bench, asked, alone)
    if isinstance(reader, PackedReader):
        yield check_sharing(bench, reader)


def check_sharing(bench: Bench, reader: Reader) -> dict:
    """The mean over five orders, with the shared tokens read once and with every order read whole."""
    asked = repeat_questions(bench.lengthened, min(N_QUESTIONS, bench.job.few))
    together = bench.job.tokens_together
    whole = score(bench, reader, asked, together, n_orders=N_ORDERS, shares_prefixes=False)
    shared = score(bench, reader, asked, together, n_orders=N_ORDERS)
    return compare("five orders, shared tokens once (beside each whole)", whole, shared)


def score(bench: Bench, reader: Reader, asked: Sequence[Question], together: int, **orders) -> np.ndarray:
    """(questions, options) log-probabilities, as the package answers; `orders` as in `make_packed`."""
    sheet = make_packed(bench, reader, together, **orders)(asked, Laps())
    return np.log(sheet.probabilities)


def read_in_order(
    bench: Bench, reader: Reader, asked: Sequence[Question], size: int, exactly: bool = False
) -> np.ndarray:
    """(questions, options) log-probabilities, so many questions a pass, none of them moved."""
    groups = [reader.group([bench.encode(question)]) for question in asked]
    starts = range(0, len(groups), size)
    scores = [one for start in starts for one in reader.read(groups[start : start + size], exactly)]
    return np.concatenate(scores)


def compare(row: str, scores: np.ndarray, others: np.ndarray) -> dict:
    """How far apart two ways are: (questions, options) log-probabilities each.

    Where the answers differ, the two best options of `scores` are `gap` apart at most.
    """
    apart = np.abs(scores - others)
    differs = scores.argmax(axis=1) != others.argmax(axis=1)
    return {
        "row": row,
        "n_questions": len(scores),
        "largest": float(apart.max()),
        "mean": float(apart.mean()),
        "n_differ": int(differs.sum()),
        "gap": float(find_gaps(scores)[differs].max(initial=0.0)),
    }


def compare_decoding(bench: Bench, asked: Sequence[Question], scores: np.ndarray) -> dict:
    """As `compare`, for the reference that gives an answer alone."""
    prompts = [bench.encode(question) for question in asked]
    size, pad_id = bench.job.batch_size, bench.tokenizer.pad_token_id
    chosen = decode_greedy(bench.model, prompts, bench.options, size, pad_id) - 1
    differs = scores.argmax(axis=1) != chosen
    gap = float(find_gaps(scores)[differs].max(initial=0.0))
    row = "constrained decoding, padded, with a cache"
    return {"row": row, "n_questions": len(prompts), "n_differ": int(differs.sum()), "gap": gap}


def find_gaps(scores: np.ndarray) -> np.ndarray:
    """(questions,) how far the best option is before the second."""
    ranked = np.sort(scores, axis=1)
    return ranked[:, -1] - ranked[:, -2]
