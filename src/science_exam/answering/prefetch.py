"""Layers on their way to the devices: one is read and copied while the one before it computes.

disk -> page-locked memory -> device, with two buffers of a layer's size on either side. A thread reads and
starts the copies, on a stream of their own; streams and buffers wait for each other by events.
"""

from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor

import torch

from science_exam.training.hollow import HollowBase, Weights

N_SLOTS = 2  # layers of which something is in memory
Advance = Callable[[int, Sequence[Weights]], None]


class Card:
    """A device's buffers, and the order of what happens to them."""

    def __init__(self, device: torch.device, layer_bytes: int) -> None:
        backend = torch.get_device_module(device)
        self.device, self._backend = device, backend
        self._buffers = [torch.empty(layer_bytes, dtype=torch.uint8, device=device) for _ in range(N_SLOTS)]
        self._stream = torch.cuda.Stream(device) if device.type == "cuda" else backend.Stream()
        self._copied = [backend.Event() for _ in range(N_SLOTS)]
        self._computed = [backend.Event() for _ in range(N_SLOTS)]

    def wait_for_copy(self, slot: int) -> None:
        """Block until the slot's memory on the CPU may be written again."""
        self._copied[slot].synchronize()

    def copy(self, slot: int, source: torch.Tensor) -> None:
        """Start the copy of a layer's bytes, once the layer that had the slot has computed."""
        with self._backend.stream(self._stream):
            self._stream.wait_event(self._computed[slot])
            self._buffers[slot][: len(source)].copy_(source, non_blocking=True)

    def build(self, slot: int, hollow: HollowBase, number: int) -> Weights:
        """Make weights of the slot's bytes: on the copies' stream too, as 16-bit ones may be quantised."""
        with self._backend.stream(self._stream):
            weights = hollow.build_layer(number, self._buffers[slot])
            self._copied[slot].record(self._stream)
        return weights

    def begin_compute(self, slot: int) -> None:
        """Let what computes wait for the slot's weights."""
        self._backend.current_stream(self.device).wait_event(self._copied[slot])

    def end_compute(self, slot: int) -> None:
        """The slot may be overwritten once all that was started until now is done."""
        self._computed[slot].record(self._backend.current_stream(self.device))


class Prefetcher:
    """Takes the layers of a base through the devices in their order, each to all of them."""

    def __init__(self, hollow: HollowBase, devices: Iterable[torch.device]) -> None:
        self.cards = [Card(device, hollow.layer_bytes) for device in devices]
        self._hollow = hollow
        is_locked = any(card.device.type == "cuda" for card in self.cards)
        self._staging = [
            torch.empty(hollow.layer_bytes, dtype=torch.uint8, pin_memory=is_locked) for _ in range(N_SLOTS)
        ]

    def run(self, advance: Advance, progress: Callable[[range], Iterable[int]] = iter) -> None:
        """Call `advance(number, weights on each device)` for every layer.

        Nothing but `advance` holds a layer's weights while it computes; it must not keep them.

        Raises:
            UserError: a file cannot be read.
        """
        n_layers = len(self._hollow.layers)
        with ThreadPoolExecutor(1) as reader:
            coming = reader.submit(self._fetch, 0)
            for number in progress(range(n_layers)):
                weights = coming.result()
                # Submitted before this layer computes and after the one before it has been started.
                coming = reader.submit(self._fetch, number + 1) if number + 1 < n_layers else None
                slot = number % N_SLOTS
                for card in self.cards:
                    card.begin_compute(slot)
                advance(number, weights)
                for card in self.cards:
                    card.end_compute(slot)

    @torch.inference_mode()
    def _fetch(self, number: int) -> list[Weights]:
        slot = number % N_SLOTS
        for card in self.cards:
            card.wait_for_copy(slot)
        n_bytes = self._hollow.read_layer(number, self._staging[slot])
        for card in self.cards:
            card.copy(slot, self._staging[slot][:n_bytes])
        return [card.build(slot, self._hollow, number) for card in self.cards]
