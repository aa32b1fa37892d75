"""What has changed since earlier answers, and make evaluate with them."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from science_exam.errors import UserError
from science_exam.evaluation.comparison import compare_all, find_changes, format_comparisons
from science_exam.kaggle.submission import write_submission
from science_exam.questions.store import write_question_set
from science_exam.tables import (
    OPTION_COLUMNS,
    PREDICTIONS,
    PROBABILITY_COLUMNS,
    QUESTIONS,
    check_table,
    write_table,
)

SET = Path("data/questions/set")


def make_questions(answers):
    options = dict.fromkeys(OPTION_COLUMNS, "an option")
    ids = [f"q{number}" for number in range(len(answers))]
    frame = pd.DataFrame({"question_id": ids, "answer": answers, "group": ids})
    return check_table(
        frame.assign(prompt="Which?", **options, source="here", passage_id=None), QUESTIONS, "here"
    )


def make_predictions(ids, chosen, sure=0.6):
    """`sure` on the chosen option, the rest alike on the others."""
    rows = np.full((len(ids), 5), (1 - sure) / 4)
    rows[np.arange(len(ids)), np.asarray(chosen) - 1] = sure
    frame = pd.DataFrame(rows, columns=list(PROBABILITY_COLUMNS))
    return frame.assign(question_id=list(ids), fold="test", run="try")


def compare(new, old, answers):
    [comparison] = compare_all("new", new, {"old": old}, make_questions(answers))
    return comparison


def test_gains_and_losses_are_counted_and_tested():
    right, wrong = [1, 2, 3], [2, 1, 3]
    ids = [f"q{number}" for number in range(12)]
    old = dict(zip(ids, [wrong] * 6 + [right] * 6, strict=True))
    new = dict(zip(ids, [right] * 6 + [wrong] + [right] * 5, strict=True))
    comparison = compare(new, old, [1] * 12)
    assert (comparison.n_gained, comparison.n_lost) == (6, 1)
    row = format_comparisons([comparison]).splitlines()[4]
    # Accuracy 6/12 -> 11/12; the wrong ones have it second: MAP@3 9/12 -> 11.5/12. McNemar: 2 (1 + 7) / 2^7.
    assert row.startswith("| old | 12 | 0.500 -> 0.917, +0.417 [+0.")
    assert "| 0.750 -> 0.958, +0.208 [+0." in row
    assert row.endswith("| – | 6 | 1 | 0.12 |")


def test_losses_are_compared_where_both_have_probabilities():
    ids = ["q0", "q1"]
    old, new = make_predictions(ids, [1, 1], sure=0.2), make_predictions(ids, [1, 1], sure=0.8)
    row = format_comparisons([compare(new, old, [1, 1])]).splitlines()[4]
    assert "| 1.609 -> 0.223, -1.386 [-1.386, -1.386] |" in row  # ln 5, ln 1.25, ln 4
    assert row.endswith("| 0 | 0 | 1 |")
    assert format_comparisons([compare(new, {"q0": [1], "q1": [1]}, [1, 1])]).splitlines()[4].count("–") == 1


def test_other_ids_are_left_out_and_said_so():
    new = {f"q{number}": [1] for number in range(5)}
    old = {"q1": [2], "q3": [1], "q4": [1], "x": [1]}
    comparison = compare(new, old, [1, 1, 1, 1, None])
    assert comparison.question_ids.tolist() == ["q1", "q3"]
    assert (comparison.n_only_new, comparison.n_only_old) == (2, 1)
    text = format_comparisons([comparison])
    assert "| old | 2 | 0.500 -> 1.000, +0.500" in text
    said = "old: compared on the 2 common questions; left out: 2 that only new answers, 1 that only old does"
    assert said in text


def test_the_same_ids_are_not_spoken_of():
    answers = {"q0": [1], "q1": [2]}
    assert format_comparisons([compare(answers, answers, [1, 1])]).splitlines()[5:] == []


def test_no_common_question_is_an_error():
    with pytest.raises(
        UserError, match=r"old: none of its 1 ids is among the 2 questions that new is scored on"
    ):
        compare({"q0": [1], "q1": [1]}, {"x": [1]}, [1, 1])
    with pytest.raises(UserError, match="none of its 1 ids"):
        compare({"q0": [1], "q1": [1]}, {"q1": [1]}, [1, None])


def test_the_largest_changes_are_named_first():
    new = {"q0": [1], "q1": [1], "q2": [2, 1], "q3": [2], "q4": [2, 3, 1], "q5": [1]}
    old = {"q0": [1], "q1": [2, 1], "q2": [2, 3, 1], "q3": [1], "q4": [2, 1], "q5": [2]}
    comparison = compare(new, old, [1] * 6)
    expected = {"q3": -1, "q5": 1, "q1": 1 / 2, "q2": 1 / 6, "q4": -1 / 6}
    assert find_changes(comparison) == pytest.approx(expected)
    assert list(find_changes(comparison)) == list(expected)
    last = format_comparisons([comparison]).splitlines()[-1]
    assert last == "old: largest changes of 1/rank: q3 -1.00, q5 +1.00, q1 +0.50, q2 +0.17, q4 -0.17"


def test_among_equal_changes_the_likelihood_decides_and_ten_are_named():
    ids = [f"q{number}" for number in range(12)]
    old = make_predictions(ids, [5] * 12)
    sure = pd.concat([make_predictions([name], [1], 0.3 + 0.05 * i) for i, name in enumerate(ids)])
    assert list(find_changes(compare(sure, old, [1] * 12))) == ids[:1:-1]


@pytest.fixture
def files(work, question_set):
    """The set, an old submission that has the first half right, a new one and its table: three quarters."""
    write_question_set(question_set, SET)
    questions = question_set.questions
    answers = questions["answer"].to_numpy(int)
    for name, share in (("old", 0.5), ("new", 0.75)):
        wrong = np.arange(len(answers)) >= share * len(answers)
        predictions = make_predictions(questions["question_id"], np.where(wrong, answers % 5 + 1, answers))
        write_submission(predictions, Path(f"{name}.csv"))
        write_table(predictions, PREDICTIONS, Path(f"{name}.parquet"))
    return work


def test_files_are_scored_broken_down_and_compared(files, run_script, capsys):
    words = [f"questions={SET}", "against=[old.csv, old.parquet, new.csv]"]
    assert run_script("evaluate", "predictions=new.parquet", *words) == 0
    report = capsys.readouterr().out
    assert "| new.parquet | 0.750 [" in report
    assert "| right option | questions | accuracy | MAP@3 |" in report
    rows = [line.split(" | ") for line in report.splitlines() if line.startswith(("| old", "| new.csv"))]
    assert [row[0] for row in rows] == ["| old.csv", "| old.parquet", "| new.csv"]
    # Ten of 40 gained: 2 / 2^10.
    assert [row[-3:] for row in rows] == [["10", "0", "0.002 |"], ["10", "0", "0.002 |"], ["0", "0", "1 |"]]
    assert rows[0][2].startswith("0.500 -> 0.750, +0.250 [")
    assert not Path("scores.md").exists()


def test_a_submission_with_other_ids_is_refused_and_an_earlier_one_is_not(files, run_script, capsys):
    whole = Path("new.csv").read_text()
    first, rest = whole.splitlines()[1], whole.split("\n", 2)[2]
    Path("short.csv").write_text(f"id,prediction\nunknown,A B C\n{rest}")
    assert run_script("evaluate", "predictions=short.csv", f"questions={SET}") == 2
    error = capsys.readouterr().err
    assert f"1 missing ('{first.split(',')[0]}') and 1 unknown ('unknown'); Kaggle would refuse it" in error
    assert run_script("evaluate", "predictions=new.csv", f"questions={SET}", "against=short.csv") == 0
    assert (
        "short.csv: compared on the 39 common questions; left out: 1 that only new.csv"
        in capsys.readouterr().out
    )


def test_an_earlier_file_that_is_not_there_is_named(files, run_script, capsys):
    for name in ("none.csv", "none.parquet", "none"):
        assert run_script("evaluate", "predictions=new.csv", f"questions={SET}", f"against={name}") == 2
        assert f"error: {name}: no " in capsys.readouterr().err
