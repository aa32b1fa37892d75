"""Optimizer steps: packs through the network, as CUDA graphs on a GPU, then one update of the vector."""

from collections.abc import Iterable

import torch
from torch import nn
from tqdm import tqdm

from science_exam.training import processes
from science_exam.training.config import TrainConfig
from science_exam.training.fast.network import Network
from science_exam.training.fast.packing import Longest, Pack, Shape

WARM_UPS = 2  # before the first capture: kernels are compiled and libraries set up in their first calls


def build_optimizer(network: Network, config: TrainConfig) -> torch.optim.Optimizer:
    """AdamW over the two halves of the adapters' vector, with states as `config.optimizer` says."""
    weights, gradients = network.adapters.weights, network.adapters.gradients
    ratios = (1.0, config.lora.plus_ratio)  # LoRA+: B learns faster
    groups = []
    halves = zip(network.adapters.halves(weights), network.adapters.halves(gradients), ratios, strict=True)
    for half, gradient, ratio in halves:
        parameter = nn.Parameter(half)
        parameter.grad = gradient
        groups.append({"params": [parameter], "lr": config.learning_rate * ratio})
    if config.optimizer == "adamw":
        return torch.optim.AdamW(groups, weight_decay=config.weight_decay, fused=True)
    from bitsandbytes import optim

    kinds = {
        "adamw_8bit": optim.AdamW8bit,
        "paged_adamw_8bit": optim.PagedAdamW8bit,
        "paged_adamw_32bit": optim.PagedAdamW32bit,
    }
    return kinds[config.optimizer](groups, weight_decay=config.weight_decay)


class Stepper:
    """Runs packs and updates the adapters; captured graphs share one pool of memory."""

    def __init__(self, network: Network, optimizer: torch.optim.Optimizer, max_grad_norm: float) -> None:
        """
        Args:
            network: with adapters.
            optimizer: of `build_optimizer`.
            max_grad_norm: gradients are scaled down to it; 0 leaves them as they are.
        """
        self.network, self.optimizer = network, optimizer
        self._longest, self._max_grad_norm = Longest(0, 0, 0), max_grad_norm
        self._device = network.adapters.weights.device
        is_half = network.dtype == torch.float16
        self.scaler = torch.amp.GradScaler(self._device.type, enabled=is_half)
        self._loss = torch.zeros((), device=self._device)
        self._graphs: dict[Shape, tuple[torch.cuda.CUDAGraph, Pack]] = {}
        self._pool = None

    def prepare(self, longest: Longest, packs: Iterable[tuple[Pack, Shape]]) -> None:
        """Make a graph for every shape of these packs, where there is a GPU.

        The largest comes first, so that the others fit into its memory.

        Args:
            longest: over all packs to come.
            packs: of the first steps.
        """
        self._longest = longest
        by_size = sorted(packs, key=lambda item: -len(item[0].ids))
        if self._device.type != "cuda" or not by_size:
            return
        for _ in range(WARM_UPS):
            self._run(by_size[-1][0].move(self._device), by_size[-1][1])
        torch.cuda.empty_cache()
        for pack, shape in tqdm(by_size, desc="capturing", unit="graph", leave=False):
            if shape not in self._graphs:
                self._graphs[shape] = self._capture(pack.move(self._device), shape)
        self.network.adapters.gradients.zero_()

    def release(self) -> None:
        """Give back what graphs and an interrupted step hold."""
        self._graphs, self._pool = {}, None
        self.network.adapters.gradients.zero_()
        torch.cuda.empty_cache()

    def step(self, packs: Iterable[tuple[Pack, Shape]]) -> torch.Tensor:
        """Change the adapters by the packs of a step.

        Returns:
            () fp32 on the device: the step's loss, before the update.
        """
        self._loss.zero_()
        factor = self.scaler.scale(torch.ones((), device=self._device))  # 1 unless the type is fp16
        for pack, shape in packs:
            self._differentiate(pack, shape, factor)
        adapters = self.network.adapters
        processes.add_up(adapters.gradients)
        processes.add_up(self._loss)
        self.scaler.unscale_(self.optimizer)
        self._clip(adapters.gradients)
        self.scaler.step(self.optimizer)
        self.scaler.update()
        adapters.gradients.zero_()
        adapters.refresh()
        return self._loss / factor

    def _differentiate(self, pack: Pack, shape: Shape, factor: torch.Tensor) -> None:
        if self._device.type != "cuda":
            self._run(pack._replace(scale=pack.scale * factor), shape)
            return
        if shape not in self._graphs:
            self._graphs[shape] = self._capture(pack.move(self._device), shape)
        graph, held = self._graphs[shape]
        for target, source in zip(held, pack, strict=True):
            target.copy_(source, non_blocking=True)
        held.scale.mul_(factor)
        graph.replay()

    def _run(self, pack: Pack, shape: Shape) -> None:
        self._loss += self.network.differentiate(pack, shape, self._longest)

    def _capture(self, pack: Pack, shape: Shape) -> tuple[torch.cuda.CUDAGraph, Pack]:
        graph = torch.cuda.CUDAGraph()
        with torch.cuda.graph(graph, pool=self._pool):
            self._run(pack, shape)
        self._pool = self._pool or graph.pool()
        return graph, pack

    def _clip(self, gradients: torch.Tensor) -> None:
        if self._max_grad_norm:
            norm = torch.linalg.vector_norm(gradients)
            gradients.mul_((self._max_grad_norm / (norm + 1e-6)).clamp(max=1.0))
