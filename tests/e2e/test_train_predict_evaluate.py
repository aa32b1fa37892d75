"""The whole way on a small CSV with a tiny base: questions, train, predict, evaluate."""

import csv
import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from conftest import LLAMA

from science_exam.evaluation.metrics import map_at_k, rank_options
from science_exam.tables import OPTION_COLUMNS, PREDICTIONS, PROBABILITY_COLUMNS, read_table

pytestmark = pytest.mark.slow

RUN = Path("data/runs/tiny/fold1")
ANSWERS = Path("data/predictions/tiny-fold1-exam")
OWN_ANSWERS = Path("data/predictions/tiny-fold1-elements")
COLUMNS = list(PROBABILITY_COLUMNS)


@pytest.fixture
def csv_file(work, question_set) -> Path:
    """elements.csv as the competition writes it, with a byte order mark, CRLF and one empty option."""
    best = question_set.contexts[question_set.contexts["rank"] == 1].set_index("question_id")["text"]
    path = work / "elements.csv"
    with path.open("w", encoding="utf-8-sig", newline="") as file:
        writer = csv.writer(file, lineterminator="\r\n")
        writer.writerow(["id", "prompt", *"ABCDE", "answer", "context"])
        for row in question_set.questions.head(20).to_dict("records"):
            options = [row[column] for column in OPTION_COLUMNS]
            if row["question_id"] == "carbon-1":
                options[row["answer"] % 5] = ""
            answer = "ABCDE"[row["answer"] - 1]
            writer.writerow([row["question_id"], row["prompt"], *options, answer, best[row["question_id"]]])
    return path


@pytest.fixture
def settings(work, bases) -> list[str]:
    """Words of a short training, its departures in a YAML file as users keep them."""
    (work / "configs/train/tiny.yaml").write_text(
        f"base:\n  path: {bases[LLAMA].folder}\nlora:\n  r: 4\nmax_tokens: 600\nmax_steps: 3\n"
        "batch_size: 2\nlearning_rate: 5e-3\nwarmup_steps: 0\n"
    )
    return ["tiny", "questions=data/questions/elements", "fold=1"]


def files_below(folder: Path) -> dict[str, int]:
    return {str(path): path.stat().st_mtime_ns for path in sorted(folder.rglob("*")) if path.is_file()}


