"""What has changed since earlier answers: paired differences on the questions that both answer."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import pandas as pd

from science_exam.errors import UserError
from science_exam.evaluation.intervals import bootstrap_difference, mcnemar_p
from science_exam.evaluation.report import UNKNOWN, Answers, Scores, labelled, score_answers

N_CHANGES = 10  # questions that are named


@dataclass(frozen=True)
class Comparison:
    """Two answerers' scores on the same questions.

    Attributes:
        new, old: scores of both, question by question.
        question_ids: (rows,) of these questions.
        n_only_new: questions with an answer that only the new answers hold.
        n_only_old: ids that only the old answers hold.
    """

    new: Scores
    old: Scores
    question_ids: np.ndarray
    n_only_new: int
    n_only_old: int

    @property
    def n_gained(self) -> int:
        """Questions that were answered wrongly and are now answered rightly."""
        return int((self.new.right > self.old.right).sum())

    @property
    def n_lost(self) -> int:
        """Questions that were answered rightly and are now answered wrongly."""
        return int((self.new.right < self.old.right).sum())


def compare_all(
    name: str, answers: Answers, earlier: Mapping[str, Answers], questions: pd.DataFrame
) -> list[Comparison]:
    """Score answers and each of the earlier ones on the questions that have an answer and that both answer.

    Args:
        name: of the new answers.
        answers: which hold all of `questions`.
        earlier: name -> answers, which may lack some questions and hold others.
        questions: that the new answers are scored on.

    Raises:
        UserError: earlier answers hold none of the questions.
    """
    return [_compare((name, answers), old, questions) for old in earlier.items()]


def format_comparisons(comparisons: list[Comparison]) -> str:
    """A Markdown table with a row for each earlier answerer; under it which questions changed most."""
    lines = [
        f"{comparisons[0].new.name} against earlier answers: old -> new, and the paired difference; "
        f"p: McNemar's exact test of the accuracy",
        "",
        "| against | questions | accuracy | MAP@3 | log-loss | wrong to right | right to wrong | p |",
        "| --- | --- | --- | --- | --- | --- | --- | --- |",
        *map(_format_row, comparisons),
    ]
    notes = [note for comparison in comparisons for note in _format_notes(comparison)]
    return "\n".join([*lines, *([""] if notes else []), *notes])


def find_changes(comparison: Comparison) -> dict[str, float]:
    """Id -> change of the reciprocal rank: the largest ones, and among equals those of the log-loss."""
    new, old = comparison.new, comparison.old
    changes = new.reciprocal - old.reciprocal
    known = new.losses is not None and old.losses is not None
    shifts = new.losses - old.losses if known else np.zeros(len(changes))
    # Rounded, as 1/2 - 1/3 and 1/3 - 1/2 may not be alike.
    order = np.lexsort((-abs(shifts), -abs(changes).round(6)))[:N_CHANGES]
    return {comparison.question_ids[row]: float(changes[row]) for row in order if changes[row] != 0}


def _compare(new: tuple[str, Answers], old: tuple[str, Answers], questions: pd.DataFrame) -> Comparison:
    answered = labelled(questions)
    old_ids = set(old[1]["question_id"] if isinstance(old[1], pd.DataFrame) else old[1])
    common = answered[answered["question_id"].isin(old_ids)]
    if common.empty:
        raise UserError(
            f"{old[0]}: none of its {len(old_ids)} ids is among the {len(answered)} questions that {new[0]} "
            f"is scored on ({answered['question_id'].iloc[0]!r}, …); compare answers to the same questions"
        )
    return Comparison(
        *(_score_some(*named, common) for named in (new, old)),
        question_ids=common["question_id"].to_numpy(),
        n_only_new=len(answered) - len(common),
        n_only_old=len(old_ids - set(questions["question_id"])),
    )


def _score_some(name: str, answers: Answers, questions: pd.DataFrame) -> Scores:
    """Scores on some of the questions that `answers` holds; a submission must hold no others."""
    if isinstance(answers, Mapping):
        answers = {question_id: answers[question_id] for question_id in questions["question_id"]}
    return score_answers(name, answers, questions)


def _format_row(comparison: Comparison) -> str:
    new, old = comparison.new, comparison.old
    measured = ((new.right, old.right), (new.reciprocal, old.reciprocal), (new.losses, old.losses))
    cells = [
        old.name,
        len(comparison.question_ids),
        *(_format_difference(*pair) for pair in measured),
        comparison.n_gained,
        comparison.n_lost,
        f"{mcnemar_p(new.right == 1, old.right == 1):.2g}",
    ]
    return f"| {' | '.join(map(str, cells))} |"


def _format_difference(new: np.ndarray | None, old: np.ndarray | None) -> str:
    if new is None or old is None:
        return UNKNOWN
    return f"{old.mean():.3f} -> {new.mean():.3f}, {bootstrap_difference(new, old).signed}"


def _format_notes(comparison: Comparison) -> list[str]:
    notes, name = [], comparison.old.name
    if comparison.n_only_new or comparison.n_only_old:
        notes.append(
            f"{name}: compared on the {len(comparison.question_ids)} common questions; left out: "
            f"{comparison.n_only_new} that only {comparison.new.name} answers, {comparison.n_only_old} that "
            f"only {name} does"
        )
    if changes := find_changes(comparison):
        shown = ", ".join(f"{question_id} {change:+.2f}" for question_id, change in changes.items())
        notes.append(f"{name}: largest changes of 1/rank: {shown}")
    return notes
