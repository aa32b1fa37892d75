"""Trainings as processes, one a GPU at a time."""

import os
import subprocess
import sys
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from queue import SimpleQueue

from science_exam.errors import UserError

VISIBLE = "CUDA_VISIBLE_DEVICES"


def list_gpus() -> list[str]:
    """Names of the GPUs that this process may use, as `CUDA_VISIBLE_DEVICES` takes them."""
    if VISIBLE in os.environ:
        return [name for name in os.environ[VISIBLE].split(",") if name]
    import torch

    return [str(number) for number in range(torch.cuda.device_count())]


def choose_gpus(n_processes: int) -> list[str]:
    """A GPU for each of so many processes, or none for each, on a machine without.

    Raises:
        UserError: there are GPUs, but fewer.
    """
    gpus = list_gpus()
    if gpus and len(gpus) < n_processes:
        raise UserError(f"gpus={n_processes}: found {len(gpus)}; use gpus={len(gpus)} (make: GPUS=)")
    return gpus[:n_processes] or [""] * n_processes


def run_jobs(jobs: Mapping[str, Sequence[str]], gpus: Sequence[str], folder: Path) -> None:
    """Run the commands, each on a GPU of its own; one after the other where there are fewer than two.

    Ends this process with the code of the first command that fails; those under way are let finish.

    Args:
        jobs: command lines by name.
        gpus: of `list_gpus`.
        folder: of the logs of commands that run side by side, `<name>.log`.
    """
    if len(gpus) < 2:
        for command in jobs.values():
            _stop_on_failure(subprocess.run(command).returncode)
        return
    folder.mkdir(parents=True, exist_ok=True)
    free: SimpleQueue[str] = SimpleQueue()
    for gpu in gpus:
        free.put(gpu)
    with ThreadPoolExecutor(len(gpus)) as pool:
        codes = list(pool.map(lambda job: _run_on_free_gpu(*job, free, folder), jobs.items()))
    _stop_on_failure(next(filter(None, codes), 0))


def _run_on_free_gpu(name: str, command: Sequence[str], free: SimpleQueue, folder: Path) -> int:
    gpu, log = free.get(), folder / f"{name}.log"
    print(f"{name}: on GPU {gpu}, see {log}", flush=True)
    with log.open("w", encoding="utf-8") as file:
        environment = {**os.environ, VISIBLE: gpu}
        code = subprocess.run(command, stdout=file, stderr=subprocess.STDOUT, env=environment).returncode
    print(f"{name}: {'done' if code == 0 else f'failed with code {code}'}, see {log}", flush=True)
    free.put(gpu)
    return code


def _stop_on_failure(code: int) -> None:
    if code:
        sys.exit(code)  # the command has said why
