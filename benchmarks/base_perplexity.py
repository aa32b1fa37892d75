"""Perplexity of a base on text, per token and per byte: in 16 bits beside the same weights in NF4.

    python benchmarks/base_perplexity.py DATA/text/cnx.jsonl.gz … [--base models/tiny-science-llama]

Files hold JSON lines with `text`. Texts follow one another, each closed by the end-of-text token, and are cut
into windows of 1,024 tokens, each opened as in pretraining by the token that begins a text; of each file the
first 300,000 tokens count. What is predicted are the tokens of the texts, not those marks. Perplexity of a
byte does not depend on the tokenizer, so bases can be compared by it. On a CPU the 16-bit weights compute in
fp32.
"""

import argparse
import gzip
import json
import math
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from science_exam.errors import UserError
from science_exam.training.config import BaseConfig

PRECISIONS = {"16 bit": "none", "NF4": "nf4"}
IGNORED = -100  # a target without loss


@dataclass(frozen=True)
class Loss:
    """Sum of the negative log-likelihoods (nats) of so many tokens, which stand for so many bytes."""

    nats: float
    n_tokens: int
    n_bytes: int

    def per(self, n_units: int) -> float:
        """Perplexity of a unit."""
        return math.exp(self.nats / n_units)

    def __str__(self) -> str:
        bits = self.nats / math.log(2) / self.n_bytes
        return f"{self.per(self.n_tokens):.2f} | {self.per(self.n_bytes):.3f} | {bits:.3f}"


def read_texts(path: Path) -> Iterator[str]:
    """The texts of a file of JSON lines, gzipped or not."""
    if not path.is_file():
        raise UserError(f"{path}: no such file; expected JSON lines with text")
    with (gzip.open if path.suffix == ".gz" else open)(path, "rt", encoding="utf-8") as file:
        for number, line in enumerate(file, start=1):
            record = json.loads(line)
            if not isinstance(record.get("text"), str):
                raise UserError(f"{path}: line {number}: expected text, found {record.get('text')!r:.40}")
            yield record["text"]


def cut_windows(texts: Iterator[str], tokenizer, window_tokens: int, max_tokens: int) -> list[list[int]]:
    """Whole windows of the texts' first `max_tokens` tokens; what is left behind the last one goes."""
    ids: list[int] = []
    for text in texts:
        ids += [*tokenizer(text, add_special_tokens=False)["input_ids"], tokenizer.eos_token_id]
        if len(ids) >= max_tokens:
            break
    size = window_tokens - 1
    begin = tokenizer.eos_token_id if tokenizer.bos_token_id is None else tokenizer.bos_token_id
    windows = [[begin, *ids[start : start + size]] for start in range(0, min(len(ids), max_tokens), size)]
    whole = [window for window in windows if len(window) == window_tokens]
    if not whole:
        raise UserError(f"expected at least {size} tokens of text, found {len(ids)}; lower --window")
    return whole


def count_text(windows: list[list[int]], tokenizer) -> tuple[int, int]:
    """Tokens that are predicted and no marks, and their UTF-8 bytes."""
    marks = set(tokenizer.all_special_ids)
    predicted = [[token for token in window[1:] if token not in marks] for window in windows]
    texts = (tokenizer.decode(ids, clean_up_tokenization_spaces=False) for ids in predicted)
    return sum(map(len, predicted)), sum(len(text.encode()) for text in texts)


def measure_nats(model, windows: list[list[int]], marks: list[int], batch_size: int) -> float:
    """Sum over all windows of the loss of each token but the first and the marks."""
    import torch
    from torch.nn.functional import cross_entropy

    total, unread = 0.0, torch.tensor(marks, device=model.device)
    with torch.inference_mode():
        for start in range(0, len(windows), batch_size):
            ids = torch.tensor(windows[start : start + batch_size], device=model.device)
            logits = model(input_ids=ids, use_cache=False).logits[:, :-1]  # (rows, window - 1, vocab)
            targets = ids[:, 1:].masked_fill(torch.isin(ids[:, 1:], unread), IGNORED).flatten()
            losses = cross_entropy(
                logits.flatten(0, 1).float(), targets, reduction="sum", ignore_index=IGNORED
            )
            total += losses.item()
    return total


def main(arguments: argparse.Namespace) -> None:
    from science_exam.training.model import load_base, load_tokenizer

    tokenizer = load_tokenizer(arguments.base)
    print("| text | tokens | bytes a token | weights | perplexity of a token | of a byte | bits a byte |")
    print("| --- " * 7 + "|")
    models = {
        name: load_base(BaseConfig(path=arguments.base, quantization=quantization)).eval()
        for name, quantization in PRECISIONS.items()
    }
    for path in arguments.files:
        windows = cut_windows(read_texts(path), tokenizer, arguments.window, arguments.max_tokens)
        n_tokens, n_bytes = count_text(windows, tokenizer)
        for name, model in models.items():
            nats = measure_nats(model, windows, tokenizer.all_special_ids, arguments.batch_size)
            loss = Loss(nats, n_tokens, n_bytes)
            print(f"| {path.name} | {n_tokens:,} | {n_bytes / n_tokens:.2f} | {name} | {loss} |", flush=True)


def parse_arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    add = parser.add_argument
    add("files", nargs="+", type=Path)
    add("--base", default=BaseConfig().path)
    add("--max-tokens", type=int, default=300_000, help="of each file")
    add("--window", type=int, default=1024, help="tokens")
    add("--batch-size", type=int, default=16, help="windows a forward pass")
    return parser.parse_args()


if __name__ == "__main__":
    try:
        main(parse_arguments())
    except UserError as error:
        sys.exit(f"error: {error}")
