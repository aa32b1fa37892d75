"""Processes of tests, forked from a server that has loaded the libraries, which takes ten seconds.

They are not forked from the tests' own process: its threads (tokenizers, torch) would be left behind.
"""

import multiprocessing
import os
import runpy
import socket
import sys
from collections.abc import Callable
from multiprocessing.process import BaseProcess
from pathlib import Path

SERVER = multiprocessing.get_context("forkserver")
SERVER.set_forkserver_preload(["peft", "sentence_transformers"])


def start(function: Callable, *arguments, log: Path, variables: dict[str, str] | None = None) -> BaseProcess:
    """Start a call in a process of its own; what it prints is added to `log`.

    Args:
        function: at the top of a module, so that the process finds it.
        arguments: of the function.
        log: a file; a traceback ends there too.
        variables: of the process's environment, besides those of the tests.
    """
    process = SERVER.Process(target=_call, args=(function, arguments, log, variables or {}), daemon=True)
    process.start()
    return process


def run_file(path: Path | str, *words: str) -> None:
    """Do what `python path words…` does."""
    sys.argv = [str(path), *words]
    runpy.run_path(str(path), run_name="__main__")


def run_together(n_processes: int, function: Callable, *arguments, folder: Path) -> None:
    """Call a function in the processes of one training, as torchrun starts them; all have to end well.

    Args:
        n_processes: of which each finds its rank in its environment.
        function: at the top of a module.
        arguments: of the function.
        folder: for what they print.
    """
    place = {"WORLD_SIZE": n_processes, "MASTER_ADDR": "127.0.0.1", "MASTER_PORT": _find_port()}
    logs = [folder / f"rank{rank}.log" for rank in range(n_processes)]
    started = []
    for rank, log in enumerate(logs):
        variables = {**place, "RANK": rank, "LOCAL_RANK": rank}
        words = {name: str(value) for name, value in variables.items()}
        started.append(start(function, *arguments, log=log, variables=words))
    try:
        for process, log in zip(started, logs, strict=True):
            process.join(timeout=120)
            assert process.exitcode == 0, log.read_text(encoding="utf-8")
    finally:
        for process in started:
            process.kill()


def _find_port() -> int:
    """A port that nobody listens on."""
    with socket.socket() as asked:
        asked.bind(("127.0.0.1", 0))
        return asked.getsockname()[1]


def _call(function: Callable, arguments: tuple, log: Path, variables: dict[str, str]) -> None:
    os.environ.update(variables)
    with log.open("ab") as file:
        os.dup2(file.fileno(), sys.stdout.fileno())
        os.dup2(file.fileno(), sys.stderr.fileno())
    function(*arguments)
