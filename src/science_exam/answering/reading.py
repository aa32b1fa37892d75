"""What a GPU is still reading: its scores come later, and meanwhile the host goes on."""

from collections.abc import Callable

import numpy as np
import torch


class Reading:
    """Scores on their way to the host."""

    def __init__(self, scores: torch.Tensor, divide: Callable[[np.ndarray], list[np.ndarray]]) -> None:
        """
        Args:
            scores: (rows, options) on the device that computes them.
            divide: rows of scores -> those of each group.
        """
        self._divide = divide
        # Copied behind what computes them: a later copy would wait for all that the GPU is given until then.
        self._scores = scores.to("cpu", non_blocking=True)
        self._copied = torch.cuda.current_stream(scores.device).record_event() if scores.is_cuda else None

    @property
    def is_done(self) -> bool:
        """Whether `finish` has nothing to wait for; on the CPU always."""
        return self._copied is None or self._copied.query()

    def finish(self) -> list[np.ndarray]:
        """Wait for the scores: (prompts, options) for each group."""
        if self._copied is not None:
            self._copied.synchronize()
        return self._divide(self._scores.numpy())
