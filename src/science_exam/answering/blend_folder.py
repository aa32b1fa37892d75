"""A blend's folder: out-of-fold answers as any run has them, and what was fitted.

predictions.parquet    each question with what was fitted on the other folds
weights.json           weights and temperatures: fitted on everything (for test sets), and of each fold
report.md              what this and the other ways to blend are worth
"""

import json
from dataclasses import asdict
from pathlib import Path

from science_exam.answering.blending import Blend, Estimate, describe_blend, restore_blend, tabulate
from science_exam.answering.config import BlendConfig
from science_exam.answering.held_out import HeldOut
from science_exam.errors import UserError
from science_exam.files import write_text
from science_exam.runs import Run, read_manifest
from science_exam.tables import PREDICTIONS, write_table

WEIGHTS = "weights.json"
REPORT = "report.md"


def open_blend(runs: Path, config: BlendConfig, questions: Path, inputs: list[Path]) -> Run:
    """The `Run` of a blend, data/runs/<name>; without a name it is blend-<run>-<run>…

    Args:
        runs: the folder of all runs.
        config: what decides it, but for the test set, which is answered with what it holds.
        questions: folder of the set that the blended runs were trained on.
        inputs: files that decide it.

    Raises:
        UserError: a run that is blended, or a training, has that name.
    """
    name = config.name or "-".join(["blend", *config.runs]).replace("/", "-")
    folder = runs / name
    if name in config.runs or any(folder.glob("fold*")):
        raise UserError(f"{folder}: a run has this name; give the blend another (make: RUN=)")
    settings = asdict(config) | {"questions": str(questions)}
    overwrite = settings.pop("overwrite")
    for where in ("name", "test"):
        del settings[where]
    return Run(folder, settings, inputs, overwrite)


def open_test(predictions: Path, folder: Path, config: BlendConfig, inputs: list[Path]) -> Run:
    """The `Run` of a blend's answers to a test set, data/predictions/<name>-<set>.

    Args:
        predictions: the folder of all predictions.
        folder: of the blend.
        config: what names the test set.
        inputs: the runs' answers to it.
    """
    test = Path(config.test)
    settings = {"blend": folder.name, "questions": config.test}
    inputs = [test / "questions.parquet", folder / WEIGHTS, *inputs]
    return Run(predictions / f"{folder.name}-{test.name}", settings, inputs, config.overwrite)


def write_blend(run: Run, runs: tuple[str, ...], held_out: HeldOut, estimate: Estimate, report: str) -> None:
    """Fill the folder."""
    folder = run.folder
    run.begin()
    answers = tabulate(held_out.question_ids, estimate.honest, held_out.folds, folder.name)
    write_table(answers, PREDICTIONS, folder / "predictions.parquet")
    write_text(folder / WEIGHTS, json.dumps(describe_blend(estimate, runs), indent=1) + "\n")
    write_text(folder / REPORT, report + "\n")
    run.finish({"questions": len(answers)})


def read_blend(folder: Path, runs: tuple[str, ...]) -> Blend:
    """What a finished blend was fitted to, for probabilities of `runs` in this order."""
    read_manifest(folder)
    return restore_blend(json.loads((folder / WEIGHTS).read_text(encoding="utf-8")), runs)
