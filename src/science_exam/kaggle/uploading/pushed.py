"""What of a kernel is at Kaggle already: pushed.json beside it, written after every step of a push.

Before a request that makes something, the version that there was is written down: when the answer gets lost,
a later version tells that the request was served.
"""

import json
from pathlib import Path
from typing import Any

from science_exam.errors import UserError
from science_exam.files import write_text

PUSHED = "pushed.json"
NOTEBOOK = "notebook"


class Pushed:
    """The steps of a push, by name: a bundle's, or `NOTEBOOK`.

    A step has "fingerprint" (of what was sent), "ref" (its name at Kaggle), "before" (the version until then,
    0 for none), "version" (once it is there) and facts of its own.
    """

    def __init__(self, kernel: Path) -> None:
        """
        Args:
            kernel: kernels/<name>.

        Raises:
            UserError: the file is damaged.
        """
        self._path = kernel / PUSHED
        self._steps: dict[str, dict[str, Any]] = {}
        if self._path.is_file():
            try:
                self._steps = dict(json.loads(self._path.read_text(encoding="utf-8")))
            except (ValueError, TypeError) as error:
                raise UserError(
                    f"{self._path}: expected JSON of steps ({error}); delete it and push again"
                ) from None

    def read(self, name: str) -> dict[str, Any]:
        """What is known of a step; nothing where it was never begun."""
        return dict(self._steps.get(name, {}))

    def read_begun(self, name: str, ref: str, fingerprint: str) -> dict[str, Any]:
        """As `read`, but nothing where something else was sent, or elsewhere."""
        step = self.read(name)
        return step if (step.get("ref"), step.get("fingerprint")) == (ref, fingerprint) else {}

    def begin(self, name: str, ref: str, fingerprint: str, before: int) -> None:
        """Write down what is about to be sent."""
        self._write(name, {"ref": ref, "fingerprint": fingerprint, "before": before})

    def note(self, name: str, **facts: Any) -> None:
        """Write down what is known now."""
        self._write(name, self.read(name) | facts)

    def _write(self, name: str, step: dict[str, Any]) -> None:
        self._steps[name] = step
        write_text(self._path, json.dumps(self._steps, indent=1) + "\n")
