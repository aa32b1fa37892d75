"""What any answerer's predictions table must be."""

from science_exam.tables import PREDICTIONS, check_table


def check_predictions(answerer, question_set):
    """Its table for the questions in another order is a sound one, in that order."""
    shuffled = question_set.questions.sample(frac=1, random_state=0)
    predictions = answerer.predict(shuffled, question_set.contexts, fold="3", run="r")
    checked = check_table(predictions, PREDICTIONS, "here")
    assert checked["question_id"].tolist() == shuffled["question_id"].tolist()
    assert set(checked["fold"]) == {"3"}
    assert set(checked["run"]) == {"r"}
