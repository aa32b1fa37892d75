"""Is what the fast engine computes right, at the real shape and on this GPU?

    python benchmarks/train_check.py BASE ROWS
    python benchmarks/train_check.py BASE ROWS --dtype float16 --kernel efficient
    python benchmarks/train_check.py BASE ROWS --updates 20

BASE is a folder of a Llama (train_speed_base.py writes a random 8B in NF4), ROWS as train_speed.py takes
them; every question comes in one to three orders of its options.

LoRA of rank 16 on the seven projections, with B drawn at random. The reference is autograd through PEFT's
model, one row at a time, all in fp32 from the same 4-bit weights. Beside it stand autograd in `--dtype` (what
the type alone costs) and the engine: prefixes shared or not, all blocks recomputed or none, kernel by kernel
or as CUDA graphs. Ends with code 1 where the engine is neither within the targets nor within twice what
autograd loses.

With `--updates`: so many steps of a whole training in fp16 with the kernel of older GPUs (a T4's way), beside
one in bf16 with FlashAttention: the loss of every step, and the steps that loss scaling skipped.
"""

import argparse
import gc
import random
import sys
from collections.abc import Iterator, Sequence
from itertools import islice, product
from pathlib import Path

import torch
from train_check_attention import KERNELS, use_kernel
from train_check_gradients import (
    Distance,
    compare,
    compute_in,
    differentiate_fast,
    differentiate_plainly,
    draw_adapters,
    group_questions,
)
from train_scaling import PROJECTIONS, SEED, encode_row, read_rows

from science_exam.errors import UserError
from science_exam.training.config import BaseConfig, LoraConfig, TrainConfig
from science_exam.training.fast.loop import plan_steps
from science_exam.training.fast.network import Network
from science_exam.training.fast.rows import Row
from science_exam.training.fast.runner import Runner
from science_exam.training.model import add_adapter, choose_dtype, load_base, load_tokenizer

TYPES = {"bfloat16": "bf16", "float16": "fp16", "float32": "fp32"}
MOST_ORDERS = 3
LEAST_COSINE, LARGEST_LOSS_ERROR = 0.999, 1e-3
TRAININGS = (("bfloat16", "flash"), ("float16", "efficient"))
COLUMNS = ("way", "loss error", "worst cosine", "median", "norm ratios", "zero", "worst adapter")


def read_questions(path: Path, tokenizer, n_questions: int, max_tokens: int) -> list[list[Row]]:
    """Questions, each in one, two or three orders of its options; longer ones are left out.

    Raises:
        UserError: too few.
    """
    questions = []
    for row in read_rows(path):
        n_orders = 1 + len(questions) % MOST_ORDERS
        rows = [encode_row(ordered, tokenizer) for ordered in islice(order_options(row), n_orders)]
        if max(len(one.ids) for one in rows) <= max_tokens:
            questions.append(rows)
        if len(questions) == n_questions:
            return questions
    raise UserError(
        f"{path}: expected {n_questions} rows of at most {max_tokens} tokens, found {len(questions)}"
    )


def order_options(row: dict) -> Iterator[dict]:
    """The row, then endlessly many with its options in other orders.

    Raises:
        UserError: its input does not end in options, or its output is none of them.
    """
    yield row
    question, *options = row["input"].split("\noption_")
    texts = {f"option_{option.partition(': ')[0]}": option.partition(": ")[2] for option in options}
    if row["output"] not in texts:
        named = ", ".join(texts) or "none"
        raise UserError(f"expected an output that names an option ({named}), found {row['output']!r}")
    right, texts = texts[row["output"]], list(texts.values())
    rng = random.Random(SEED)
    while True:
        rng.shuffle(texts)
        lines = [f"\noption_{number}: {text}" for number, text in enumerate(texts, start=1)]
        answer = f"option_{texts.index(right) + 1}"
        yield {**row, "input": question + "".join(lines), "output": answer}


def load_learner(base: str, dtype: str):
    """The base with a new adapter."""
    loaded = load_base(BaseConfig(path=base, dtype=TYPES[dtype]))
    return add_adapter(loaded, LoraConfig(r=16, alpha=16, targets=PROJECTIONS), SEED)


def measure_distances(
    base: str, questions: Sequence[Sequence[Row]], dtype: str
) -> Iterator[tuple[str, Distance]]:
    """Name and distance of autograd in `dtype`, then of each way of the engine."""
    model, kind = load_learner(base, dtype), choose_dtype(TYPES[dtype])
    draw_adapters(model, SEED)
    rows = [row for question in questions for row in question]
    reference = differentiate_plainly(model, rows, torch.float32)
    yield f"autograd, {dtype}", compare(differentiate_plainly(model, rows, kind), reference)
    model.zero_grad()
    compute_in(model, kind)
    network = Network(model, kind)
    as_graphs = (False, True) if torch.cuda.is_available() else (False,)
    for share, recompute, graphs in product((False, True), (False, True), as_graphs):
        n_recomputed = recompute * len(network.blocks)
        found = differentiate_fast(model, network, questions, share, n_recomputed, graphs)
        yield name_way(share, recompute, graphs), compare(found, reference)


