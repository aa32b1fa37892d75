"""Score a run's out-of-fold predictions, or any predictions and submissions, against the answers.

    make evaluate RUN=demo
    make evaluate PREDICTIONS=submission.csv QUESTIONS=train.csv
    python scripts/evaluate.py run=data/runs/demo

Prints accuracy and MAP@3 with intervals beside the random and longest-option baselines.
"""

from pathlib import Path

from science_exam.cli import run_script
from science_exam.evaluation.config import EvaluateConfig
from science_exam.evaluation.out_of_fold import find_question_set, read_out_of_fold
from science_exam.evaluation.report import Scores, format_report, score_all, score_submission
from science_exam.files import write_text
from science_exam.kaggle.submission import read_submission
from science_exam.questions.store import read_question_set
from science_exam.tables import PREDICTIONS, read_table


def main(config: EvaluateConfig, _: str) -> None:
    source = find_question_set(Path(config.run)) if config.run else Path(config.questions)
    questions = read_question_set(source).questions
    if config.run:
        predictions = read_out_of_fold(Path(config.run))
        predicted = predictions["after training"]["question_id"]
        scores = score_all(questions[questions["question_id"].isin(predicted)], predictions)
    else:
        scores = [*score_all(questions, {}), *(score_file(Path(p), questions) for p in config.predictions)]
    report = format_report(scores)
    if config.run:
        write_text(Path(config.run) / "scores.md", report + "\n")
    print(report)


def score_file(path: Path, questions) -> Scores:
    if path.suffix == ".csv":
        return score_submission(str(path), read_submission(path), questions)
    return score_all(questions, {str(path): read_table(PREDICTIONS, path)})[-1]


if __name__ == "__main__":
    run_script(main, EvaluateConfig, "evaluate")