def test_questions_train_predict_evaluate(csv_file, settings, run_script, work, capsys):
    assert run_script("questions", f"path={csv_file.name}", "folds=4") == 0
    assert "20 questions, 20 contexts" in capsys.readouterr().out

    assert run_script("train", *settings) == 0
    assert "after training" in capsys.readouterr().out
    assert {path.name for path in RUN.iterdir()} == {
        "adapter", "config.yaml", "environment.json", "inputs.json", "manifest.json", "metrics.jsonl",
        "predictions.parquet", "predictions_before.parquet", "report.md", "tensorboard",
    }  # fmt: skip
    manifest = json.loads((RUN / "manifest.json").read_text())
    assert manifest["results"]["training"]["steps"] == 3
    assert {"longest option", "before training", "after training"} == set(manifest["results"]["scores"])
    assert "adapter/adapter_model.safetensors" in manifest["outputs"]
    losses = [json.loads(line).get("loss") for line in (RUN / "metrics.jsonl").read_text().splitlines()]
    assert sum(loss is not None for loss in losses) == 3

    # Answering loads base and adapter again, and says of the held-out questions what training said.
    assert run_script("questions", f"path={csv_file.name}", "folds=4", "name=exam") == 0
    assert run_script("predict", f"run={RUN}", "questions=data/questions/exam") == 0
    answers = read_table(PREDICTIONS, ANSWERS / "predictions.parquet").set_index("question_id")
    held_out = read_table(PREDICTIONS, RUN / "predictions.parquet").set_index("question_id")
    assert len(answers) == 20
    assert set(answers["fold"]) == {"test"}
    np.testing.assert_allclose(answers.loc[held_out.index, COLUMNS], held_out[COLUMNS], atol=1e-5)
    with (ANSWERS / "submission.csv").open(newline="") as file:
        submitted = {row["id"]: row["prediction"] for row in csv.DictReader(file)}
    for question_id, row in answers.iterrows():
        best = rank_options(row[COLUMNS].to_numpy(dtype=float)[None])[0, :3]
        assert submitted[question_id] == " ".join("ABCDE"[number - 1] for number in best)

    # Of the set it was trained on, it answers only what was held out: the rest would flatter it.
    assert run_script("predict", f"run={RUN}", "questions=data/questions/elements") == 0
    own = read_table(PREDICTIONS, OWN_ANSWERS / "predictions.parquet")
    assert set(own["question_id"]) == set(held_out.index)
    assert set(own["fold"]) == {"1"}
    capsys.readouterr()

    # Evaluation of the run and of the submission, against the scores taken from the files by hand.
    asked = pd.read_csv(csv_file, dtype=str, index_col="id")
    right = ["ABCDE".index(asked.loc[question_id, "answer"]) + 1 for question_id in held_out.index]
    expected = map_at_k(rank_options(held_out[COLUMNS].to_numpy()), right)
    assert manifest["results"]["scores"]["after training"]["map3"] == pytest.approx(expected, abs=1e-6)
    assert run_script("evaluate", "run=data/runs/tiny") == 0
    report = capsys.readouterr().out
    assert report.startswith(f"{len(held_out)} questions")
    [row] = [line for line in report.splitlines() if line.startswith("| after training")]
    assert f"| {expected:.3f} [" in row
    words = [f"against=[{ANSWERS}/predictions.parquet, data/runs/tiny]", "questions=data/questions/exam"]
    assert run_script("evaluate", f"predictions={ANSWERS}/submission.csv", *words) == 0
    report = capsys.readouterr().out
    [row] = [
        line for line in report.splitlines() if line.startswith(f"| {ANSWERS}/predictions.parquet | 20 ")
    ]
    assert row.endswith("| 0 | 0 | 1 |")  # three letters say as much as five probabilities
    assert f"| data/runs/tiny | {len(held_out)} | " in report

    # The same again is skipped; another setting stops and shows the difference.
    before = files_below(work)
    assert run_script("questions", f"path={csv_file.name}", "folds=4") == 0
    assert run_script("train", *settings) == 0
    assert "after training" in capsys.readouterr().out
    assert run_script("predict", f"run={RUN}", "questions=data/questions/exam", "batch_size=2") == 0
    capsys.readouterr()
    assert run_script("train", *settings, "lora.r=8", "seed=1") == 2
    error = capsys.readouterr().err
    assert "lora.r 4 -> 8; seed 3407 -> 1" in error
    assert "overwrite=true" in error
    assert run_script("questions", f"path={csv_file.name}", "folds=3") == 2
    assert "folds 4 -> 3" in capsys.readouterr().err
    assert files_below(work) == before


def test_bad_input_exits_with_2_and_writes_nothing(csv_file, settings, run_script, work, capsys):
    def refused(*words: str) -> str:
        before = files_below(work)
        assert run_script(*words) == 2
        assert files_below(work) == before
        line = capsys.readouterr().err.splitlines()[-1]
        assert line.startswith("error: ")
        return line

    broken = csv_file.with_name("broken.csv")
    broken.write_text("id,prompt,A,B,C,D,answer\n1,Which?,a,b,c,d,A\n")
    assert "missing columns E" in refused("questions", "path=broken.csv")
    broken.write_text("id,prompt,A,B,C,D,E,answer\n1,Which?,a,b,c,d,e,F\n")
    assert "row 1 (line 2), column answer" in refused("questions", "path=broken.csv")
    assert "no such file" in refused("questions", "path=nowhere.csv")
    assert "unknown key 'fold'" in refused("questions", "path=elements.csv", "fold=3")
    assert "no questions table there" in refused("train", *settings)
    assert "lora.r: expected int" in refused("train", *settings, "lora.r=many")
    assert "no such config" in refused("train", "tinny")
    assert "this run is not there" in refused("predict", f"run={RUN}")
    assert "expected either run=" in refused("evaluate")

    assert run_script("questions", "path=elements.csv", "folds=4") == 0
    capsys.readouterr()
    assert "fold=7: expected one of 0, 1, 2, 3" in refused("train", *settings, "fold=7")
    assert "no such folder" in refused("train", *settings, "base.path=/no/base")
    assert "are no linear layers" in refused("train", *settings, "lora.targets=[query]")
    assert "tokens without any context" in refused("train", *settings, "max_tokens=60")
    assert "this run is not there" in refused("predict", f"run={RUN}", "questions=data/questions/elements")
    assert "no run there" in refused("evaluate", f"run={RUN.parent}", "questions=data/questions/elements")
