"""How the fast engine's speed and memory grow with the rows, and what a shared prefix is worth.

    python benchmarks/train_scaling.py BASE ROWS growth
    python benchmarks/train_scaling.py BASE ROWS permutations --memory-budget-gb 60
    torchrun --nproc-per-node 2 benchmarks/train_scaling.py BASE ROWS gpus --rows-per-step 16

BASE is a folder of a Llama (train_speed_base.py writes one), ROWS as train_speed.py takes them. `growth`
trains rows of 128 to 4,096 tokens, 8 an optimizer step. `permutations` trains each question in five orders of
its options behind a context of 600 tokens, first as rows of their own, then with their common prefix read
once. `gpus` trains the rows as they are, on however many processes there are. Speed is that of the median
step.
"""

import argparse
import gzip
import json
import random
import statistics
import time
from collections.abc import Iterator, Sequence
from itertools import islice
from pathlib import Path

import torch

from science_exam.prompt import INPUT_END, TEMPLATE
from science_exam.training import processes
from science_exam.training.config import BaseConfig, LoraConfig, TrainConfig
from science_exam.training.fast.network import Network
from science_exam.training.fast.rows import Group, Row, group_rows
from science_exam.training.fast.runner import Runner
from science_exam.training.model import add_adapter, choose_dtype, load_base, load_tokenizer

SEED = 3407
PROJECTIONS = ("q_proj", "k_proj", "v_proj", "o_proj", "gate_proj", "up_proj", "down_proj")
LENGTHS = (128, 256, 512, 1024, 2048, 4096)
N_ORDERS = 5
CONTEXT_TOKENS = 600
UNTIMED_STEPS = 5


def read_rows(path: Path) -> list[dict]:
    """The rows of a file of JSON lines in a seeded order."""
    with (gzip.open if path.suffix == ".gz" else open)(path, "rt", encoding="utf-8") as file:
        rows = [json.loads(line) for line in file]
    random.Random(SEED).shuffle(rows)
    return rows


def encode_row(row: dict, tokenizer) -> Row:
    """A row as it is."""
    prompt = tokenizer(TEMPLATE.format(**row) + INPUT_END)["input_ids"]
    answer = tokenizer(row["output"], add_special_tokens=False)["input_ids"]
    return Row([*prompt, *answer, tokenizer.eos_token_id], len(prompt))


def draw_rows(rows: Sequence[Row], n_tokens: int) -> Iterator[Group]:
    """Endlessly many rows of exactly so many tokens, cut out of the rows one behind the other."""
    stream = (token for _ in iter(int, 1) for row in rows for token in row.ids)
    while True:
        yield Group((Row(list(islice(stream, n_tokens)), n_tokens - 4),), 0)


def permute_row(row: dict, context: list[int], tokenizer, rng: random.Random) -> list[dict]:
    """The question in several orders of its options, behind the context."""
    _, _, asked = row["input"].rpartition("\n\n")
    question, *options = asked.split("\n")
    texts = [line.partition(": ")[2] for line in options]
    frame, _, _ = TEMPLATE.format(instruction=row["instruction"], input="\0").partition("\0")
    prefix = tokenizer(frame + "Context: ")["input_ids"] + context
    right = texts[int(row["output"][-1]) - 1]
    examples = []
    for _ in range(N_ORDERS):
        rng.shuffle(texts)
        lines = "".join(f"\noption_{n}: {text}" for n, text in enumerate(texts, start=1))
        tail = tokenizer(f"\n\n{question}{lines}{INPUT_END}", add_special_tokens=False)["input_ids"]
        answer = f"option_{texts.index(right) + 1}"
        completion = [*tokenizer(answer, add_special_tokens=False)["input_ids"], tokenizer.eos_token_id]
        mask = [0] * (len(prefix) + len(tail)) + [1] * len(completion)
        examples.append({"input_ids": prefix + tail + completion, "completion_mask": mask, "group": question})
    return examples


