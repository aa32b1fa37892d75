import numpy as np
import pandas as pd
import pytest

from science_exam.errors import UserError
from science_exam.evaluation.report import (
    RANDOM_ACCURACY,
    RANDOM_MAP3,
    Scores,
    format_calibrated,
    format_report,
    score_all,
    score_longest_option,
    score_predictions,
    score_probabilities,
    score_submission,
    summarize,
)
from science_exam.tables import OPTION_COLUMNS, PROBABILITY_COLUMNS, QUESTIONS, check_table


def make_questions(answers: list[int | None], options=("a", "bb", "ccc", "d", "e")) -> pd.DataFrame:
    rows = [
        {
            "question_id": f"q{index}",
            "prompt": "Which?",
            **dict(zip(OPTION_COLUMNS, options, strict=True)),
            "answer": answer,
            "source": "here",
            "group": f"q{index}",
            "passage_id": None,
        }
        for index, answer in enumerate(answers)
    ]
    return check_table(pd.DataFrame(rows), QUESTIONS, "here")


def make_predictions(ids: list[str], probabilities: list[list[float]]) -> pd.DataFrame:
    frame = pd.DataFrame(probabilities, columns=list(PROBABILITY_COLUMNS))
    return frame.assign(question_id=ids, fold="0", run="r")


def test_random_baselines_are_the_expected_values():
    assert RANDOM_ACCURACY == 0.2
    assert pytest.approx(11 / 30) == RANDOM_MAP3


def test_predictions_are_matched_by_id_whatever_their_order():
    questions = make_questions([1, 2, 5])
    predictions = make_predictions(
        ["q2", "q0", "extra", "q1"],
        [
            [0.4, 0.3, 0.2, 0.06, 0.04],  # 5 comes last
            [0.6, 0.1, 0.1, 0.1, 0.1],  # 1 comes first
            [0.2, 0.2, 0.2, 0.2, 0.2],
            [0.5, 0.3, 0.1, 0.06, 0.04],  # 2 comes second
        ],
    )
    scores = score_predictions("model", predictions, questions)
    assert scores.right.tolist() == [1, 0, 0]
    assert scores.reciprocal.tolist() == [1, 0.5, 0]


def test_questions_without_an_answer_are_not_scored():
    questions = make_questions([None, 2])
    scores = score_predictions("m", make_predictions(["q1"], [[0, 1, 0, 0, 0]]), questions)
    assert scores.right.tolist() == [1]
    with pytest.raises(UserError, match="nothing to score"):
        score_longest_option(make_questions([None]))


def test_a_question_without_a_prediction_is_named():
    predictions = make_predictions(["q0"], [[1, 0, 0, 0, 0]])
    with pytest.raises(UserError, match=r"model: 2 of 3 questions have no prediction \('q1', 'q2'\)"):
        score_predictions("model", predictions, make_questions([1, 2, 3]))


def test_a_submission_holds_every_question_and_no_other():
    rankings = {"q1": [1], "x": [1], "y": [2], "q4": [3]}
    expected = (
        r"mine: expected the ids of the 6 questions, found 4 missing \('q0', 'q2', 'q3', …\) and 2 unknown "
        r"\('x', 'y'\); Kaggle would refuse it"
    )
    with pytest.raises(UserError, match=expected):
        score_submission("mine", rankings, make_questions([1, 2, 3, 4, 5, 1]))
    with pytest.raises(UserError, match=r"of the 2 questions, found 1 missing \('q0'\); Kaggle"):
        score_submission("mine", {"q1": [1]}, make_questions([None, 2]))  # Kaggle asks for this one too


def test_submissions_may_name_fewer_than_three():
    scores = score_submission("s", {"q1": [2, 1], "q0": [3]}, make_questions([1, 1]))
    assert scores.reciprocal.tolist() == [0, 0.5]


