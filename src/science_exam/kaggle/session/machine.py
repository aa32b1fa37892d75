"""What the notebook runs on; asked in a process of its own, so that the notebook holds no GPU memory."""

import json
import os
import platform
import shutil
import subprocess
import sys
import sysconfig
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from science_exam.errors import UserError

PACKAGES = ("torch", "transformers", "tokenizers", "peft", "accelerate", "numpy", "pandas", "pyarrow")
ASKING_SECONDS = 120
QUESTION = """
import json, torch
cards = [torch.cuda.get_device_properties(n) for n in range(torch.cuda.device_count())]
print(json.dumps({
    "architectures": torch.cuda.get_arch_list(),
    "cards": [{"name": c.name, "capability": [c.major, c.minor], "bytes": c.total_memory} for c in cards],
}))
"""


@dataclass(frozen=True)
class Machine:
    """What there is to compute with.

    Attributes:
        python: tag of the interpreter, cp312.
        cards: of the GPUs: name, capability and bytes.
        architectures: that this torch was built for.
        memory_bytes: free now, of the CPU's; what holds cached files is not counted.
        disk_bytes: free now, for links and wheels.
        versions: of the packages that matter; those that are absent are left out.
    """

    python: str
    cards: list[dict[str, Any]]
    architectures: list[str]
    memory_bytes: int
    disk_bytes: int
    versions: dict[str, str]

    def describe(self) -> str:
        """A few lines for the notebook."""
        cards = [
            f"{card['name']} {card['bytes'] / 1e9:.0f} GB, "
            + ("bf16" if tuple(card["capability"]) >= (8, 0) else "fp16")
            for card in self.cards
        ]
        return "\n".join(
            [
                f"{self.python} on {platform.platform()}, {os.cpu_count()} cores",
                f"GPUs: {'; '.join(cards) or 'none'}",
                f"torch is built for {' '.join(self.architectures) or 'CPUs alone'}",
                f"free: {self.memory_bytes / 1e9:.1f} GB of memory, {self.disk_bytes / 1e9:.1f} GB on disk",
                ", ".join(f"{name} {version}" for name, version in self.versions.items()),
            ]
        )


def describe_machine(folder: Path) -> Machine:
    """The machine, with the disk that holds `folder`.

    Raises:
        UserError: torch cannot be imported, or finds no driver it can use.
        TimeoutExpired: it does not say within `ASKING_SECONDS`.
    """
    command = [sys.executable, "-c", QUESTION]
    done = subprocess.run(command, capture_output=True, text=True, timeout=ASKING_SECONDS)
    if done.returncode:
        said = done.stderr.rstrip().splitlines() or [f"exit code {done.returncode}"]
        raise UserError(f"torch does not say what there is: {said[-1]}; answered by one process")
    answer = json.loads(done.stdout.splitlines()[-1])
    return Machine(
        python=f"cp{sysconfig.get_config_var('py_version_nodot')}",
        cards=answer["cards"],
        architectures=answer["architectures"],
        memory_bytes=os.sysconf("SC_AVPHYS_PAGES") * os.sysconf("SC_PAGE_SIZE"),
        disk_bytes=shutil.disk_usage(folder).free,
        versions=_list_versions(),
    )


def _list_versions() -> dict[str, str]:
    from importlib.metadata import PackageNotFoundError, version

    versions = {"python": platform.python_version()}
    for name in (*PACKAGES, "science-exam"):
        try:
            versions[name] = version(name)
        except PackageNotFoundError:
            continue
    return versions
