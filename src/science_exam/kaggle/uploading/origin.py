"""Where a kernel comes from, for the ledger: commit, settings, runs and their scores."""

import json
from pathlib import Path

import yaml

from science_exam.files import hash_file
from science_exam.kaggle.manifest import CODE, EXAM, MARKER, RUNS, read_manifest
from science_exam.kaggle.packing.metadata import SETTINGS, read_kernel
from science_exam.runs import MANIFEST

TRAINED = "after training"


def describe_origin(folder: Path) -> dict[str, str]:
    """{"commit", "config", "runs", "cv"} of a packed kernel.

    "config" is the beginning of the hash of its settings; "cv" holds a MAP@3 a run, the mean of its folds,
    each on the questions that it was not trained on.

    Args:
        folder: kernels/<name>.
    """
    exam = yaml.safe_load((folder / "bundles" / CODE / EXAM).read_text(encoding="utf-8"))
    return {
        "commit": exam["commit"],
        "config": hash_file(folder / SETTINGS)[:12],
        "runs": " ".join(read_kernel(folder).runs),
        "cv": " ".join(f"{score:.4f}" for score in score_runs(folder / "bundles" / RUNS).values()),
    }


def score_runs(bundle: Path) -> dict[str, float]:
    """Run -> mean MAP@3 of its folds, of the runs in a bundle that were scored when they were trained."""
    scores: dict[str, list[float]] = {}
    for member in read_manifest(bundle / MARKER).files:
        place = Path(member.path)
        if place.name != MANIFEST or len(place.parts) != 4:  # runs/<run>/fold<k>/manifest.json
            continue
        results = json.loads((bundle / member.name).read_text(encoding="utf-8")).get("results", {})
        if score := results.get("scores", {}).get(TRAINED):
            scores.setdefault(place.parts[1], []).append(score["map3"])
    return {run: sum(folds) / len(folds) for run, folds in scores.items()}
