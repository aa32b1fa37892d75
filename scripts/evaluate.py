"""Score a run's out-of-fold predictions, or any predictions and submissions, against the answers.

    make evaluate RUN=demo
    make evaluate PREDICTIONS=new.csv QUESTIONS=train.csv AGAINST="old.csv data/runs/demo"
    python scripts/evaluate.py run=data/runs/demo

Prints the scores beside the random and longest-option baselines, by source and by right option, calibrated
where a run has several folds, and what has changed since earlier answers. Of a run also into its scores.md.
"""

from pathlib import Path

from science_exam.answering.calibration import calibrate_out_of_fold
from science_exam.cli import run_script
from science_exam.evaluation import breakdown, comparison, out_of_fold, report
from science_exam.evaluation.config import EvaluateConfig
from science_exam.files import write_text
from science_exam.kaggle.submission import read_submission
from science_exam.questions.store import read_questions_table
from science_exam.tables import PREDICTIONS, read_table


def main(config: EvaluateConfig, _: str) -> None:
    run = Path(config.run or config.predictions)
    source = out_of_fold.find_question_set(run) if config.run else Path(config.questions)
    questions = read_questions_table(source)
    answers = out_of_fold.read_out_of_fold(run) if config.run else {str(run): read_answers(run, questions)}
    name, final = list(answers.items())[-1]
    if config.run:
        questions = questions[questions["question_id"].isin(final["question_id"])]
    scores = report.score_all(questions, answers)
    parts = [report.format_report(scores), breakdown.format_breakdowns(scores[-1], questions)]
    if config.run:
        parts[0] += describe_calibration(name, final, questions)
    if config.against:
        earlier = {path: read_answers(Path(path), questions) for path in config.against}
        parts.append(comparison.format_comparisons(comparison.compare_all(name, final, earlier, questions)))
    text = "\n\n".join(parts)
    if config.run:
        write_text(run / "scores.md", text + "\n")
    print(text)


def read_answers(path: Path, questions) -> report.Answers:
    if path.is_dir():
        return out_of_fold.read_final_answers(path, questions)
    return read_submission(path) if path.suffix == ".csv" else read_table(PREDICTIONS, path)


def describe_calibration(name: str, final, questions) -> str:
    known = final["question_id"].isin(report.labelled(questions)["question_id"])
    if final[known]["fold"].nunique() == 1:
        return ""  # no other fold to fit on
    calibrated, temperatures = calibrate_out_of_fold(final, questions)
    score = report.score_predictions(name, calibrated, questions)
    return "\n" + report.format_calibrated(score, temperatures)


if __name__ == "__main__":
    run_script(main, EvaluateConfig, "evaluate")
