"""Several processes, one a GPU, that take the same optimizer steps; alone, everything here does nothing.

`torchrun` and `accelerate launch` start them, on one machine or on several.
"""

import os
from datetime import timedelta
from typing import Any

# The others wait while the first one answers the held-out questions.
PATIENCE = timedelta(hours=4)


def join() -> None:
    """Find the other processes of this training, if there are any, and take the GPU that is ours."""
    if int(os.environ.get("WORLD_SIZE", "1")) > 1:
        import torch
        from accelerate import PartialState

        PartialState(cpu=not torch.cuda.is_available(), timeout=PATIENCE)


def count() -> int:
    """Processes of this training."""
    return _distributed().get_world_size() if _are_several() else 1


def rank() -> int:
    """This process's number; the first, 0, is the one that writes."""
    return _distributed().get_rank() if _are_several() else 0


def add_up(tensor) -> None:
    """Replace the tensor by its sum over the processes."""
    if _are_several():
        _distributed().all_reduce(tensor)


def share(value: Any) -> Any:
    """The first process's value, in all of them."""
    if not _are_several():
        return value
    held = [value]
    _distributed().broadcast_object_list(held, src=0)
    return held[0]


def _are_several() -> bool:
    return int(os.environ.get("WORLD_SIZE", "1")) > 1 and _distributed().is_initialized()


def _distributed():
    from torch import distributed  # not needed by most runs, and slow to import

    return distributed
