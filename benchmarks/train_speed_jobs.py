"""What train_speed.py measures, one process a job, and the file of results that it goes on from."""

import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from science_exam.errors import UserError

HERE = Path(__file__).parent
LIMIT = "limit"  # the job that times a matrix product
FAST = "fast"


@dataclass(frozen=True)
class Job:
    """One measurement of one peer; `base` and `rows` are absolute paths."""

    peer: str
    base: str
    rows: str
    max_tokens: int
    warm_up: int  # optimizer steps that are not timed
    steps: int  # timed ones
    repeat: int = 0
    memory_budget_gb: float | None = None

    @property
    def name(self) -> str:
        """The name of its row in the table."""
        return self.peer + (f", {self.memory_budget_gb:g} GB" if self.memory_budget_gb else "")


def list_jobs(
    peers: Sequence[str], memory_budgets_gb: Sequence[float], repeats: int, **settings
) -> Iterator[Job]:
    """The limit, then every peer once, then again: what slows a machine down meanwhile meets all of them.

    Args:
        peers: their names; the fast engine has a job for every memory budget.
        memory_budgets_gb: without any, the engine chooses.
        repeats: jobs of each.
        settings: the other fields of `Job`.
    """
    yield Job(LIMIT, **settings)
    for repeat in range(repeats):
        for peer in peers:
            for budget in (memory_budgets_gb or [None]) if peer == FAST else [None]:
                yield Job(peer, repeat=repeat, memory_budget_gb=budget, **settings)


def read_results(path: Path) -> list[dict]:
    """Lines of a results file; those of a job that was run again take the place of the earlier ones."""
    if not path.is_file():
        return []
    results = {}
    for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), start=1):
        try:
            result = json.loads(line)
            results[Job(**result["job"])] = result
        except (ValueError, KeyError, TypeError):
            raise UserError(f"{path}: line {number}: expected a result; give other --results") from None
    return list(results.values())


def is_measured(result: dict) -> bool:
    """False for a job that failed or whose peer is not installed: those are tried again."""
    return "error" not in result and "missing" not in result


def run_job(job: Job, log: Path, packages: str) -> dict:
    """Run a job in a process of its own, its output in `log`; returns its line of the results.

    Compiled kernels are kept in a folder of the job alone, so that every job pays for its own.

    Args:
        job: what to measure.
        log: file for what the process prints.
        packages: folder that goes before the installed packages, or "".
    """
    log.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as folder, log.open("w", encoding="utf-8") as output:
        out = Path(folder) / "result.json"
        command = [sys.executable, str(HERE / "train_speed_peers.py"), json.dumps(asdict(job)), str(out)]
        done = subprocess.run(
            command, cwd=folder, env=make_environment(folder, packages), stdout=output, stderr=output
        )
        if out.is_file():
            return {"job": asdict(job), **json.loads(out.read_text(encoding="utf-8"))}
    lines = log.read_text(encoding="utf-8", errors="replace").split("\n")
    last = next((line.strip() for line in reversed(lines) if line.strip()), "")
    return {"job": asdict(job), "error": last or f"ended with code {done.returncode} and no word"}


def make_environment(folder: str, packages: str) -> dict[str, str]:
    """The variables of a job's process, which works in `folder`."""
    inherited = filter(None, os.environ.get("PYTHONPATH", "").split(os.pathsep))
    paths = [packages, str(HERE.parent / "src"), *(str(Path(path).resolve()) for path in inherited)]
    return {
        **os.environ,
        "PYTHONPATH": os.pathsep.join(filter(None, paths)),
        "HF_HUB_OFFLINE": "1",
        "TOKENIZERS_PARALLELISM": "false",
        "TORCHINDUCTOR_CACHE_DIR": f"{folder}/inductor",
        "TRITON_CACHE_DIR": f"{folder}/triton",
    }
