"""What a training gives back, whichever engine ran it, and how it asks for a validation."""

from collections.abc import Callable
from dataclasses import dataclass

# Scores the model as it stands on the validation rows: {"map3": …, "accuracy": …}.
Validate = Callable[[], dict[str, float]]
# Gets the whole log so far.
OnLog = Callable[[list[dict]], None]

# Below a run's folder: the way there, and the result.
CHECKPOINTS, ADAPTER, ENCODER = "checkpoints", "adapter", "encoder"
BEST = "map3"  # the score that chooses a checkpoint


@dataclass(frozen=True)
class Trained:
    """What a training leaves besides the weights: rows seen, its speed, its peak memory."""

    n_rows: int
    steps: int
    rows_per_second: float
    peak_bytes: int