def measure(network: Network, steps: list[list[Group]], config: TrainConfig) -> dict:
    """Train the steps; rows and tokens a second of the median step, and the peak of memory."""
    if torch.cuda.is_available():
        torch.cuda.empty_cache()
        torch.cuda.reset_peak_memory_stats()
    runner, seconds = Runner(network, steps, config), []
    for number in range(len(steps)):
        began = time.perf_counter()
        runner.step(number, factor=1.0).item()
        seconds.append(time.perf_counter() - began)
    timed = [(len_rows(step), n_tokens(step), s) for step, s in zip(steps, seconds, strict=True)]
    timed = timed[UNTIMED_STEPS:]
    result = {
        "rows_per_second": statistics.median(rows / s for rows, _, s in timed),
        "tokens_per_second": statistics.median(tokens / s for _, tokens, s in timed),
        "peak_gb": torch.cuda.max_memory_allocated() / 1e9 if torch.cuda.is_available() else 0.0,
        "plan": runner.plan.describe(network.measure(), int(config.memory_budget_gb * 1e9)),
    }
    runner.stepper.release()
    return result


def len_rows(step: list[Group]) -> int:
    """Rows of a step."""
    return sum(len(group.rows) for group in step)


def n_tokens(step: list[Group]) -> int:
    """Tokens of a step that go through the model."""
    return sum(group.n_tokens for group in step)


def list_cases(words: argparse.Namespace, rows: list[dict], tokenizer) -> Iterator[tuple[str, list]]:
    """Name and optimizer steps of each measurement."""
    n_steps = UNTIMED_STEPS + words.steps
    encoded = [encode_row(row, tokenizer) for row in rows]
    if words.what == "growth":
        for length in LENGTHS:
            drawn = draw_rows(encoded, length)
            yield f"{length} tokens a row", [list(islice(drawn, words.rows_per_step)) for _ in range(n_steps)]
    elif words.what == "permutations":
        rng = random.Random(SEED)
        tokens = [token for row in encoded for token in row.ids]
        examples = []
        for number, row in enumerate(rows[:n_steps]):  # a question a step
            start = number * CONTEXT_TOKENS % (len(tokens) - CONTEXT_TOKENS)
            examples += permute_row(row, tokens[start : start + CONTEXT_TOKENS], tokenizer, rng)
        for share in (False, True):
            groups = iter(group_rows(examples, share))
            size = 1 if share else N_ORDERS
            steps = [list(islice(groups, size)) for _ in range(n_steps)]
            yield "shared prefix" if share else "rows of their own", steps
    else:
        kept = [Group((row,), 0) for row in encoded if len(row.ids) <= words.max_tokens]
        steps = [
            kept[start : start + words.rows_per_step] for start in range(0, len(kept), words.rows_per_step)
        ]
        yield f"{processes.count()} processes", steps[:n_steps]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("base")
    parser.add_argument("rows", type=Path)
    parser.add_argument("what", choices=["growth", "permutations", "gpus"])
    parser.add_argument("--memory-budget-gb", type=float, default=60.0)
    parser.add_argument("--rows-per-step", type=int, default=8)
    parser.add_argument("--max-tokens", type=int, default=720)
    parser.add_argument("--steps", type=int, default=15)
    words = parser.parse_args()
    processes.join()
    config = TrainConfig(
        base=BaseConfig(path=words.base),
        lora=LoraConfig(targets=PROJECTIONS),
        engine="fast",
        memory_budget_gb=words.memory_budget_gb,
    )
    tokenizer = load_tokenizer(words.base)
    model = add_adapter(load_base(config.base), config.lora, SEED)
    network = Network(model, choose_dtype(config.base.dtype))
    if processes.rank() == 0:
        print("| rows | rows/s | tokens/s | peak GB |\n| --- | --- | --- | --- |", flush=True)
    for name, steps in list_cases(words, read_rows(words.rows), tokenizer):
        figures = measure(network, steps, config)
        if processes.rank() == 0:
            speed = f"{figures['rows_per_second']:.1f} | {figures['tokens_per_second']:,.0f}"
            print(f"| {name} | {speed} | {figures['peak_gb']:.1f} |", flush=True)


if __name__ == "__main__":
    main()
