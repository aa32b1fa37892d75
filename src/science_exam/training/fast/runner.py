"""A training's steps within its memory: planned, packed and run; planned anew once if memory runs out."""

import gc
from collections.abc import Sequence
from contextlib import suppress

import numpy as np
import torch
from tqdm import tqdm

from science_exam.training import processes
from science_exam.training.config import TrainConfig
from science_exam.training.fast.network import Network
from science_exam.training.fast.packing import Pack, Shape, find_longest, pack_groups
from science_exam.training.fast.plan import Plan, Work, make_plan
from science_exam.training.fast.rows import Group, divide_step
from science_exam.training.fast.stepping import Stepper, build_optimizer

CPU_BUDGET_BYTES = 4 * 10**9
FREE_SHARE = 0.95  # of a GPU's free memory, where nothing else is said
SECOND_SHARE = 0.85  # of the budget, for the plan after memory ran out
STEPS_LOOKED_AT = 100  # shapes of their packs are captured before the first step, others when they come
# Bytes a weight of AdamW's states; paged ones move to the CPU's memory.
STATE_BYTES = {"adamw": 8.0, "adamw_8bit": 2.1, "paged_adamw_8bit": 0.0, "paged_adamw_32bit": 0.0}


class Runner:
    """Runs optimizer steps by their number."""

    def __init__(
        self,
        network: Network,
        steps: Sequence[Sequence[Group]],
        config: TrainConfig,
        classes: Sequence[int] | None = None,
    ) -> None:
        """
        Args:
            network: with adapters.
            steps: groups of each optimizer step.
            config: the stage's settings.
            classes: token ids that a target is one of; None: the whole vocabulary.

        Raises:
            UserError: the memory is too small.
        """
        self._network, self._steps, self._config = network, steps, config
        self._class_of = None if classes is None else {token: n for n, token in enumerate(classes)}
        self.optimizer = build_optimizer(network, config)
        self.stepper = Stepper(network, self.optimizer, config.max_grad_norm)
        self._rates = [group["lr"] for group in self.optimizer.param_groups]
        self._budget_bytes = _find_budget(config, network)
        self._second_try = False
        with suppress(torch.OutOfMemoryError):
            self._prepare()
            return
        self._plan_anew()

    def step(self, number: int, factor: float) -> torch.Tensor:
        """Take a step, with the learning rates times `factor`.

        Returns:
            () fp32 on the device: the step's loss, before the update.
        """
        for group, rate in zip(self.optimizer.param_groups, self._rates, strict=True):
            group["lr"] = rate * factor
        try:
            return self.stepper.step(self._pack_step(number))
        except torch.OutOfMemoryError:
            if self._second_try:
                raise
        self._plan_anew()
        return self.stepper.step(self._pack_step(number))

    def _plan_anew(self) -> None:
        """Plan for less; called outside of handlers, whose traceback would hold the tensors of the step."""
        self._second_try = True
        self._budget_bytes = int(self._budget_bytes * SECOND_SHARE)
        self.stepper.release()
        self._prepare()

    def _prepare(self) -> None:
        """Plan for the budget, and capture what the first steps need."""
        gc.collect()
        groups = [group for step in self._steps for group in step]
        # All processes divide steps alike, so they follow one plan.
        self.plan = processes.share(self._make_plan(groups))
        self._network.follow(self.plan)
        first = range(min(STEPS_LOOKED_AT, len(self._steps)))
        packs = [pack for number in first for pack in self._pack_step(number)]
        self.stepper.prepare(find_longest(groups, self.plan.max_tokens), packs)

    def _make_plan(self, groups: Sequence[Group]) -> Plan:
        sizes, weights = self._network.measure(), self._network.adapters.weights
        held_bytes = torch.cuda.memory_allocated() if weights.is_cuda else 0
        if not self.optimizer.state:
            held_bytes += int(STATE_BYTES[self._config.optimizer] * weights.numel())
        work = Work(
            step_tokens=[sum(group.n_tokens for group in step) // processes.count() for step in self._steps],
            longest_row=max(len(row.ids) for group in groups for row in group.rows),
            has_tails=any(group.n_shared for group in groups),
        )
        plan = make_plan(sizes, work, held_bytes, self._budget_bytes)
        if weights.is_cuda and processes.rank() == 0:
            tqdm.write(plan.describe(sizes, self._budget_bytes))
        return plan

    def _pack_step(self, number: int) -> list[tuple[Pack, Shape]]:
        """This process's packs of a step; the loss is the mean over the targets of all processes."""
        groups = self._steps[number]
        scale = 1 / sum(group.n_targets for group in groups)
        share = divide_step(groups, self.plan.max_tokens, processes.count())[processes.rank()]
        seeds = np.random.default_rng([self._config.seed, number, processes.rank()])
        packs = (pack_groups(part, scale, int(seeds.integers(2**62)), self._class_of) for part in share)
        return [(self._network.embedding.fill(pack), shape) for pack, shape in packs]


def _find_budget(config: TrainConfig, network: Network) -> int:
    """Bytes that the training may take in all, what is held already included."""
    if config.memory_budget_gb:
        return int(config.memory_budget_gb * 1e9)
    if not network.adapters.weights.is_cuda:
        return CPU_BUDGET_BYTES
    torch.cuda.empty_cache()
    return int(torch.cuda.mem_get_info()[0] * FREE_SHARE) + torch.cuda.memory_allocated()
