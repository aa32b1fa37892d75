"""Train every fold in turn, then report the out-of-fold scores of all questions together.

    make cv CONFIG=demo
    python scripts/cv.py llama-3.1-8b questions=data/questions/stem_1k_v1

Takes the settings of scripts/train.py except fold. Folds that are finished are not trained again.
"""

import subprocess
import sys
from pathlib import Path

from science_exam.cli import run_script
from science_exam.errors import UserError
from science_exam.questions.store import read_question_set
from science_exam.training.config import TrainConfig

SCRIPTS = Path(__file__).parent


def main(config: TrainConfig, name: str) -> None:
    if config.data:
        raise UserError("data: a table of prompts and completions has no folds; train it with: make train DATA=…")
    folds = sorted(read_question_set(Path(config.questions)).folds["fold"].unique())
    # A process a fold: each starts with the whole memory of the device.
    for fold in folds:
        run_step("train.py", *sys.argv[1:], f"fold={fold}")
    run_folder = Path("data/runs") / (config.run or name or "defaults")
    run_step("evaluate.py", f"run={run_folder}")


def run_step(script: str, *words: str) -> None:
    code = subprocess.run([sys.executable, str(SCRIPTS / script), *words]).returncode
    if code:
        sys.exit(code)  # the step has said why


if __name__ == "__main__":
    run_script(main, TrainConfig, "train")
