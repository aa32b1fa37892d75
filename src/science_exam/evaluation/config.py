"""Settings of the evaluation."""

from dataclasses import dataclass


@dataclass(frozen=True)
class EvaluateConfig:
    # folder of a run: its out-of-fold predictions, before and after training, are scored on the
    # question set it was trained on
    run: str = ""
    # predictions table (.parquet) or submission (.csv) to score instead
    predictions: str = ""
    # earlier answers that these are compared with, question by question: predictions tables, submissions,
    # folders of runs
    against: tuple[str, ...] = ()
    # folder of the question set with the answers to the predictions (make questions)
    questions: str = "data/questions/sample"

    def __post_init__(self) -> None:
        if bool(self.run) == bool(self.predictions):
            raise ValueError("expected either run=FOLDER or predictions=FILE")
