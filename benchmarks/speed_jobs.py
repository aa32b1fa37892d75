"""One process a measurement, and the file of results that a benchmark goes on from.

A job is a frozen dataclass with a `name`, which describes it in logs; its fields are JSON's own types.
"""

import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import TypeVar

from science_exam.errors import UserError

HERE = Path(__file__).parent
AnyJob = TypeVar("AnyJob")


def run_missing(
    jobs: Sequence[AnyJob], path: Path, script: str, choose_packages: Callable[[AnyJob], Path | None]
) -> list[dict]:
    """Run what the results file does not hold yet, and add it line by line; returns the results of `jobs`.

    Args:
        jobs: at least one, all of one kind.
        path: of the results; the logs are in the folder of the same name.
        script: beside this file, called with a job and the file to write its result to.
        choose_packages: the folder of packages that goes before the installed ones for a job, or None.
    """
    kind = type(jobs[0])
    done = {kind(**result["job"]) for result in read_results(path, kind) if is_measured(result)}
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("a", encoding="utf-8") as file:
        for job in jobs:
            if job in done:
                continue
            began, packages = time.perf_counter(), choose_packages(job)
            log = path.with_suffix("") / f"{job.name} {job.repeat}.log".replace(", ", "-").replace(" ", "-")
            result = run_job(job, script, log, str(packages.resolve()) if packages else "")
            print(json.dumps(result), file=file, flush=True)
            state = result.get("missing") or result.get("error") or "measured"
            print(f"{job.name}: {state}, {time.perf_counter() - began:.0f} s", file=sys.stderr, flush=True)
    results = {kind(**result["job"]): result for result in read_results(path, kind)}
    return [results[job] for job in jobs]


def read_results(path: Path, kind: type) -> list[dict]:
    """Lines of a results file; those of a job that was run again take the place of the earlier ones."""
    if not path.is_file():
        return []
    results = {}
    for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), start=1):
        try:
            result = json.loads(line)
            results[kind(**result["job"])] = result
        except (ValueError, KeyError, TypeError):
            raise UserError(f"{path}: line {number}: expected a result; give other --results") from None
    return list(results.values())


def is_measured(result: dict) -> bool:
    """False for a job that failed or whose packages are not installed: those are tried again."""
    return "error" not in result and "missing" not in result


def run_job(job, script: str, log: Path, packages: str) -> dict:
    """Run a job in a process of its own, its output in `log`; returns its line of the results.

    Compiled kernels are kept in a folder of the job alone, so that every job pays for its own.

    Args:
        job: what to measure.
        script: beside this file.
        log: file for what the process prints.
        packages: folder that goes before the installed packages, or "".
    """
    log.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as folder, log.open("w", encoding="utf-8") as output:
        out = Path(folder) / "result.json"
        command = [sys.executable, str(HERE / script), json.dumps(asdict(job)), str(out)]
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
