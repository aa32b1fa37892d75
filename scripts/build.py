"""Many sources of questions -> one set: checked, without repeats and leaks, balanced, augmented.

    make questions CONFIG=stem
    python scripts/build.py stem seed=1

Writes data/questions/<name>/{questions,contexts,folds}.parquet and report.md.
"""

from functools import partial
from pathlib import Path

from tqdm import tqdm

from science_exam.cli import run_script
from science_exam.errors import UserError
from science_exam.files import write_text
from science_exam.questions.config import AugmentConfig, BuildConfig
from science_exam.runs import Run, open_run


def main(config: BuildConfig, name: str) -> None:
    from science_exam.questions.building.inputs import list_inputs

    if not (config.name or name) or not config.sources:
        raise UserError(
            "which set? name a config: make questions CONFIG=demo (see configs/questions), or name=…"
        )
    folder = Path("data/questions") / (config.name or name)
    run = open_run(folder, config, list_inputs(config), without=("name",))
    if not run.finished:
        build(config, run)
    print((folder / "report.md").read_text(encoding="utf-8"))


def build(config: BuildConfig, run: Run) -> None:
    from science_exam.questions.building.report import format_report
    from science_exam.questions.building.sets import build_set
    from science_exam.questions.repeats.embeddings import load_encoder

    encode = load_encoder() if config.duplicates.paraphrases else None
    run.begin()
    show = partial(tqdm, dynamic_ncols=True)
    built = build_set(config, run.folder, encode, choose_search(config.augment), lambda i, d: show(i, desc=d))
    write_text(run.folder / "report.md", format_report(config, *built))
    run.finish({"rows": built[1].rows.total()})


def choose_search(config: AugmentConfig):
    """What finds contexts for a questions table; None where none are asked for."""
    if config.contexts == "given":
        return None
    from science_exam.retrieval.config import RetrieveConfig
    from science_exam.retrieval.retrieve import retrieve_contexts

    settings = RetrieveConfig(index=config.index, k=config.max_contexts + 2)
    return lambda questions: retrieve_contexts(questions, settings)[0]


if __name__ == "__main__":
    run_script(main, BuildConfig, "questions")
