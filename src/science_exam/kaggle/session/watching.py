"""Heavy work in processes of its own: a crash, a kill or a GPU error takes nothing else with it."""

import os
import signal
import subprocess
import sys
from dataclasses import dataclass, field
from pathlib import Path

TAIL_CHARS = 1500
OFFLINE = {"HF_HUB_OFFLINE": "1", "TRANSFORMERS_OFFLINE": "1", "TOKENIZERS_PARALLELISM": "false"}


@dataclass
class Child:
    """`python -m module folder`, with its output in a file of that folder: of the module's name, and .log.

    Attributes:
        module: of this package.
        folder: that it works in.
        environment: added to this process's own.
    """

    module: str
    folder: Path
    environment: dict[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self._log = self.folder / f"{self.module.rpartition('.')[2]}.log"
        with self._log.open("ab") as log:
            self._process = subprocess.Popen(
                [sys.executable, "-m", self.module, str(self.folder)],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                cwd=self.folder,
                env={**os.environ, **OFFLINE, **self.environment},
            )

    def wait(self, seconds: float) -> bool:
        """Whether it has ended within so many seconds."""
        try:
            self._process.wait(max(seconds, 0))
        except subprocess.TimeoutExpired:
            return False
        return True

    @property
    def succeeded(self) -> bool:
        """Whether it has ended well."""
        return self._process.returncode == 0

    def kill(self) -> None:
        """End it now."""
        self._process.kill()
        self._process.wait()

    def read_log(self) -> str:
        """What it has printed, and the same module before it in this folder."""
        return self._log.read_text(encoding="utf-8", errors="replace").rstrip()

    def explain(self) -> str:
        """Why it did not end well, in a line; the end of its log is printed."""
        code, log = self._process.returncode, self.read_log()
        print(f"--- {self.module}: {log[-TAIL_CHARS:]}")
        if code is not None and code < 0:
            reason = ", most often for lack of memory" if code == -signal.SIGKILL else ""
            return f"killed by {signal.Signals(-code).name}{reason}"
        return log.splitlines()[-1] if log else f"exit code {code}"
