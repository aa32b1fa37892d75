"""Where the GPU's time goes in a step of the fast engine.

    python benchmarks/train_profile.py BASE ROWS --memory-budget-gb 24

BASE is a folder of a Llama (train_speed_base.py writes one), ROWS as train_speed.py takes them, 8 a step.
Prints the plan, the speed beside what the GPU can do, groups of kernels and the kernels that take most. The
steps are timed without the profiler and then taken once more with it; idle is what no kernel takes of the
timed step. Names do not tell an adapter's product from the base's, so one step runs outside of graphs too,
where the sizes are known, and divides each product's time.
"""

import argparse
import json
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from itertools import cycle, islice
from pathlib import Path

import torch
from torch.profiler import ProfilerActivity, profile
from train_profile_kernels import (
    Kernel,
    find_product_shares,
    format_groups,
    format_kernels,
    read_trace,
    sum_groups,
)
from train_scaling import PROJECTIONS, SEED, encode_row, n_tokens, read_rows
from train_speed_peers import measure_limit
from train_speed_table import count_flops_per_token

from science_exam.errors import UserError
from science_exam.training.base import find_base
from science_exam.training.config import BaseConfig, LoraConfig, TrainConfig
from science_exam.training.fast.network import Network
from science_exam.training.fast.packing import find_longest, pack_groups
from science_exam.training.fast.rows import Group, divide_step
from science_exam.training.fast.runner import Runner
from science_exam.training.model import add_adapter, choose_dtype, load_base, load_tokenizer

ROWS_PER_STEP = 8
WARM_UP_STEPS = 10
NAMES = 15


def read_steps(path: Path, tokenizer, n_steps: int, max_tokens: int) -> list[list[Group]]:
    """Optimizer steps of rows in a seeded order, begun again when there are too few."""
    rows = (encode_row(row, tokenizer) for row in read_rows(path))
    groups = [Group((row,), 0) for row in rows if len(row.ids) <= max_tokens]
    if not groups:
        raise UserError(f"{path}: expected rows of at most {max_tokens} tokens, found none")
    endless = cycle(groups)
    return [list(islice(endless, ROWS_PER_STEP)) for _ in range(n_steps)]


def take_steps(runner: Runner, numbers: Sequence[int]) -> float:
    """Seconds of these steps."""
    torch.cuda.synchronize()
    began = time.perf_counter()
    for number in numbers:
        runner.step(number, factor=1.0)
    torch.cuda.synchronize()
    return time.perf_counter() - began


def record_kernels(run: Callable[[], object], with_sizes: bool) -> list[Kernel]:
    """What `run` launches; sizes are known outside of graphs alone."""
    activities = [ProfilerActivity.CUDA] + [ProfilerActivity.CPU] * with_sizes
    with profile(activities=activities, record_shapes=with_sizes) as profiler:
        run()
        torch.cuda.synchronize()
    with tempfile.TemporaryDirectory() as folder:
        trace = Path(folder) / "trace.json"
        profiler.export_chrome_trace(str(trace))
        return read_trace(trace)


def run_outside_graphs(network: Network, step: Sequence[Group], max_tokens: int) -> None:
    """A step's forward and backward passes, kernel by kernel."""
    device, longest = network.adapters.weights.device, find_longest(step, max_tokens)
    scale = 1 / sum(group.n_targets for group in step)
    for part in divide_step(step, max_tokens)[0]:
        pack, shape = pack_groups(part, scale, seed=0)
        network.differentiate(network.embedding.fill(pack).move(device), shape, longest)


def describe_speed(base: str, steps: Sequence[list[Group]], seconds: float) -> str:
    """Speed of the steps, and its share of the floating-point operations that the device can do."""
    config = json.loads((Path(find_base(base)) / "config.json").read_text(encoding="utf-8"))
    tokens = sum(n_tokens(step) for step in steps)
    reached, limit = tokens / seconds * count_flops_per_token(config), measure_limit()["flops_per_second"]
    return (
        f"{ROWS_PER_STEP * len(steps) / seconds:.1f} rows/s, {tokens / seconds:,.0f} tokens/s, "
        f"{tokens / len(steps):,.0f} tokens a step without padding; {reached / 1e12:.0f} TFLOP/s, "
        f"{reached / limit:.0%} of the {limit / 1e12:.0f} that bf16 products reach"
    )


def main(words: argparse.Namespace) -> None:
    config = TrainConfig(
        base=BaseConfig(path=words.base),
        lora=LoraConfig(r=16, alpha=16, targets=PROJECTIONS),
        memory_budget_gb=words.memory_budget_gb,
    )
    n_steps, tokenizer = WARM_UP_STEPS + words.steps, load_tokenizer(words.base)
    steps = read_steps(words.rows, tokenizer, n_steps, words.max_tokens)
    model = add_adapter(load_base(config.base), config.lora, SEED)
    network = Network(model, choose_dtype(config.base.dtype))
    runner = Runner(network, steps, config)  # it prints the plan
    take_steps(runner, range(WARM_UP_STEPS))
    timed = range(WARM_UP_STEPS, n_steps)
    seconds = take_steps(runner, timed)
    kernels = record_kernels(lambda: take_steps(runner, timed), with_sizes=False)
    runner.stepper.release()
    print(f"{describe_speed(words.base, steps[WARM_UP_STEPS:], seconds)}\n", flush=True)
    launched = record_kernels(
        lambda: run_outside_graphs(network, steps[-1], runner.plan.max_tokens), with_sizes=True
    )
    ranks = {projection.n_ranks for block in network.blocks for projection in block.projections}
    spent = sum_groups(kernels, find_product_shares(launched, ranks, n_classes=len(network.head)))
    print(format_groups(spent, words.steps, seconds / words.steps * 1e3))
    print(f"\n{format_kernels(kernels, words.steps, NAMES)}")


def parse_arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    add = parser.add_argument
    add("base", help="folder of a Llama, in NF4 or 16 bits")
    add("rows", type=Path, help="JSON lines, gzipped or not")
    add("--memory-budget-gb", type=float, default=24.0)
    add("--max-tokens", type=int, default=720, help="longer rows are left out")
    add("--steps", type=int, default=6, help=f"timed and profiled, after {WARM_UP_STEPS} that are not")
    words = parser.parse_args()
    if not torch.cuda.is_available():
        parser.error("expected a GPU, found none: there are no kernels to profile")
    return words


if __name__ == "__main__":
    try:
        main(parse_arguments())
    except UserError as error:
        sys.exit(f"error: {error}")
