import json
from pathlib import Path

import pytest
import torch
from fast_networks import save_base
from fast_process import train_share
from process_server import run_together
from safetensors.torch import load_file

from science_exam.training import processes


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
    run_together(2, train_share, base, together, folder=tmp_path)
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
