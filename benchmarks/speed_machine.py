"""The machine of a speed benchmark: what it is, and how fast it multiplies."""

import importlib.util
import statistics
import time
from importlib.metadata import version

LASTING_SECONDS = 4.0
PRODUCTS_AT_ONCE = 50  # about 80 ms of an H200
PACKAGES = ("torch", "transformers", "peft", "bitsandbytes", "trl", "unsloth", "xgrammar")


def measure_limit() -> dict:
    """FLOP/s of a bf16 matrix product large enough to fill the device, the median of 20."""
    left, right = make_factors()
    seconds = [time_products(left, right, 1) for _ in range(25)]
    return {"flops_per_second": 2 * len(left) ** 3 / statistics.median(seconds[5:])}


def measure_lasting_limit() -> dict:
    """FLOP/s of the same product over and over, for seconds: what the device's power allows."""
    left, right = make_factors()
    seconds, began = [], read_clock()
    while read_clock() - began < LASTING_SECONDS:
        seconds.append(time_products(left, right, PRODUCTS_AT_ONCE))
    second_half = statistics.median(seconds[len(seconds) // 2 :])
    return {"lasting_flops_per_second": PRODUCTS_AT_ONCE * 2 * len(left) ** 3 / second_half}


def make_factors():
    """Two square matrices of random numbers: zeros would take less power, and be multiplied faster."""
    import torch

    size, device = (8_192, "cuda") if torch.cuda.is_available() else (512, "cpu")
    return [torch.randn(size, size, device=device, dtype=torch.bfloat16) for _ in range(2)]


def time_products(left, right, n_products: int) -> float:
    """Seconds of so many products."""
    began = read_clock()
    for _ in range(n_products):
        left @ right
    return read_clock() - began


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
