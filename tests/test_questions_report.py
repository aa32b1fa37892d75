"""report.md: the numbers of every loss, and text that cannot break its tables."""

import pytest

from science_exam.questions.building.collecting import Losses
from science_exam.questions.building.report import format_report
from science_exam.questions.building.statistics import Example, Statistics
from science_exam.questions.config import BuildConfig, DuplicatesConfig

OPTIONS = ["one", "two words", "three short words", "four", "five"]


@pytest.fixture
def losses():
    """Of 2,000 rows 1,990 are left."""
    losses = Losses()
    losses.offered["a"], losses.kept["a"] = 2000, 1990
    for row in range(5):
        losses.faults.add("a", "no answer", f"a.csv: row {row}")
    losses.faults.add("a", "no question", "a.csv: row 9")
    losses.repeats.add("a", "near-duplicate of an earlier row", "a.csv: row 7")
    losses.repeats.add("a", "near-duplicate of an earlier row", "a.csv: row 8")
    for row in (5, 6):
        losses.balance.add("a", "length gives the answer away", f"a.csv: row {row}")
    return losses


@pytest.fixture
def statistics():
    """Four rows: right options 1, 2, 3, 3, of which 3 is the longest and 2 neither."""
    statistics = Statistics(seed=0)
    for number, answer in enumerate((1, 2, 3, 3)):
        statistics.add("a", Example(f"a-{number}", "What is it?", OPTIONS, answer), n_contexts=number % 2)
    return statistics


def test_every_row_of_a_source_is_accounted_for(losses, statistics):
    report = format_report(BuildConfig(), losses, statistics)
    assert "\n1,990 questions in 4 rows.\n" in report
    # offered - faults - repeated - balance = questions; rows of the set; the longest is right in 2 of 4,
    # the shortest ("one", 3 letters) in 1 of 4.
    assert "| a | 2,000 | 6 | 2 | 2 | 1,990 | 4 | 50.0% | 25.0% |" in report
    assert "- right option: A 25.0%, B 25.0%, C 50.0%, D 0.0%, E 0.0%" in report
    assert "- always the longest option: accuracy 0.500 (a guess: 0.200); the shortest: 0.250" in report
    assert "- rows by their number of contexts: 0: 2, 1: 2" in report
    assert "- words of a prompt: median 3, 95% have at most 3, the longest 3" in report


def test_reasons_stand_in_their_sections_the_most_frequent_first_with_three_places(losses, statistics):
    report = format_report(BuildConfig(), losses, statistics)
    _, faults, repeats, balance, *_ = report.split("## ")[1:]
    assert faults.startswith("Left out: faults")
    assert faults.splitlines()[4:6] == [
        "| a | no answer | 5 | a.csv: row 0; a.csv: row 1; a.csv: row 2 |",
        "| a | no question | 1 | a.csv: row 9 |",
    ]
    assert "| a | near-duplicate of an earlier row | 2 | a.csv: row 7; a.csv: row 8 |" in repeats
    assert "| a | length gives the answer away | 2 |" in balance
    assert "## Mended" not in report  # nothing was


def test_a_source_of_which_nothing_is_left_divides_by_nothing(losses, statistics):
    losses.offered["gone"] = 3
    report = format_report(BuildConfig(), losses, statistics)
    assert "| gone | 3 | 0 | 0 | 0 | 0 | 0 | 0.0% | 0.0% |" in report


def test_how_repeats_were_looked_for_and_what_is_kept_apart_is_said_without_folders(losses, statistics):
    config = BuildConfig(evaluation=("/home/someone/train.csv", "data/questions/official"))
    report = format_report(config, losses, statistics)
    assert "- kept apart from: train.csv, official\n" in report
    assert "looked for by words and sentence vectors" in report
    assert "someone" not in report
    alone = BuildConfig(duplicates=DuplicatesConfig(paraphrases=False))
    report = format_report(alone, losses, statistics)
    assert "- kept apart from: no evaluation set\n" in report
    assert "looked for by words alone" in report


def test_marks_and_line_breaks_of_texts_stay_in_their_cell_and_line(losses):
    statistics = Statistics(seed=0)
    options = ["|x| < 1", "line one\n## two", *OPTIONS[2:]]
    statistics.add("a", Example("a-1", "Which | holds\r\n\n- for x?", options, 1), n_contexts=0)
    losses.mended.add("a", "repeated option left out", "odd|name\n.csv: row 1")
    report = format_report(BuildConfig(), losses, statistics)
    assert "`a-1`: Which \\| holds - for x?\n\n- **A: \\|x\\| < 1**\n- B: line one ## two\n" in report
    assert "| a | repeated option left out | 1 | odd\\|name .csv: row 1 |" in report
    tables = [line.replace("\\|", "") for line in report.splitlines() if line.startswith("|")]
    assert {line.count("|") for line in tables} == {5, 10}
