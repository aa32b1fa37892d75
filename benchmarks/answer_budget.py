"""How well a time budget is kept, and what is reached within it.

    python benchmarks/answer_budget.py run=data/runs/demo/fold0 questions=data/questions/sample views=5
    python benchmarks/answer_budget.py run=… questions=… --budgets 30 60 120 --n 2000 --out data/budgets

Takes the settings of scripts/predict.py. The questions are taken again and again, under new ids, until there
are so many; every budget is a process of its own, timed from its start to its end.
"""

import argparse
import shutil
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path

import pandas as pd

from science_exam.kaggle.submission import read_submission
from science_exam.questions.store import QuestionSet, read_question_set, write_question_set
from science_exam.runs import read_manifest
from science_exam.tables import PREDICTIONS, read_table

PREDICT = Path(__file__).parents[1] / "scripts" / "predict.py"
HEADER = "| budget s | wall s | of the budget | questions answered | views | files |\n|" + " --- |" * 6


def repeat_questions(data: QuestionSet, n: int) -> QuestionSet:
    """The set, again and again, until it has n questions; ids are numbered by the round."""

    def repeat(frame: pd.DataFrame, rounds: Sequence[int]) -> pd.DataFrame:
        copies = [frame.assign(question_id=frame["question_id"] + f"-{number}") for number in rounds]
        return pd.concat(copies, ignore_index=True)

    rounds = range(-(-n // len(data.questions)))
    questions, folds = (repeat(frame, rounds).head(n) for frame in (data.questions, data.folds))
    contexts = repeat(data.contexts, rounds)
    kept = contexts["question_id"].isin(questions["question_id"])
    return QuestionSet(questions, contexts[kept], folds)


def predict(words: Sequence[str]) -> None:
    """Answer, in a process of its own."""
    subprocess.run([sys.executable, str(PREDICT), *words], check=True, stdout=subprocess.DEVNULL)


def measure(words: Sequence[str], folder: Path, budget: float) -> str:
    """One budget: its line of the table."""
    began = time.monotonic()
    predict([*words, f"budget_seconds={budget}", f"out={folder}"])
    seconds = time.monotonic() - began
    counts = read_manifest(folder)["results"]
    ids = read_table(PREDICTIONS, folder / "predictions.parquet")["question_id"].tolist()
    assert list(read_submission(folder / "submission.csv")) == ids
    assert len(ids) == counts["questions"]
    share = f"{counts['answered']:,} of {counts['questions']:,}"
    return f"| {budget:g} | {seconds:.1f} | {seconds / budget:.1%} | {share} | {counts['views']:,} | whole |"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument(
        "words", nargs="+", help="settings of scripts/predict.py; questions=FOLDER among them"
    )
    parser.add_argument("--budgets", type=float, nargs="+", default=[30, 60, 120])
    parser.add_argument("--n", type=int, default=2000, help="questions")
    parser.add_argument("--out", type=Path, default=Path("data/budgets"))
    options = parser.parse_args()
    [source] = [word.removeprefix("questions=") for word in options.words if word.startswith("questions=")]
    shutil.rmtree(options.out, ignore_errors=True)
    many = options.out / "questions"
    write_question_set(repeat_questions(read_question_set(Path(source)), options.n), many)
    words = [word for word in options.words if not word.startswith("questions=")] + [f"questions={many}"]
    print(HEADER, flush=True)
    for budget in options.budgets:
        print(measure(words, options.out / f"{budget:g}", budget), flush=True)


if __name__ == "__main__":
    main()
