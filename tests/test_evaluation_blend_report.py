"""The tables beside which a blend must stand: every run alone, honest beside optimistic."""

from dataclasses import dataclass

import numpy as np

from science_exam.evaluation.blend_report import format_blends

ANSWERS = np.array([1, 1, 1, 1, 0])
FOLDS = np.array(["0", "0", "1", "1", "2"], dtype=object)


@dataclass
class Made:
    honest: np.ndarray
    optimistic: np.ndarray


def answer(*first):
    """Probabilities with .6 on the named options and .1 on all others."""
    p = np.full((len(first), 5), 0.1)
    p[np.arange(len(first)), np.array(first) - 1] = 0.6
    return p


def read_tables(report):
    """Measure -> name -> the other cells."""
    tables = {}
    for block in report.split("\n\n")[1:]:
        head, _, *rows = [[cell.strip() for cell in line.split("|")[1:-1]] for line in block.splitlines()]
        tables[head[0]] = {"": head[1:], **{row[0]: row[1:] for row in rows}}
    return tables


RUNS = {
    "a": Made(answer(1, 2, 2, 2, 1), answer(1, 2, 2, 2, 1)),
    "b": Made(answer(1, 1, 2, 2, 5), answer(1, 1, 1, 2, 5)),
}
BLENDS = {"mean": Made(answer(1, 1, 1, 2, 1), answer(1, 1, 1, 1, 1))}
REPORT = format_blends(RUNS, BLENDS, ANSWERS, FOLDS)


def test_questions_without_an_answer_are_not_scored():
    assert REPORT.splitlines()[0] == "4 questions in 2 folds; 95% bootstrap intervals over questions"


def test_every_measure_has_a_table_with_honest_beside_optimistic():
    tables = read_tables(REPORT)
    assert list(tables) == ["MAP@3", "accuracy", "log-loss"]
    accuracy = tables["accuracy"]
    assert [accuracy[name][0][:5] for name in ("a", "b", "mean")] == ["0.250", "0.500", "0.750"]
    assert [accuracy[name][1][:5] for name in ("a", "b", "mean")] == ["0.250", "0.750", "1.000"]


def test_blends_are_compared_with_the_best_run_by_its_honest_score():
    accuracy = read_tables(REPORT)["accuracy"]
    assert accuracy[""][2] == "honest - b, paired"
    assert accuracy["mean"][2].startswith("+0.250 [+0.000, ")
    assert accuracy["a"][2] == accuracy["b"][2] == ""


def test_the_least_log_loss_is_the_best():
    losses = read_tables(REPORT)["log-loss"]
    assert losses[""][2] == "honest - b, paired"
    # A row that is righted: -ln .6 + ln .1 = -1.792; over four rows -0.448.
    assert losses["mean"][2].startswith("-0.448 [")


def test_a_run_alone_makes_a_table_too():
    report = format_blends({"a": Made(answer(1, 1), answer(1, 1))}, {}, np.array([1, 1]), FOLDS[:2])
    assert read_tables(report)["MAP@3"]["a"][0] == "1.000 [1.000, 1.000]"
