"""A kernel to Kaggle: its bundles, its notebook, and the session that it runs in, until that is complete.

    make push NAME=science-exam-demo                  (ARGS=--dry-run: only say what would be done)
    python scripts/push.py name=science-exam-demo --dry-run

What the session leaves comes to kernels/<name>/output. After an interruption the same command goes on.
"""

from science_exam.cli import run_script
from science_exam.errors import KaggleError
from science_exam.kaggle.config import PushConfig
from science_exam.kaggle.packing.kernel import KERNELS
from science_exam.kaggle.packing.metadata import read_kernel
from science_exam.kaggle.uploading.client import connect
from science_exam.kaggle.uploading.push_plan import describe_plan
from science_exam.kaggle.uploading.pushing import check_push, push_kernel
from science_exam.kaggle.uploading.retrying import Patience


def main(config: PushConfig, _: str) -> None:
    folder, patience = KERNELS / config.name, Patience(config.wait_seconds, config.poll_seconds)
    read_kernel(folder)
    if config.dry_run:
        try:
            client = connect(patience)
        except KaggleError as error:
            client = None
            print(f"Kaggle is not asked what is there: {error}")
        print(describe_plan(client, folder, config))
    else:
        ref = check_push(folder)
        push_kernel(connect(patience), folder, ref, config)


if __name__ == "__main__":
    run_script(main, PushConfig, "push")
