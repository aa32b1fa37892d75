"""Several processes, one a GPU, that take the same optimizer steps; alone, everything here does nothing."""

from typing import Any

import torch
from torch import distributed


def count() -> int:
    """Processes of this training."""
    return distributed.get_world_size() if _are_several() else 1


def rank() -> int:
    """This process's number."""
    return distributed.get_rank() if _are_several() else 0


def add_up(tensor: torch.Tensor) -> None:
    """Replace the tensor by its sum over the processes."""
    if _are_several():
        distributed.all_reduce(tensor)


def share(value: Any) -> Any:
    """The first process's value, in all of them."""
    if not _are_several():
        return value
    held = [value]
    distributed.broadcast_object_list(held, src=0)
    return held[0]


def _are_several() -> bool:
    return distributed.is_available() and distributed.is_initialized()
