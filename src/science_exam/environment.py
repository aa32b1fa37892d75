"""Where a run takes place: versions, device and commit, and what the device can do."""

import importlib.metadata
import os
import platform
import subprocess
import sys
from pathlib import Path
from typing import Any

AMPERE = (8, 0)  # the first compute capability with bf16 in hardware
RECORDED_PACKAGES = (
    "accelerate", "bitsandbytes", "datasets", "datasketch", "faiss-cpu", "llguidance", "mwparserfromhell",
    "numpy", "pandas", "peft", "pyarrow", "PyStemmer", "scikit-learn", "sentence-transformers", "tokenizers",
    "torch", "transformers", "trl",
)  # fmt: skip


def describe_environment() -> dict[str, Any]:
    """Versions, machine, device and commit: enough to say why two runs differ."""
    return {
        "python": platform.python_version(),
        "machine": platform.platform(),
        "cpu_count": os.cpu_count(),
        "device": _describe_device(),
        "commit": _git_commit(),
        "packages": {name: _version(name) for name in RECORDED_PACKAGES},
    }


def is_ampere() -> bool:
    """Whether the GPU that this process uses is of Ampere's generation or a later one.

    These have bf16 and FlashAttention; `torch.cuda.is_bf16_supported()` also says yes where bf16 is emulated.
    """
    import torch

    return torch.cuda.get_device_capability() >= AMPERE


def _describe_device() -> str:
    """The GPU's name where the stage uses torch; importing it only to ask would take seconds."""
    torch = sys.modules.get("torch")
    return torch.cuda.get_device_name() if torch and torch.cuda.is_available() else "cpu"


def _version(package: str) -> str | None:
    try:
        return importlib.metadata.version(package)
    except importlib.metadata.PackageNotFoundError:
        return None


def _git_commit() -> str | None:
    """The checkout's commit, with "+changes" when tracked files differ from it."""
    try:
        described = subprocess.run(
            ["git", "describe", "--always", "--abbrev=40", "--dirty=+changes", "--exclude=*"],
            capture_output=True, text=True, timeout=10, cwd=Path(__file__).parent,
        )  # fmt: skip
    except (OSError, subprocess.TimeoutExpired):
        return None
    return described.stdout.strip() or None
