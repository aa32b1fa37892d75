"""The submissions of submissions/ledger.csv, best first.

make leaderboard
python scripts/leaderboard.py ledger=submissions/ledger.csv
"""

from pathlib import Path

from science_exam.cli import run_script
from science_exam.kaggle.config import LeaderboardConfig
from science_exam.kaggle.uploading.ledger import format_leaderboard, read_ledger


def main(config: LeaderboardConfig, _: str) -> None:
    entries = read_ledger(Path(config.ledger))
    print(
        format_leaderboard(entries) if entries else f"{config.ledger}: no submissions yet; run: make submit"
    )


if __name__ == "__main__":
    run_script(main, LeaderboardConfig, "leaderboard")
