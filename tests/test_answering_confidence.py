import numpy as np
import pandas as pd

from science_exam.answering.confidence import measure_confidence, order_by_confidence
from science_exam.tables import PROBABILITY_COLUMNS

ROWS = [[0.5, 0.2, 0.1, 0.1, 0.1], [0.2] * 5, [0.1, 0.1, 0.1, 0.6, 0.1], [0.1, 0.5, 0.2, 0.1, 0.1]]


def test_confidence_is_the_largest_probability():
    assert measure_confidence(np.array(ROWS)).tolist() == [0.5, 0.2, 0.6, 0.5]


def test_the_least_confident_come_first_and_equal_ones_stay_in_order():
    predictions = pd.DataFrame(ROWS, columns=list(PROBABILITY_COLUMNS)).assign(question_id=list("abcd"))
    assert order_by_confidence(predictions) == ["b", "a", "d", "c"]
    assert order_by_confidence(predictions.iloc[::-1]) == ["b", "d", "a", "c"]
