import json
import os
import socket
import subprocess
import sys
from pathlib import Path

import pytest
import torch
from conftest import ROOT
from fast_networks import save_base
from fast_process import train_share
from safetensors.torch import load_file

from science_exam.training import processes


def start(rank: int, n_processes: int, port: int, *words: str) -> subprocess.Popen:
    """Start one of the processes, as torchrun does."""
    path = os.pathsep.join([str(ROOT / "src"), str(ROOT / "tests"), os.environ.get("PYTHONPATH", "")])
    place = {"RANK": rank, "LOCAL_RANK": rank, "WORLD_SIZE": n_processes, "MASTER_PORT": port}
    environment = {**os.environ, "PYTHONPATH": path, "MASTER_ADDR": "127.0.0.1"}
    return subprocess.Popen(
        [sys.executable, str(ROOT / "tests/fast_process.py"), *words],
        env={**environment, **{name: str(value) for name, value in place.items()}},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )


def find_port() -> int:
    """A port that nobody listens on."""
    with socket.socket() as asked:
        asked.bind(("127.0.0.1", 0))
        return asked.getsockname()[1]


def run_together(n_processes: int, *words: str) -> None:
    port = find_port()
    started = [start(rank, n_processes, port, *words) for rank in range(n_processes)]
    try:
        for process in started:
            output, _ = process.communicate(timeout=120)
            assert process.returncode == 0, output
    finally:
        for process in started:
            process.kill()


def read_log(folder: Path) -> dict:
    return json.loads((folder / "log.json").read_text(encoding="utf-8"))


def test_a_process_alone_is_the_first_of_one():
    assert (processes.count(), processes.rank(), processes.share("word")) == (1, 0, "word")
    tensor = torch.ones(3)
    processes.add_up(tensor)
    assert tensor.tolist() == [1, 1, 1]


@pytest.mark.slow
def test_two_processes_train_as_one_does(tmp_path):
    base = save_base(tmp_path / "base", "llama", num_hidden_layers=2)
    alone, together = tmp_path / "alone", tmp_path / "together"
    for folder in (alone, together):
        folder.mkdir()
    train_share(base, alone)
    run_together(2, base, str(together))
    expected, found = read_log(alone), read_log(together)
    assert found["steps"] == expected["steps"] == 4  # the patience is over for both
    assert len(found["log"]) == len(expected["log"]) == 8
    for record, other in zip(found["log"], expected["log"], strict=True):
        assert record == pytest.approx(other, rel=1e-5)
    weights = load_file(alone / "rank0.safetensors")
    for rank in (0, 1):
        for name, weight in load_file(together / f"rank{rank}.safetensors").items():
            torch.testing.assert_close(weight, weights[name], rtol=0, atol=1e-6)
    assert not (together / "run/partial").exists()
