from pathlib import Path

import pytest
from conftest import LLAMA

from science_exam.errors import UserError
from science_exam.training.config import BaseConfig, TrainConfig
from science_exam.training.preflight import check_training, open_training


@pytest.fixture
def config(bases):
    return TrainConfig(base=BaseConfig(path=bases[LLAMA].folder), report_to="none", max_steps=3)


def test_a_training_is_opened_until_it_is_finished(config, tmp_path):
    rows, folder = tmp_path / "rows", tmp_path / "run"
    rows.write_text("rows")
    run = open_training(folder, config, [rows])
    assert not folder.exists()  # nothing is written before it begins
    run.begin()
    assert "rows" in (folder / "inputs.json").read_text()
    assert "tokenizer.json" in (folder / "inputs.json").read_text()
    run.finish({})
    assert open_training(folder, config, [rows]) is None
    rows.write_text("others")
    with pytest.raises(UserError, match="rows has changed"):
        open_training(folder, config, [rows])


def test_what_only_changes_the_pace_may_change(config, tmp_path):
    run = open_training(tmp_path / "run", config, [])
    run.begin()
    run.finish({})
    other = TrainConfig(
        base=config.base, max_steps=3, report_to="tensorboard", answer_batch_size=1, memory_budget_gb=9.0
    )
    assert open_training(tmp_path / "run", other, []) is None


def test_an_absent_base_and_an_absent_package_are_said_before_any_work(tmp_path, monkeypatch):
    absent = TrainConfig(base=BaseConfig(path=str(tmp_path / "none")))
    with pytest.raises(UserError, match="no such folder"):
        open_training(tmp_path / "run", absent, [])
    assert not Path(tmp_path / "run").exists()
    (tmp_path / "config.json").write_text("{}")
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    with pytest.raises(UserError, match="report_to=wandb: the package is not installed"):
        check_training(TrainConfig(base=BaseConfig(path=str(tmp_path)), report_to="wandb"))
