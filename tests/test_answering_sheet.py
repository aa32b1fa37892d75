import numpy as np
import pytest

from science_exam.answering.sheet import Sheet, rank_by_length

FALLBACK = np.array([[0.5, 0.3, 0.2], [0.2, 0.3, 0.5]])


def test_a_blank_sheet_answers_with_the_fallback_and_no_confidence():
    sheet = Sheet.blank(FALLBACK)
    assert np.array_equal(sheet.probabilities, FALLBACK)
    assert sheet.confidences.tolist() == [0, 0]


def test_views_are_averaged_by_their_weights():
    sheet = Sheet.blank(FALLBACK)
    sheet.add(0, np.log([[0.8, 0.1, 0.1], [0.4, 0.5, 0.1]]), weight=1.0)
    sheet.add(0, np.log([[0.1, 0.1, 0.8]]), weight=2.0)
    # (0.8 + 0.4 + 2 × 0.1) / 4, (0.1 + 0.5 + 2 × 0.1) / 4, (0.1 + 0.1 + 2 × 0.8) / 4
    np.testing.assert_allclose(sheet.probabilities[0], [0.35, 0.2, 0.45])
    assert np.array_equal(sheet.probabilities[1], FALLBACK[1])
    assert sheet.confidences == pytest.approx([0.45, 0])
    assert sheet.done.tolist() == [2, 0]


def test_views_without_numbers_are_left_out_and_counted():
    sheet = Sheet.blank(FALLBACK)
    sheet.add(0, np.array([[np.nan] * 3, np.log([0.2, 0.2, 0.6])]), weight=1.0)
    sheet.add(1, np.full((1, 3), np.nan), weight=1.0)
    np.testing.assert_allclose(sheet.probabilities, [[0.2, 0.2, 0.6], FALLBACK[1]])
    assert sheet.n_lost == 2
    assert sheet.done.tolist() == [1, 1]


def test_an_option_that_is_ruled_out_is_a_number():
    sheet = Sheet.blank(FALLBACK)
    sheet.add(0, np.array([[0.0, -np.inf, -np.inf]]), weight=1.0)
    np.testing.assert_allclose(sheet.probabilities[0], [1, 0, 0])
    assert sheet.n_lost == 0


def test_a_saved_sheet_is_the_same_sheet(tmp_path):
    sheet = Sheet.blank(FALLBACK)
    sheet.add(1, np.log([[0.6, 0.3, 0.1]]), weight=0.5)
    sheet.add(0, np.full((2, 3), np.nan), weight=1.0)
    sheet.save(tmp_path / "sheet.npz")
    loaded = Sheet.load(tmp_path / "sheet.npz")
    assert np.array_equal(loaded.probabilities, sheet.probabilities)
    assert (loaded.done.tolist(), loaded.n_lost) == ([1, 1], 2)
    assert [path.name for path in tmp_path.iterdir()] == ["sheet.npz"]


def test_the_longest_option_comes_first_and_ties_go_by_their_place():
    ranked = rank_by_length([("aa", "a", "aaa"), ("b", "b", "b")])
    np.testing.assert_allclose(ranked, np.array([[2, 1, 4], [4, 2, 1]]) / 7)


def test_a_divided_sheet_is_joined_to_the_same_sheet():
    sheet = Sheet.blank(np.arange(15.0).reshape(5, 3))
    sheet.add(3, np.log([[0.6, 0.3, 0.1]]), weight=1.0)
    sheet.add(0, np.full((2, 3), np.nan), weight=1.0)
    shares = [np.array([1, 3]), np.array([0, 2, 4])]
    parts = sheet.divide(shares)
    assert [len(part.done) for part in parts] == [2, 3]
    parts[1].give_up(0, 1)
    joined = Sheet.join(parts, shares)
    assert np.array_equal(joined.sums, sheet.sums)
    assert np.array_equal(joined.fallback, sheet.fallback)
    assert joined.done.tolist() == [2, 0, 0, 1, 0]
    assert joined.count_views() == {"answered": 1, "views": 1, "lost_views": 3}
