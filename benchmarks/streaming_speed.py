"""What streaming a base costs a layer: reading, copying, computing, and how much of the first two is hidden.

    python benchmarks/streaming_speed.py FOLDER
    python benchmarks/streaming_speed.py FOLDER --layers 4 --hidden 4096 --intermediate 14336 --heads 32

FOLDER gets a random Llama in NF4 of the given shape, a 70B's with fewer layers unless said otherwise, and is
used as it is when it has one. It should be on the disk that matters: files in memory are never read cold.
"""

import argparse
import os
import random
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path

import torch
from train_speed_base import write_nf4_base
from transformers import LlamaConfig

from science_exam.answering.prefetch import Card
from science_exam.answering.streaming import StreamedBase, list_devices
from science_exam.training.config import BaseConfig
from science_exam.training.hollow import HollowBase, load_hollow_base

SEED = 3407
OPTIONS = [[10, token, 2] for token in range(20, 25)]
VOCABULARY = 32_000
TITLES = ["read, cold", "read, warm", "copy", "quantisation state", "compute", "streamed, cold", "hidden"]


def make_config(words: argparse.Namespace) -> LlamaConfig:
    """A Llama of the shape asked for."""
    return LlamaConfig(
        vocab_size=VOCABULARY,
        hidden_size=words.hidden,
        intermediate_size=words.intermediate,
        num_hidden_layers=words.layers,
        num_attention_heads=words.heads,
        num_key_value_heads=words.key_value_heads,
        max_position_embeddings=8_192,
        tie_word_embeddings=False,
        dtype="bfloat16",
    )


def forget(folder: Path) -> None:
    """Let the operating system drop the files' pages, so that the next read comes from the disk."""
    for path in folder.glob("*.safetensors"):
        with path.open("rb") as file:
            os.fsync(file.fileno())
            os.posix_fadvise(file.fileno(), 0, 0, os.POSIX_FADV_DONTNEED)


def measure(function: Callable[[], object]) -> float:
    """Seconds that `function` takes, with what it starts on the GPUs."""
    began = time.perf_counter()
    function()
    if torch.cuda.is_available():
        for number in range(torch.cuda.device_count()):
            torch.cuda.synchronize(number)
    return time.perf_counter() - began


def measure_reading(hollow: HollowBase, folder: Path) -> dict[str, float]:
    """Seconds a layer of what happens before it computes, one thing at a time."""
    n_layers, device = len(hollow.layers), list_devices()[0]
    staging = torch.empty(hollow.layer_bytes, dtype=torch.uint8, pin_memory=device.type == "cuda")
    card = Card(device, hollow.layer_bytes)

    def read() -> None:
        for number in range(n_layers):
            hollow.read_layer(number, staging)

    forget(folder)
    seconds = {"read, cold": measure(read), "read, warm": measure(read)}
    card.copy(0, staging)
    seconds["copy"] = measure(lambda: [card.copy(0, staging) for _ in range(n_layers)])
    card.build(0, hollow, n_layers - 1)
    seconds["quantisation state"] = measure(
        lambda: [card.build(0, hollow, n_layers - 1) for _ in range(n_layers)]
    )
    return {title: total / n_layers for title, total in seconds.items()}


def measure_streaming(hollow: HollowBase, folder: Path, words: argparse.Namespace) -> dict[str, float]:
    """Seconds a layer behind the first one's reading, which nothing can hide: without reading and with it."""
    source = random.Random(SEED)
    prompts = [
        [source.randrange(VOCABULARY) for _ in range(words.tokens - 1)] for _ in range(words.questions)
    ]
    streamed = StreamedBase(hollow, memory_budget_gb=words.memory_budget_gb)
    read_layer, first_read = hollow.read_layer, []

    def mark(number: int, out: torch.Tensor, read: Callable[[int, torch.Tensor], int]) -> int:
        n_bytes = read(number, out)
        if number == 0:
            first_read.append(time.perf_counter())
        return n_bytes

    def answer() -> float:
        """Seconds a layer from the first one's reading on."""
        first_read.clear()
        began = time.perf_counter()
        seconds = measure(lambda: streamed.score_options(prompts, OPTIONS, words.batch_size))
        return (seconds - (first_read[0] - began)) / len(hollow.layers)

    hollow.read_layer = partial(mark, read=read_layer)
    answer()  # kernels are loaded
    forget(folder)
    seconds = {"streamed, cold": answer()}
    hollow.read_layer = partial(mark, read=lambda number, out: len(out))  # the last layer's serve for all
    seconds["compute"] = answer()
    return seconds


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--layers", type=int, default=8)
    parser.add_argument("--hidden", type=int, default=8_192)
    parser.add_argument("--intermediate", type=int, default=28_672)
    parser.add_argument("--heads", type=int, default=64)
    parser.add_argument("--key-value-heads", type=int, default=8)
    parser.add_argument("--questions", type=int, default=256)
    parser.add_argument("--tokens", type=int, default=326, help="a question")
    parser.add_argument("--batch-size", type=int, default=8)
    parser.add_argument("--memory-budget-gb", type=float, default=0.0)
    words = parser.parse_args()
    if words.layers < 2:
        parser.error("--layers: expected at least 2: while the first one is read nothing can compute")
    if not (words.folder / "config.json").is_file():
        torch.manual_seed(SEED)
        write_nf4_base(make_config(words), words.folder)
    hollow = load_hollow_base(BaseConfig(path=str(words.folder)))
    seconds = measure_reading(hollow, words.folder) | measure_streaming(hollow, words.folder, words)
    n_layers = len(hollow.layers)
    waiting = (seconds["read, cold"] + seconds["copy"]) * (n_layers - 1) / n_layers
    shown = max(0.0, seconds["streamed, cold"] - seconds["compute"])
    cells = [f"{seconds[title]:.3f} s" for title in TITLES[:-1]] + [f"{max(0.0, 1 - shown / waiting):.0%}"]
    n_tokens = words.questions * words.tokens
    print(
        f"a layer of {hollow.layer_bytes / 1e6:.0f} MB, {n_tokens:,} tokens, {len(list_devices())} device(s)"
    )
    print(f"| {' | '.join(TITLES)} |\n| {' | '.join(['---'] * len(TITLES))} |\n| {' | '.join(cells)} |")


if __name__ == "__main__":
    main()
