"""Blend the answers of several runs, and say honestly what that is worth; one run alone is calibrated.

    make blend RUNS="a b c" QUESTIONS=test.csv     (QUESTIONS: which make predict has answered with each run)
    python scripts/blend.py runs=[a,b,c] pool=probabilities weights=map3

Writes data/runs/<name>/, a run that can be evaluated and blended again, and for a test set
data/predictions/<name>-<set>/ with submission.csv. Weights are fitted on out-of-fold answers alone.
"""

from itertools import chain
from pathlib import Path

from science_exam.answering import blend_folder, blending, fold_answers, held_out
from science_exam.answering.config import BlendConfig
from science_exam.cli import run_script
from science_exam.evaluation import out_of_fold
from science_exam.evaluation.blend_report import format_blends
from science_exam.kaggle.submission import write_submission
from science_exam.questions.store import list_identity, read_questions_table
from science_exam.tables import PREDICTIONS, write_table

RUNS, ANSWERS = Path("data/runs"), Path("data/predictions")


def main(config: BlendConfig, _: str) -> None:
    folders = {run: RUNS / run for run in config.runs}
    sets = {run: out_of_fold.find_question_set(folder) for run, folder in folders.items()}
    files = chain(*map(out_of_fold.list_answer_files, folders.values()))
    source = sets[config.runs[0]]
    run = blend_folder.open_blend(RUNS, config, source, [*list_identity(source), *files])
    if not run.finished:
        questions = held_out.check_same_questions({k: read_questions_table(path) for k, path in sets.items()})
        answers = {k: list(out_of_fold.read_out_of_fold(path).values())[-1] for k, path in folders.items()}
        aligned = held_out.align_runs(answers, questions)
        chosen = blending.Recipe(config.pool, config.weights, config.calibrate, config.seed)
        blends = blending.estimate_recipes(aligned, chosen)
        alone = blending.estimate_runs(aligned, config.runs, chosen)
        report = format_blends(alone, blends if len(alone) > 1 else {}, aligned.answers, aligned.folds)
        blend_folder.write_blend(run, config.runs, aligned, blends[chosen], report)
    print(f"{(run.folder / blend_folder.REPORT).read_text(encoding='utf-8')}\n{run.folder}")
    if config.test:
        answer_test(config, run.folder)


def answer_test(config: BlendConfig, folder: Path) -> None:
    files = fold_answers.find_test_answers(ANSWERS, config.runs, Path(config.test))
    run = blend_folder.open_test(ANSWERS, folder, config, list(chain(*files.values())))
    if not run.finished:
        tables = {name: fold_answers.read_test_answers(own) for name, own in files.items()}
        blend = blend_folder.read_blend(folder, config.runs)
        run.begin()
        predictions = blending.blend_test(tables, blend, folder.name)
        write_table(predictions, PREDICTIONS, run.folder / "predictions.parquet")
        write_submission(predictions, run.folder / "submission.csv")
        run.finish({"folds": {name: len(own) for name, own in files.items()}})
    print(f"{fold_answers.describe_views(RUNS, files)}{run.folder}: predictions.parquet and submission.csv")


if __name__ == "__main__":
    run_script(main, BlendConfig, "blend")
