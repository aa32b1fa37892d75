"""Read a question file and store its table, the contexts that came with it and its folds.

    make questions QUESTIONS=path/to/questions.csv
    python scripts/questions.py path=data/sample/sample.jsonl folds=5

Writes data/questions/<name>/{questions,contexts,folds}.parquet.
"""

from pathlib import Path

from science_exam.cli import run_script
from science_exam.questions.config import QuestionsConfig
from science_exam.questions.folds import assign_folds, merge_groups
from science_exam.questions.sources import ARTICLES_FILE, read_questions
from science_exam.questions.store import QuestionSet, write_question_set
from science_exam.runs import open_run


def main(config: QuestionsConfig, _: str) -> None:
    path = Path(config.path)
    folder = Path("data/questions") / (config.name or path.stem)
    run = open_run(folder, config, [path, path.parent / ARTICLES_FILE], without=("path",))
    if run.finished:
        return
    questions, contexts = read_questions(path)
    questions = merge_groups(questions, config.near_duplicate)
    folds = assign_folds(questions, config.folds, config.seed)
    run.begin()
    write_question_set(QuestionSet(questions, contexts, folds), folder)
    sizes = folds["fold"].value_counts().sort_index().tolist()
    run.finish({"questions": len(questions), "contexts": len(contexts), "folds": sizes})
    print(f"{folder}: {len(questions)} questions, {len(contexts)} contexts, folds of {sizes}")


if __name__ == "__main__":
    run_script(main, QuestionsConfig, "questions")