def name_way(share: bool, recompute: bool, graphs: bool) -> str:
    """The engine's ways in words."""
    words = (
        ("rows alone", "prefixes shared")[share],
        ("all kept", "recomputed")[recompute],
        ("eager", "graphs")[graphs],
    )
    return ", ".join(words)


def format_distance(way: str, distance: Distance) -> str:
    """A line of the table."""
    smallest, largest = distance.norm_ratios
    adapter = distance.worst_adapter.partition("layers.")[2].removesuffix(".default.weight")
    return (
        f"| {way} | {distance.loss_error:.1e} | {distance.worst_cosine:.6f} | {distance.median_cosine:.6f} | "
        f"{smallest:.4f}-{largest:.4f} | {distance.n_zero} | {adapter} |"
    )


def is_right(distance: Distance, by_type: Distance) -> bool:
    """True within the targets, or within twice what the type alone costs; not a number is outside."""
    least_cosine = min(LEAST_COSINE, 1 - 2 * (1 - by_type.worst_cosine))
    largest_error = max(LARGEST_LOSS_ERROR, 2 * by_type.loss_error)
    near = distance.worst_cosine >= least_cosine and distance.loss_error <= largest_error
    return near and not distance.n_zero


def check_gradients(words: argparse.Namespace, questions: Sequence[Sequence[Row]]) -> bool:
    """Print the table; False where the engine misses the targets."""
    print_header(COLUMNS)
    distances = {}
    with use_kernel(words.kernel):
        for way, distance in measure_distances(words.base, questions, words.dtype):
            print(format_distance(way, distance), flush=True)
            distances[way] = distance
    by_type, *_ = distances.values()
    wrong = [way for way, distance in distances.items() if not is_right(distance, by_type)]
    targets = (
        f"cosine at least {LEAST_COSINE} and loss error at most {LARGEST_LOSS_ERROR:g}, or twice what "
        f"autograd in {words.dtype} loses; no zero gradient"
    )
    print(f"\n{targets}: {'missed by ' + '; '.join(wrong) if wrong else 'right'}")
    return not wrong


def train(
    base: str, questions: Sequence[Sequence[Row]], dtype: str, kernel: str | None, n_steps: int
) -> tuple[list[float], int]:
    """Loss of every step of a training, and how many steps loss scaling skipped."""
    config = TrainConfig(max_steps=n_steps, base=BaseConfig(base, dtype=TYPES[dtype]))
    steps, _ = plan_steps(group_questions(questions, share_prefixes=True), config)
    with use_kernel(kernel):
        runner = Runner(Network(load_learner(base, dtype), choose_dtype(TYPES[dtype])), steps, config)
        losses, n_skipped, scaler = [], 0, runner.stepper.scaler
        for number in range(n_steps):
            factor = scaler.get_scale()
            losses.append(runner.step(number, factor=1.0).item())
            n_skipped += scaler.get_scale() < factor
        runner.stepper.release()
    return losses, n_skipped


def check_updates(words: argparse.Namespace, questions: Sequence[Sequence[Row]]) -> None:
    """Print the losses of TRAININGS beside each other."""
    trained = []
    for dtype, kernel in TRAININGS:
        trained.append(train(words.base, questions, dtype, kernel, words.updates))
        gc.collect()  # the first base goes before the second comes
    print_header(("step", *(f"{dtype}, {kernel}" for dtype, kernel in TRAININGS), "difference"))
    (expected, _), (found, _) = trained
    differences = [abs(b - a) / a for a, b in zip(expected, found, strict=True)]
    for step, (a, b, apart) in enumerate(zip(expected, found, differences, strict=True), start=1):
        print(f"| {step} | {a:.5f} | {b:.5f} | {apart:.1e} |")
    mean = sum(differences) / len(differences)
    skipped = " and ".join(f"{n_skipped}" for _, n_skipped in trained)
    print(f"\nmean difference {mean:.1e}; steps skipped: {skipped}")


def print_header(columns: Sequence[str]) -> None:
    print("| " + " | ".join(columns) + " |\n" + "| --- " * len(columns) + "|", flush=True)


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    add = parser.add_argument
    add("base", help="folder of a Llama, in NF4 or 16 bits")
    add("path", type=Path, metavar="ROWS", help="JSON lines, gzipped or not")
    add("--rows", type=int, default=12, help="questions, each in up to three orders of its options")
    add("--max-tokens", type=int, default=720, help="longer rows are left out")
    add("--dtype", choices=TYPES, default="bfloat16", help="that the engine computes in")
    add("--kernel", choices=KERNELS, help="of attention; else the engine's own choice")
    add("--updates", type=int, default=0, metavar="STEPS", help="train that many steps instead")
    words = parser.parse_args()
    questions = read_questions(words.path, load_tokenizer(words.base), words.rows, words.max_tokens)
    if words.updates:
        check_updates(words, questions)
    elif not check_gradients(words, questions):
        sys.exit(1)


if __name__ == "__main__":
    try:
        main()
    except UserError as error:
        sys.exit(f"error: {error}")
