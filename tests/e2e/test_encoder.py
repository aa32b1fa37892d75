"""The whole way with an encoder: questions, train, predict, ask, evaluate."""

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from tiny_encoders import save_tiny_deberta

from science_exam.questions.store import write_question_set
from science_exam.tables import PREDICTIONS, PROBABILITY_COLUMNS, read_table

pytestmark = pytest.mark.slow

RUN = Path("data/runs/tiny/fold1")
COLUMNS = list(PROBABILITY_COLUMNS)


@pytest.fixture
def words(work, question_set) -> list[str]:
    """Words of a short training of a tiny encoder, its departures in a YAML file as users keep them."""
    folder = save_tiny_deberta(work / "base", question_set.questions, question_set.contexts)
    (work / "configs/train/tiny.yaml").write_text(
        f"base:\n  path: {folder}\nencoder:\n  frozen_layers: 1\nmax_tokens: 60\nmax_steps: 6\n"
        "batch_size: 4\nlearning_rate: 1e-2\nwarmup_steps: 0\noptimizer: adamw\n"
        "validation_fraction: 0.2\ncheckpoint_steps: 2\n"
    )
    for name in ("elements", "exam"):
        write_question_set(question_set, work / "data/questions" / name)
    return ["tiny", "questions=data/questions/elements", "fold=1"]


def test_train_predict_ask_evaluate(words, run_script, question_set, capsys):
    assert run_script("train", *words) == 0
    assert "after training" in capsys.readouterr().out
    assert {path.name for path in RUN.iterdir()} == {
        "config.yaml", "encoder", "environment.json", "inputs.json", "manifest.json", "metrics.jsonl",
        "predictions.parquet", "predictions_before.parquet", "report.md", "tensorboard",
    }  # fmt: skip
    manifest = json.loads((RUN / "manifest.json").read_text())
    assert "encoder/model.safetensors" in manifest["outputs"]
    assert manifest["results"]["training"]["steps"] == 6
    records = [json.loads(line) for line in (RUN / "metrics.jsonl").read_text().splitlines()]
    assert sum("eval_map3" in record for record in records) == 3

    # Answering loads what was saved, and says of the held-out questions what training said.
    assert run_script("predict", f"run={RUN}", "questions=data/questions/elements", "batch_size=2") == 0
    held_out = read_table(PREDICTIONS, RUN / "predictions.parquet")
    answers = read_table(PREDICTIONS, Path("data/predictions/tiny-fold1-elements/predictions.parquet"))
    assert len(answers) == (question_set.folds["fold"] == 1).sum()
    pd.testing.assert_frame_equal(answers, held_out, atol=1e-5)
    before = read_table(PREDICTIONS, RUN / "predictions_before.parquet")
    assert np.abs(before[COLUMNS] - held_out[COLUMNS]).to_numpy().max() > 1e-4

    capsys.readouterr()
    options = "options=Ne|Na|He|H|Li"
    assert run_script("ask", "q=What is the symbol of Neon?", options, f"run={RUN}", "index=") == 0
    assert f"answered by {RUN}" in capsys.readouterr().out
    assert run_script("evaluate", "run=data/runs/tiny") == 0
    assert f"{len(answers)} questions" in capsys.readouterr().out

    # The same again is skipped, though the base is gone: a trained encoder needs none.
    for file in Path("base").iterdir():
        file.unlink()
    assert run_script("predict", f"run={RUN}", "questions=data/questions/elements", "out=again") == 0
    again = read_table(PREDICTIONS, Path("again/predictions.parquet"))
    pd.testing.assert_frame_equal(again, answers, atol=1e-5)


def test_what_an_encoder_cannot_do_is_refused(words, run_script, capsys):
    def refused(*command: str) -> str:
        assert run_script(*command) == 2
        return capsys.readouterr().err.splitlines()[-1]

    assert "permutations: means nothing to base" in refused("train", *words, "permutations=3")
    assert "lora: means nothing to base" in refused("train", *words, "lora.r=8")
    assert "tokens without any context, expected at most 9" in refused("train", *words, "max_tokens=9")
    asked = ("ask", "q=Which?", "options=a|b|c|d|e", "base=base", "index=")
    assert "expected an encoder with a trained head" in refused(*asked)
    assert run_script("train", *words, "max_steps=1") == 0
    capsys.readouterr()
    assert "no adapter there" in refused("merge", f"run={RUN}")
    asked = ("predict", f"run={RUN}", "questions=data/questions/exam", "streaming=true")
    assert "streaming: means nothing to" in refused(*asked)
    assert "views=2: needs a causal model" in refused(
        "predict", f"run={RUN}", "questions=data/questions/exam", "views=2"
    )
