"""What each stage of the notebook did; a stage that fails leaves the submission as it stands.

Standard library only: this file is the text of a cell of the notebook.
"""

import json
import time
import traceback
from collections.abc import Callable
from pathlib import Path
from typing import Any


class Report:
    """report.json beside the submission, written anew after every stage.

    Its status is "complete" when every stage did all it should, "partial" when some did not but questions
    were answered, and "fallback" when none was.
    """

    def __init__(self, path: Path, started: float, n_rows: int) -> None:
        """
        Args:
            path: of report.json.
            started: when the notebook did, on the monotonic clock.
            n_rows: of test.csv.
        """
        self._path, self._started = path, started
        self._stages: list[dict[str, Any]] = []
        self._warnings: list[str] = []
        self._facts = {"rows": n_rows, "answered": 0, "fallback_rows": n_rows, "views": 0.0, "versions": {}}
        self._write()

    def run(self, name: str, function: Callable, *arguments, after: str = "") -> Any:
        """What the function of a stage returns, or None: it failed, or the stage that it needs did.

        Args:
            name: of the stage.
            function: gets the arguments; says with `warn` what it could not do.
            after: name of a stage whose result it needs.
        """
        if after and self._find_status(after) in ("failed", "skipped"):
            self._add(name, "skipped", time.monotonic(), f"needs what {after} did not give")
            return None
        began, self._warnings, result, status = time.monotonic(), [], None, "failed"
        try:
            result = function(*arguments)
            status = "incomplete" if self._warnings else "done"
        except (Exception, SystemExit) as error:  # whatever it is, the submission stands
            traceback.print_exc()
            self._warnings.append(f"{type(error).__name__}: {error}")
        self._add(name, status, began, "; ".join(self._warnings))
        return result

    def warn(self, message: str) -> None:
        """Note what the stage that is running could not do."""
        self._warnings.append(message)

    def note(self, **facts: Any) -> None:
        """Put facts into the report: answered, fallback_rows, views, versions."""
        self._facts |= facts
        self._write()

    @property
    def status(self) -> str:
        """complete, partial or fallback."""
        if not self._facts["answered"]:
            return "fallback"
        return "complete" if all(stage["status"] == "done" for stage in self._stages) else "partial"

    def describe(self) -> str:
        """A line a stage, for the eye."""
        lines = [f"{'stage':<12} {'status':<11} {'seconds':>8}"]
        for stage in self._stages:
            line = f"{stage['name']:<12} {stage['status']:<11} {stage['seconds']:>8.1f}  {stage['message']}"
            lines.append(line.rstrip())
        told = "{answered} of {rows} rows answered, {views:.1f} views each; {fallback_rows} by length alone"
        lines.append(f"{self.status}: {told.format(**self._facts)}")
        return "\n".join(lines)

    def _find_status(self, name: str) -> str:
        return next((stage["status"] for stage in self._stages if stage["name"] == name), "skipped")

    def _add(self, name: str, status: str, began: float, message: str) -> None:
        seconds = round(time.monotonic() - began, 1)
        message = " ".join(message.split())
        self._stages.append({"name": name, "status": status, "seconds": seconds, "message": message})
        mark = "" if status == "done" else "!!! "
        print(f"{mark}{name}: {status} after {seconds} s{message and ': '}{message}", flush=True)
        self._write()

    def _write(self) -> None:
        seconds = round(time.monotonic() - self._started, 1)
        values = {"status": self.status, "stages": self._stages, **self._facts, "seconds": seconds}
        partial = self._path.with_name(self._path.name + ".partial")
        partial.write_text(json.dumps(values, indent=1) + "\n", encoding="utf-8")
        partial.replace(self._path)
