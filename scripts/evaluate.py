"""Score a run's out-of-fold predictions, or any predictions and submissions, against the answers.

    make evaluate RUN=demo
    make evaluate PREDICTIONS=submission.csv QUESTIONS=train.csv
    python scripts/evaluate.py run=data/runs/demo

Prints accuracy, MAP@3, log-loss and calibration beside the random and longest-option baselines; of a run with
several folds also what calibration makes of it.
"""

from pathlib import Path

from science_exam.answering.calibration import calibrate_out_of_fold
from science_exam.cli import run_script
from science_exam.evaluation import report
from science_exam.evaluation.config import EvaluateConfig
from science_exam.evaluation.out_of_fold import find_question_set, read_out_of_fold
from science_exam.files import write_text
from science_exam.kaggle.submission import read_submission
from science_exam.questions.store import read_question_set
from science_exam.tables import PREDICTIONS, read_table


def main(config: EvaluateConfig, _: str) -> None:
    source = find_question_set(Path(config.run)) if config.run else Path(config.questions)
    questions = read_question_set(source).questions
    if config.run:
        text = report_run(Path(config.run), questions)
        write_text(Path(config.run) / "scores.md", text + "\n")
    else:
        scores = [score_file(Path(path), questions) for path in config.predictions]
        text = report.format_report([*report.score_all(questions, {}), *scores])
    print(text)


def report_run(run: Path, questions) -> str:
    predictions = read_out_of_fold(run)
    state, final = list(predictions.items())[-1]
    asked = questions[questions["question_id"].isin(final["question_id"])]
    text = report.format_report(report.score_all(asked, predictions))
    known = final["question_id"].isin(report.labelled(asked)["question_id"])
    if final[known]["fold"].nunique() == 1:
        return text  # no other fold to fit on
    calibrated, temperatures = calibrate_out_of_fold(final, asked)
    score = report.score_predictions(state, calibrated, asked)
    return f"{text}\n{report.format_calibrated(score, temperatures)}"


def score_file(path: Path, questions) -> report.Scores:
    if path.suffix == ".csv":
        return report.score_submission(str(path), read_submission(path), questions)
    return report.score_all(questions, {str(path): read_table(PREDICTIONS, path)})[-1]


if __name__ == "__main__":
    run_script(main, EvaluateConfig, "evaluate")
