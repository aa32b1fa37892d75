"""Train every fold, then report the out-of-fold scores of all questions together.

    make cv CONFIG=demo
    python scripts/cv.py llama-3.1-8b questions=data/questions/stem_1k_v1

Takes the settings of scripts/train.py except fold. With several GPUs each trains a fold at a time, and what
it says goes to data/runs/<run>/fold<fold>.log. Folds that are finished are not trained again.
"""

import subprocess
import sys
from pathlib import Path

from science_exam.cli import run_script
from science_exam.errors import UserError
from science_exam.questions.store import read_question_set
from science_exam.training.config import TrainConfig
from science_exam.training.fold_jobs import list_gpus, run_jobs

SCRIPTS = Path(__file__).parent


def main(config: TrainConfig, name: str) -> None:
    if config.data:
        raise UserError("data: prompts and completions have no folds; train on them with: make train DATA=…")
    folds = sorted(read_question_set(Path(config.questions)).folds["fold"].unique())
    run_folder = Path("data/runs") / (config.run or name or "defaults")
    train = [sys.executable, str(SCRIPTS / "train.py"), *sys.argv[1:]]
    # A process a fold: each starts with the whole memory of its device.
    jobs = {f"fold{fold}": [*train, f"fold={fold}"] for fold in folds}
    run_jobs(jobs, list_gpus(), run_folder)
    sys.exit(subprocess.run([sys.executable, str(SCRIPTS / "evaluate.py"), f"run={run_folder}"]).returncode)


if __name__ == "__main__":
    run_script(main, TrainConfig, "train")
