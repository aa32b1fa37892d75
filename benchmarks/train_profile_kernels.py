"""Kernels of a profiler's trace in groups, and their table for train_profile.py."""

import json
import re
from collections import Counter, defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

PRODUCTS, LORA, HEAD, REST = "matrix products", "LoRA products", "loss and head", "other element-wise"
# Groups by the kernel's name: the first that fits. Names that begin with triton_ are PyTorch's compiler's
# and list what was fused.
GROUPS = {
    "attention forward": r"flash_fwd|fmha_cutlassF",
    "attention backward": r"flash_bwd|fmha_cutlassB",
    "NF4 expansion": r"^_expand|[Dd]equantize",
    "optimizer": r"[Oo]ptimizer|[Aa]dam|multi_tensor",
    PRODUCTS: r"gemm|gemv|nvjet|cutlass|cublas|xmma|split[Kk]",
    "SwiGLU": r"^_differentiate|triton_.*(silu|sigmoid)",
    "norms": r"triton_.*rsqrt",
    "rotary": r"triton_.*cat",
    HEAD: r"[Ss]oft[Mm]ax|scatter|gather",
    "copies": r"[Mm]emcpy|[Mm]emset|CatArray|copy_kernel",
}
KERNEL_EVENTS = ("kernel", "gpu_memcpy", "gpu_memset")
NAME_CHARS = 80


@dataclass(frozen=True)
class Kernel:
    """One launch on the GPU."""

    name: str
    milliseconds: float
    sizes: frozenset[int]  # of the inputs of the operation that launched it; empty in a graph


def read_trace(path: Path) -> list[Kernel]:
    """The launches in a trace that PyTorch's profiler exported."""
    events = json.loads(path.read_text(encoding="utf-8"))["traceEvents"]
    sizes = {
        event["args"]["External id"]: frozenset(_flatten(event["args"].get("Input Dims", [])))
        for event in events
        if event.get("cat") == "cpu_op"
    }
    return [
        Kernel(event["name"], event["dur"] / 1e3, sizes.get(event["args"].get("External id"), frozenset()))
        for event in events
        if event.get("cat") in KERNEL_EVENTS
    ]


def _flatten(dims: object) -> Iterable[int]:
    """Integers of lists in lists: a list of tensors is one input."""
    if isinstance(dims, int):
        yield dims
    elif isinstance(dims, list):
        for part in dims:
            yield from _flatten(part)


def find_group(name: str) -> str:
    """The group of a kernel, as far as its name tells."""
    return next((group for group, pattern in GROUPS.items() if re.search(pattern, name)), REST)


def find_product_shares(
    kernels: Iterable[Kernel], ranks: Collection[int], n_classes: int
) -> dict[str, dict[str, float]]:
    """What the kernels of matrix products are used for, which their names do not tell.

    Args:
        kernels: launched outside of graphs, so that their sizes are known.
        ranks: of the adapters: no other size of a product may be the same.
        n_classes: the vocabulary.

    Returns:
        By kernel name the share of its time in PRODUCTS, LORA and HEAD.
    """
    times: dict[str, Counter] = defaultdict(Counter)
    for kernel in kernels:
        if find_group(kernel.name) == PRODUCTS:
            group = LORA if kernel.sizes & set(ranks) else HEAD if n_classes in kernel.sizes else PRODUCTS
            times[kernel.name][group] += kernel.milliseconds
    return {
        name: {group: spent / sum(of.values()) for group, spent in of.items()} for name, of in times.items()
    }


def sum_groups(kernels: Iterable[Kernel], shares: Mapping[str, Mapping[str, float]]) -> dict[str, float]:
    """Milliseconds of each group.

    Args:
        kernels: of the steps.
        shares: of `find_product_shares`; a product that is not there counts as the base's.
    """
    spent: Counter = Counter()
    for kernel in kernels:
        for group, share in shares.get(kernel.name, {find_group(kernel.name): 1.0}).items():
            spent[group] += share * kernel.milliseconds
    return dict(spent)


def format_groups(spent: Mapping[str, float], n_steps: int, step_milliseconds: float) -> str:
    """The table of groups; what no kernel takes of a step is idle.

    Args:
        spent: milliseconds over all steps.
        n_steps: that many.
        step_milliseconds: of a step by the clock.
    """
    a_step = {group: of / n_steps for group, of in sorted(spent.items(), key=lambda item: -item[1])}
    a_step["idle"] = step_milliseconds - sum(a_step.values())
    a_step["a step"] = step_milliseconds
    rows = [f"| {group} | {of:.2f} | {of / step_milliseconds:.1%} |" for group, of in a_step.items()]
    return "\n".join(["| group | ms a step | share |", "| --- | --- | --- |", *rows])


def format_kernels(kernels: Sequence[Kernel], n_steps: int, n_names: int) -> str:
    """The table of the kernels that take most."""
    spent, launches = Counter(), Counter(kernel.name for kernel in kernels)
    for kernel in kernels:
        spent[kernel.name] += kernel.milliseconds
    rows = [
        f"| {_shorten(name)} | {find_group(name)} | {launches[name] / n_steps:.0f} | {of / n_steps:.2f} |"
        for name, of in spent.most_common(n_names)
    ]
    return "\n".join(["| kernel | group | launches a step | ms a step |", "| --- | --- | --- | --- |", *rows])


def _shorten(name: str) -> str:
    """A name that keeps the table whole."""
    return name.removeprefix("void ").replace("|", "/")[:NAME_CHARS]
