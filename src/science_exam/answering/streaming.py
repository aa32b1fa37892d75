"""Answers of a base that is larger than the GPU: all questions go through a layer before the next one comes.

A layer of a 70B base is 441 MB in NF4 (856 million weights at 0.516 bytes), the whole 35 GB. Reading one at
1.5 GB/s takes 0.3 s; computing takes 1.7 GFLOP a token, 70 µs on a T4 at 25 TFLOP/s. So 4,300 tokens hide
the reading, and questions that find no room together take their turns, lot by lot, at hardly any cost.

Several GPUs divide the batches, and each gets every layer: 35 GB are 3 s at 12 GB/s, beside computing that is
halved. If they took turns at the layers, the states of 4,000 questions of 326 tokens (21 GB) would change
GPUs 80 times, in 143 s, and one GPU would wait while the other computes.
"""

from collections import deque
from collections.abc import Sequence
from functools import partial
from math import inf
from pathlib import Path

import numpy as np
import torch
from tqdm import tqdm

from science_exam.answering.decoding import Tokens, pad_left
from science_exam.answering.lots import Batch, Room
from science_exam.answering.options import build_trie
from science_exam.answering.prefetch import Prefetcher
from science_exam.errors import UserError
from science_exam.training.hollow import HollowBase, Weights, load_hollow_base

FREE_SHARE = 0.5  # of a GPU's free memory, for what waits between layers; the rest is for computing


class StreamedBase:
    """A base whose weights are in files, and that has two of its layers in memory while it answers.

    The numbers are those of the ordinary forward pass: the library's modules compute, with the masks and
    positions that the library's model gives them.
    """

    def __init__(
        self,
        hollow: HollowBase,
        devices: Sequence[torch.device] = (),
        memory_budget_gb: float = 0.0,
        host_memory_gb: float = 0.0,
    ) -> None:
        """
        Args:
            hollow: the base.
            devices: that divide the questions; all GPUs, or the CPU, when empty.
            memory_budget_gb: memory of each device for questions between two layers; 0 is half of what is
                free.
            host_memory_gb: the CPU's, for those that do not fit there. The layers are read again for
                those that fit neither.
        """
        self._hollow = hollow
        self._devices = list(devices) or list_devices()
        self._prefetcher = Prefetcher(hollow, self._devices)
        self._card_bytes = [memory_budget_gb * 1e9 or _measure_free(device) for device in self._devices]
        self._host_bytes = host_memory_gb * 1e9

    @property
    def config(self):
        """The library's configuration of the base."""
        return self._hollow.shell.config

    def eval(self) -> "StreamedBase":
        """Itself: it does nothing but answer."""
        return self

    @torch.inference_mode()
    def score_options(
        self,
        prompts: Sequence[Tokens],
        options: Sequence[Tokens],
        batch_size: int = 8,
        pad_id: int = 0,
        progress: str | None = None,
    ) -> np.ndarray:
        """What `decoding.score_options` gives of the whole model; arguments as there.

        Raises:
            UserError: the options part at several tokens, or a file cannot be read.
        """
        trie = build_trie(options)
        if not trie.decides_at_once:
            raise UserError(
                "streaming=true: expected a tokenizer in which the answers part at one token; "
                "use streaming=false"
            )
        forced, tokens = trie.find_decision(len(options))
        shells = [self._hollow.read_shell(device, tokens) for device in self._devices]
        inputs = [[*prompt, *forced] for prompt in prompts]
        longest_first = sorted(range(len(prompts)), key=lambda row: -len(prompts[row]))
        ahead = deque(longest_first[n : n + batch_size] for n in range(0, len(prompts), batch_size))
        scores = np.zeros((len(prompts), len(options)))
        while ahead:
            for rows, probabilities in self._answer_lot(ahead, inputs, pad_id, shells, progress):
                scores[rows] = probabilities
        return scores

    def _answer_lot(
        self,
        ahead: deque[list[int]],
        prompts: list[Tokens],
        pad_id: int,
        shells: list[Weights],
        progress: str | None,
    ) -> list[tuple[list[int], np.ndarray]]:
        """Take as many of the rows ahead as find room through all layers: rows and their probabilities."""
        lot = self._open_lot(ahead, prompts, pad_id, shells)
        n_begun = len(prompts) - sum(map(len, ahead))
        label = f"{progress}, {n_begun} of {len(prompts)} questions"
        bar = partial(tqdm, desc=label, unit="layer", disable=progress is None)
        self._prefetcher.run(partial(self._advance, lot), bar)
        closed = [(batch.rows, self._close(batch, shells)) for batch in lot]
        return [(rows, torch.softmax(logits.double(), dim=1).cpu().numpy()) for rows, logits in closed]

    def _open_lot(
        self, ahead: deque[list[int]], prompts: list[Tokens], pad_id: int, shells: list[Weights]
    ) -> list[Batch]:
        """Batches of the rows ahead, as many as there is room for, at least one; devices take turns."""
        lot, room = [], Room(self._card_bytes, self._host_bytes)
        while ahead:
            card = len(lot) % len(self._devices)
            inputs = pad_left([prompts[row] for row in ahead[0]], pad_id, "cpu")
            batch = self._open(ahead[0], card, inputs, shells[card])
            if not room.take(batch) and lot:
                break
            lot.append(batch)
            ahead.popleft()
        return lot

    def _open(self, rows: list[int], card: int, inputs: Weights, shell: Weights) -> Batch:
        """The batch in front of the first layer."""
        inputs["inputs_embeds"] = self._hollow.embed(inputs.pop("input_ids"))
        inputs = {name: tensor.to(self._devices[card]) for name, tensor in inputs.items()}
        self._hollow.run_shell(shell, inputs)
        stand_ins = self._hollow.stand_ins
        return Batch(rows, card, stand_ins[0].states, [stand_in.called_with for stand_in in stand_ins])

    def _advance(self, lot: list[Batch], number: int, weights: Sequence[Weights]) -> None:
        """Take every batch through a layer."""
        for batch in lot:
            device = self._devices[batch.card]
            states = batch.states.to(device, non_blocking=True)
            call = batch.fetch_call(number, device)
            states = self._hollow.run_layer(number, weights[batch.card], states, call)
            batch.states.copy_(states, non_blocking=True)

    def _close(self, batch: Batch, shells: list[Weights]) -> torch.Tensor:
        """(rows, options) logits of a batch behind the last layer: of its prompts' last tokens."""
        last = batch.states[:, -1:].to(self._devices[batch.card], non_blocking=True)
        return self._hollow.run_shell(shells[batch.card], {"inputs_embeds": last}, last)[:, -1]


def load_streamed_base(
    base, adapter: Path | None, memory_budget_gb: float = 0.0, host_memory_gb: float = 0.0
) -> StreamedBase:
    """The `StreamedBase` of a base (a `BaseConfig`) with the adapter in a folder, on all GPUs."""
    hollow = load_hollow_base(base, adapter)
    return StreamedBase(hollow, memory_budget_gb=memory_budget_gb, host_memory_gb=host_memory_gb)


def list_devices() -> list[torch.device]:
    """All GPUs, or the CPU where there is none."""
    return [torch.device("cuda", n) for n in range(torch.cuda.device_count())] or [torch.device("cpu")]


def _measure_free(device: torch.device) -> float:
    """Bytes that batches may take between two layers."""
    return FREE_SHARE * torch.cuda.mem_get_info(device)[0] if device.type == "cuda" else inf
