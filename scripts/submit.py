"""The pushed version of a kernel to the competition; its scores go into submissions/ledger.csv.

    make submit NAME=science-exam-demo ARGS="message='eight folds'"
    python scripts/submit.py name=science-exam-demo

A version is submitted once; run again, it waits for the score of the submission that there is.
"""

from science_exam.cli import run_script
from science_exam.kaggle.config import SubmitConfig
from science_exam.kaggle.packing.kernel import KERNELS
from science_exam.kaggle.packing.metadata import read_kernel
from science_exam.kaggle.uploading.client import connect
from science_exam.kaggle.uploading.retrying import Patience
from science_exam.kaggle.uploading.submitting import submit_kernel


def main(config: SubmitConfig, _: str) -> None:
    folder, patience = KERNELS / config.name, Patience(config.wait_seconds, config.poll_seconds)
    read_kernel(folder)
    entry = submit_kernel(connect(patience), folder, config)
    print(f"public {entry.public}, private {entry.private or 'not shown yet'}; see: make leaderboard")


if __name__ == "__main__":
    run_script(main, SubmitConfig, "submit")
