"""What blends of runs are worth: honest beside optimistic, and against the best of the runs."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Protocol

import numpy as np

from science_exam.evaluation.intervals import bootstrap_difference, bootstrap_mean
from science_exam.evaluation.report import Scores, score_probabilities

# What is shown: the scores a question, and whether more of it is better.
MEASURES: dict[str, tuple[Callable[[Scores], np.ndarray], bool]] = {
    "MAP@3": (lambda scores: scores.reciprocal, True),
    "accuracy": (lambda scores: scores.right, True),
    "log-loss": (lambda scores: scores.losses, False),
}


class Estimate(Protocol):
    """Probabilities (rows, 5): with what was fitted on the other folds, and on the same rows."""

    honest: np.ndarray
    optimistic: np.ndarray


@dataclass(frozen=True)
class Estimated:
    """An answerer's scores of both kinds."""

    honest: Scores
    optimistic: Scores


def format_blends(
    runs: Mapping[object, Estimate],
    blends: Mapping[object, Estimate],
    answers: np.ndarray,
    folds: np.ndarray,
) -> str:
    """A Markdown table a measure: every run alone, then every blend, with 95% intervals.

    Blends are compared, question by question, with the run that has the best honest score. That run was
    chosen by the same questions, which favours it a little.

    Args:
        runs: name -> each alone.
        blends: how the runs were blended -> on the same questions.
        answers: (rows,) right option numbers; 0 where it is not known, which is not scored.
        folds: (rows,) that the questions were held out in.
    """
    alone = [_score(name, estimate, answers) for name, estimate in runs.items()]
    blended = [_score(name, estimate, answers) for name, estimate in blends.items()]
    known = answers > 0
    lines = [
        f"{known.sum()} questions in {len(set(folds[known]))} folds; 95% bootstrap intervals over questions",
        "honest: weights and temperatures were fitted on the other folds; optimistic: on the same questions",
    ]
    for measure in MEASURES:
        lines += ["", *_format_table(measure, alone, blended)]
    return "\n".join(lines)


def _score(name: object, estimate: Estimate, answers: np.ndarray) -> Estimated:
    known = answers > 0
    made = (estimate.honest, estimate.optimistic)
    return Estimated(*(score_probabilities(str(name), one[known], answers[known]) for one in made))


def _format_table(measure: str, runs: list[Estimated], blends: list[Estimated]) -> list[str]:
    get, more_is_better = MEASURES[measure]
    best = (max if more_is_better else min)(runs, key=lambda run: get(run.honest).mean())
    rows = [_format_row(get, run) + " |" for run in runs]
    rows += [f"{_format_row(get, blend)} {_format_difference(get, blend, best)} |" for blend in blends]
    return [
        f"| {measure} | honest | optimistic | honest - {best.honest.name}, paired |",
        "| --- | --- | --- | --- |",
        *rows,
    ]


def _format_row(get: Callable[[Scores], np.ndarray], answerer: Estimated) -> str:
    honest, optimistic = (bootstrap_mean(get(scores)) for scores in (answerer.honest, answerer.optimistic))
    return f"| {answerer.honest.name} | {honest} | {optimistic} |"


def _format_difference(get: Callable[[Scores], np.ndarray], blend: Estimated, best: Estimated) -> str:
    return bootstrap_difference(get(blend.honest), get(best.honest)).signed
