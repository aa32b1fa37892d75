"""Answering that is killed at random moments: the files on disk are whole each time, and it goes on.

    python benchmarks/answer_kills.py run=data/runs/demo/fold0 questions=data/questions/stem_1k_v1
    python benchmarks/answer_kills.py run=… questions=… views=5 gpus=2 --kills 20 --out data/kills

Takes the settings of scripts/predict.py. Answers once in peace, to know how long that takes and what comes
out; then kills (SIGKILL) as often as asked for, looks at the files each time and starts again; then lets it
finish and compares.
"""

import argparse
import random
import shutil
import subprocess
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from science_exam.answering.sheet import Sheet
from science_exam.kaggle.submission import read_submission
from science_exam.tables import PREDICTIONS, PROBABILITY_COLUMNS, read_table

PREDICT = Path(__file__).parents[1] / "scripts" / "predict.py"
SEED = 3407


@dataclass(frozen=True)
class Found:
    """What a kill left.

    Attributes:
        seconds: after which the process was killed.
        has_files: whether predictions and submission were there, whole.
        n_answered: questions on the sheet.
    """

    seconds: float
    has_files: bool
    n_answered: int


def start(words: Sequence[str], folder: Path) -> subprocess.Popen:
    """Begin to answer, or go on; what it says goes to <folder>.log."""
    command = [sys.executable, str(PREDICT), *words, f"out={folder}"]
    folder.parent.mkdir(parents=True, exist_ok=True)
    with folder.with_suffix(".log").open("a", encoding="utf-8") as log:
        return subprocess.Popen(command, stdout=log, stderr=log)


def finish(process: subprocess.Popen) -> None:
    """Wait for the end, which must be a good one."""
    assert process.wait() == 0, f"failed without being killed, see the .log: {process.args}"


def kill_after(process: subprocess.Popen, seconds: float) -> bool:
    """Kill the process; False when it was done before."""
    try:
        process.wait(seconds)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
        return True
    finish(process)
    return False


def look_at(folder: Path, question_ids: list[str], seconds: float) -> Found:
    """Read all that a kill left; what is broken, or lacks a question, raises an error."""
    files = [folder / "predictions.parquet", folder / "submission.csv"]
    if files[0].exists():
        assert read_table(PREDICTIONS, files[0])["question_id"].tolist() == question_ids
    if files[1].exists():
        assert list(read_submission(files[1])) == question_ids
    sheet = folder / "sheet.npz"
    n_answered = Sheet.load(sheet).count_views()["answered"] if sheet.exists() else 0
    return Found(seconds, all(file.exists() for file in files), n_answered)


def kill_often(
    words: Sequence[str], folder: Path, question_ids: list[str], whole: float, n: int
) -> list[Found]:
    """Kill n times, at moments drawn from the time that the whole takes."""
    generator, found = random.Random(SEED), []
    while len(found) < n:
        seconds = generator.uniform(0, whole)
        if not kill_after(start(words, folder), seconds):
            shutil.rmtree(folder)  # it was done: from the beginning
            continue
        found.append(look_at(folder, question_ids, seconds))
        print(f"killed after {seconds:.1f} s: {describe(found[-1])}", flush=True)
    return found


def describe(found: Found) -> str:
    """One kill in words."""
    files = "whole" if found.has_files else "none yet"
    return f"files {files}, {found.n_answered} questions on the sheet"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("words", nargs="+", help="settings of scripts/predict.py")
    parser.add_argument("--kills", type=int, default=10)
    parser.add_argument("--out", type=Path, default=Path("data/kills"))
    options = parser.parse_args()
    shutil.rmtree(options.out, ignore_errors=True)
    peaceful, killed = options.out / "peaceful", options.out / "killed"
    began = time.monotonic()
    finish(start(options.words, peaceful))
    seconds = time.monotonic() - began
    expected = read_table(PREDICTIONS, peaceful / "predictions.parquet")
    question_ids = expected["question_id"].tolist()
    found = kill_often(options.words, killed, question_ids, seconds, options.kills)
    finish(start(options.words, killed))
    columns = list(PROBABILITY_COLUMNS)
    made = read_table(PREDICTIONS, killed / "predictions.parquet")
    difference = (made[columns] - expected[columns]).abs().to_numpy().max()
    n_whole = sum(one.has_files for one in found)
    print(f"{len(question_ids)} questions in {seconds:.1f} s without a kill")
    print(f"{len(found)} kills: files whole {n_whole} times, not yet begun {len(found) - n_whole}, broken 0")
    print(f"finished afterwards; the answers differ by at most {difference:.1g}")


if __name__ == "__main__":
    main()
