"""The machine of a speed benchmark: what it is, and how fast it multiplies."""

import importlib.util
import statistics
import time
from importlib.metadata import version

PACKAGES = ("torch", "transformers", "peft", "bitsandbytes", "trl", "unsloth", "xgrammar")


def measure_limit() -> dict:
    """FLOP/s of a bf16 matrix product large enough to fill the device, the median of 20."""
    import torch

    cuda = torch.cuda.is_available()
    size, device = (8_192, "cuda") if cuda else (512, "cpu")
    left, right = (torch.randn(size, size, device=device, dtype=torch.bfloat16) for _ in range(2))
    seconds = []
    for _ in range(25):
        began = read_clock()
        left @ right
        seconds.append(read_clock() - began)
    return {"flops_per_second": 2 * size**3 / statistics.median(seconds[5:])}


def read_clock() -> float:
    """Seconds, once the device has done what it was given."""
    import torch

    if torch.cuda.is_available():
        torch.cuda.synchronize()
    return time.perf_counter()


def describe_machine() -> dict[str, str]:
    """Its device, and the versions of the packages that matter."""
    import torch

    found = [name for name in PACKAGES if importlib.util.find_spec(name)]
    return {
        "device": torch.cuda.get_device_name() if torch.cuda.is_available() else "CPU",
        "versions": ", ".join(f"{name} {version(name)}" for name in found),
    }
