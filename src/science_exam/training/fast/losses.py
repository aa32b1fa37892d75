"""Losses on their way from the GPU to the log."""

import math
import statistics
import time
from collections import deque

import torch

from science_exam.errors import UserError
from science_exam.training.fast.checkpoints import Progress
from science_exam.training.outcome import OnLog

UNTIMED_STEPS = 5  # the first ones pay for allocation and new graphs
LOG_STEPS = 10  # between two writings of the log


class Losses:
    """Reads each loss a step late, so that the GPU never waits for the next step to be launched."""

    def __init__(self, progress: Progress, on_log: OnLog, epoch_steps: int) -> None:
        """
        Args:
            progress: its log is continued.
            on_log: gets the log.
            epoch_steps: optimizer steps of an epoch.
        """
        self._progress, self._on_log, self._epoch_steps = progress, on_log, epoch_steps
        self._unread: deque[tuple[int, torch.Tensor, float]] = deque()
        self._seconds: list[float] = []
        self._since = time.perf_counter()

    def add(self, step: int, loss: torch.Tensor, rate: float) -> None:
        """Take in the loss of a step, () on the device, and its learning rate."""
        self._unread.append((step, loss, rate))
        if len(self._unread) > 1:
            self._read()
        if step % LOG_STEPS == 0:
            self._on_log(self._progress.log)

    def append(self, step: int, figures: dict[str, float]) -> None:
        """Put figures of a step into the log."""
        self._progress.log.append({**figures, "epoch": round(step / self._epoch_steps, 4), "step": step})

    def read_all(self) -> None:
        """Wait for the steps that are on their way."""
        while self._unread:
            self._read()
        self._on_log(self._progress.log)

    def steps_per_second(self) -> float:
        """Of the median step, first ones left out; 0 without any."""
        timed = self._seconds[UNTIMED_STEPS:] or self._seconds
        return 1 / statistics.median(timed) if timed else 0.0

    def _read(self) -> None:
        step, tensor, rate = self._unread.popleft()
        loss = tensor.item()
        if not math.isfinite(loss):
            raise UserError(f"step {step}: the loss is {loss}; lower learning_rate, or raise warmup_steps")
        now = time.perf_counter()
        self._seconds.append(now - self._since)
        self._since = now
        self.append(step, {"loss": round(loss, 6), "learning_rate": rate})