def test_longest_option_ranks_by_characters_and_ties_go_to_the_lower_number():
    scores = score_longest_option(make_questions([3, 2, 1, 4]))  # order: 3, 2, 1, 4, 5
    assert scores.right.tolist() == [1, 0, 0, 0]
    assert scores.reciprocal.tolist() == [1, 1 / 2, 1 / 3, 0]


def test_longest_option_takes_empty_options():
    assert score_longest_option(make_questions([2], options=("", "x", "", "", ""))).right.tolist() == [1]


def test_score_all_puts_the_baseline_first_and_takes_tables_and_submissions():
    questions = make_questions([3, 1])
    predictions = make_predictions(["q0", "q1"], [[0, 0, 1, 0, 0], [1, 0, 0, 0, 0]])
    submission = {"q0": [3], "q1": [2, 3, 1]}
    scores = score_all(questions, {"before": predictions, "after": predictions, "sent": submission})
    assert [score.name for score in scores] == ["longest option", "before", "after", "sent"]
    assert summarize(scores)["sent"] == {"accuracy": 0.5, "map3": 0.666667}
    assert summarize(scores)["after"] == {"accuracy": 1, "map3": 1, "log_loss": 0, "brier": 0, "ece": 0}
    assert summarize(scores)["longest option"] == {"accuracy": 0.5, "map3": 0.666667}


def test_summary_holds_plain_numbers():
    scores = [Scores("m", np.array([1, 0, 0]), np.array([1, 0.5, 1 / 3]))]
    assert summarize(scores) == {"m": {"accuracy": 0.333333, "map3": 0.611111}}
    assert all(type(value) is float for value in summarize(scores)["m"].values())


def test_report_shows_baselines_intervals_and_paired_comparisons():
    right = np.array([1.0] * 8 + [0.0] * 2)
    wrong = np.zeros(10)
    report = format_report(
        [Scores("longest option", wrong, wrong + 0.5), Scores("after training", right, right)]
    )
    lines = report.splitlines()
    assert lines[0].startswith("10 questions; 95% bootstrap intervals over questions; ECE: ")
    assert "| random order (expected) | 0.200 | 0.367 | 1.609 | – |" in lines
    assert "| longest option | 0.000 [0.000, 0.000] | 0.500 [0.500, 0.500] | – | – |" in lines
    [row] = [line for line in lines if line.startswith("| after training | 0.800 [0.")]
    assert row.count("0.800") == 2
    # 8 gained, none lost: 2 / 2^8 = 0.0078.
    assert lines[-1].startswith("after training - longest option: MAP@3 +0.300 [")
    assert lines[-1].endswith("paired; accuracy: McNemar p = 0.0078")


def test_probabilities_are_scored_too():
    questions = make_questions([1, 2])
    predictions = make_predictions(["q0", "q1"], [[0.5, 0.2, 0.1, 0.1, 0.1], [0.5, 0.2, 0.1, 0.1, 0.1]])
    scores = score_predictions("model", predictions, questions)
    assert scores.losses.tolist() == pytest.approx([np.log(2), np.log(5)])
    # 0.5² + 0.2² + 3 · 0.1² = 0.32, - 2 p + 1
    assert scores.brier.tolist() == pytest.approx([0.32, 0.92])
    assert scores.calibration_error == pytest.approx(0)  # says 0.5, and half are right
    [row] = [line for line in format_report([scores]).splitlines() if line.startswith("| model")]
    assert "| 1.151 [0.693, 1.609] | 0.000 |" in row  # (ln 2 + ln 5) / 2


def test_a_calibrated_run_is_told_in_one_line():
    scores = score_probabilities("after training", np.array([[0.5, 0.5, 0, 0, 0]] * 2), np.array([1, 2]))
    assert format_calibrated(scores, {"0": 1.5, "1": 1.234}) == (
        "after training, calibrated (temperature 1.23 to 1.50, fitted on the other folds): "
        "log-loss 0.693 [0.693, 0.693], ECE 0.000"
    )


def test_a_report_of_one_answerer_compares_nothing():
    report = format_report([Scores("longest option", np.ones(3), np.ones(3))])
    assert "McNemar" not in report
