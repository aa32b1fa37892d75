import numpy as np
import pytest
import torch

from science_exam.answering.deadline import Deadline
from science_exam.answering.passes import FIRST_TOKENS, Examination, Pass
from science_exam.answering.sheet import Sheet
from science_exam.errors import UserError
from science_exam.training.fast.rows import Group, Row

N_OPTIONS = 3
ORDER, TURNED = (0, 1, 2), (1, 2, 0)


class FakeReader:
    """Says that the option whose number is the prompt's first token is right; keeps what it was asked."""

    def __init__(self, room=10**9, seconds_per_token=0.0) -> None:
        self.room, self.packs, self.adapters, self.exact = room, [], [], []
        self.lost: set[int] = set()  # first tokens of prompts that give no number
        self.lost_exactly: set[int] = set()
        self.now, self.seconds_per_token = 0.0, seconds_per_token

    def clock(self) -> float:
        return self.now

    def use(self, adapter: str) -> None:
        self.adapters.append(adapter)

    def group(self, prompts) -> Group:
        return Group(tuple(Row([*prompt, 0], len(prompt)) for prompt in prompts), 0)

    def read(self, groups, exactly=False):
        n_tokens = sum(group.n_tokens for group in groups)
        if n_tokens > self.room:
            raise torch.OutOfMemoryError("no memory")
        self.now += n_tokens * self.seconds_per_token
        (self.exact if exactly else self.packs).append([len(group.rows) for group in groups])
        lost = self.lost_exactly if exactly else self.lost
        return [
            np.array(
                [np.full(N_OPTIONS, np.nan) if row.ids[0] in lost else self.say(row) for row in group.rows]
            )
            for group in groups
        ]

    def say(self, row: Row) -> np.ndarray:
        return np.log(np.where(np.arange(N_OPTIONS) == row.ids[0] % N_OPTIONS, 0.8, 0.1))


def make_pass(lengths, orders=(ORDER,), **settings) -> Pass:
    """Question q has the first token q and so many tokens."""
    return Pass(
        encode=lambda q: [[q] * lengths[q] for _ in orders],
        sizes=lengths,
        orders=orders,
        **{"adapter": "a", **settings},
    )


def examine(reader, passes, n_questions, max_tokens=1000, seconds=0.0, sheet=None):
    sheet = sheet or Sheet.blank(np.full((n_questions, N_OPTIONS), 1 / N_OPTIONS))
    saved = []
    deadline = Deadline(seconds, clock=reader.clock)
    Examination(reader, sheet, max_tokens, deadline, lambda s: saved.append(s.probabilities)).work_off(passes)
    return sheet, saved


def test_every_question_is_answered_once_a_pass_and_packs_keep_their_size():
    reader = FakeReader()
    sheet, saved = examine(reader, [make_pass([30, 40, 50, 60])], 4, max_tokens=100)
    assert [len(pack) for pack in reader.packs] == [1, 2, 1]  # 60, 50 + 40, 30
    assert sheet.probabilities.argmax(axis=1).tolist() == [0, 1, 2, 0]
    assert np.array_equal(saved[-1], sheet.probabilities)


def test_answers_to_reordered_options_are_put_back():
    # The reader says "the first"; in the turned order that is option 1.
    sheet, _ = examine(FakeReader(), [make_pass([5], orders=(TURNED,))], 1)
    assert sheet.probabilities.argmax() == 1


def test_each_pass_uses_its_adapter_and_its_weight():
    reader = FakeReader()
    passes = [make_pass([5], adapter="a"), make_pass([5], orders=(TURNED,), adapter="b", weight=3.0)]
    sheet, _ = examine(reader, passes, 1)
    assert reader.adapters == ["a", "b"]
    np.testing.assert_allclose(sheet.probabilities[0], [(0.8 + 0.3) / 4, (0.1 + 2.4) / 4, 0.4 / 4])


def test_a_second_pass_begins_with_the_least_confident_questions():
    reader, order = FakeReader(), []
    sheet = Sheet.blank(np.full((3, N_OPTIONS), 1 / N_OPTIONS))
    for question, best in enumerate((0.9, 0.4, 0.6)):
        rest = (1 - best) / 2
        sheet.add(question, np.log([[best, rest, rest]]), 1.0)
    second = make_pass([5, 5, 5])
    passes = [make_pass([5, 5, 5]), Pass(lambda q: order.append(q) or [[q] * 5], [5] * 3, (ORDER,), "a")]
    examine(reader, passes, 3, sheet=sheet)
    assert order == [1, 2, 0]
    assert second.weight == 1.0


def test_what_is_on_the_sheet_is_not_asked_again():
    reader = FakeReader()
    sheet = Sheet.blank(np.full((2, N_OPTIONS), 1 / N_OPTIONS))
    sheet.add(0, np.log([[0.1, 0.1, 0.8]]), 1.0)
    sheet, _ = examine(reader, [make_pass([5, 5])], 2, sheet=sheet)
    assert reader.packs == [[1]]
    assert sheet.probabilities.argmax(axis=1).tolist() == [2, 1]


def test_memory_that_runs_out_halves_the_packs_from_then_on():
    reader = FakeReader(room=50)
    sheet, _ = examine(reader, [make_pass([20] * 8)], 8, max_tokens=80)
    assert (sheet.weights == 1).all()
    assert max(map(len, reader.packs)) == 2
    assert reader.packs[-1] == [1, 1]


def test_a_question_that_does_not_fit_alone_is_asked_view_by_view_and_then_given_up():
    reader = FakeReader(room=50)
    sheet, _ = examine(reader, [make_pass([30, 60], orders=(ORDER, TURNED))], 2)
    assert sheet.weights.tolist() == [2, 0]
    assert sheet.n_lost == 2
    np.testing.assert_allclose(sheet.probabilities[1], 1 / N_OPTIONS)


def test_views_without_numbers_are_read_again_exactly():
    reader = FakeReader()
    reader.lost, reader.lost_exactly = {0, 1}, {1}
    sheet, _ = examine(reader, [make_pass([5, 5, 5])], 3)
    assert len(reader.exact) == 2
    assert sheet.weights.tolist() == [1, 0, 1]
    assert sheet.n_lost == 1


def test_a_limited_time_answers_the_shortest_first_and_ends_in_time():
    reader = FakeReader(seconds_per_token=0.01)
    lengths = [100 + question for question in range(200)]
    sheet, _ = examine(reader, [make_pass(lengths)], 200, max_tokens=5000, seconds=100.0)
    assert 0.9 * 100 < reader.now <= 100
    answered = sheet.weights > 0
    n = int(answered.sum())
    assert 0 < n < 200 and answered[:n].all()
    assert sum(map(sum, reader.packs[:1])) * 100 <= FIRST_TOKENS


def test_time_that_is_left_goes_to_further_passes():
    reader = FakeReader(seconds_per_token=0.01)
    passes = [make_pass([100] * 10), make_pass([100] * 10, orders=(TURNED,))]
    sheet, _ = examine(reader, passes, 10, max_tokens=300, seconds=16.0)
    assert reader.now <= 16
    assert (sheet.done >= 1).all() and 3 <= (sheet.done == 2).sum() < 10


@pytest.mark.parametrize("seconds", [0.0, 5.0])
def test_nothing_to_ask_is_no_error(seconds):
    sheet, saved = examine(FakeReader(), [make_pass([])], 0, seconds=seconds)
    assert len(sheet.probabilities) == 0
    assert len(saved) == 1


def test_a_question_that_cannot_be_encoded_is_given_up_and_counted():
    def encode(question: int) -> list[list[int]]:
        if question == 1:
            raise UserError("too long")
        return [[question] * 5]

    sheet, _ = examine(FakeReader(), [Pass(encode, [5] * 3, (ORDER,), "a")], 3)
    assert sheet.weights.tolist() == [1, 0, 1]
    assert (sheet.n_lost, sheet.done.tolist()) == (1, [1, 1, 1])


def test_a_pass_asks_only_those_it_is_for_and_the_others_count_as_done():
    reader = FakeReader()
    for_some = np.array([True, False, True])
    passes = [make_pass([5] * 3, adapter="a", asks=for_some), make_pass([5] * 3, adapter="b", asks=~for_some)]
    sheet, _ = examine(reader, passes, 3)
    assert [len(pack) for pack in reader.packs] == [2, 1]
    assert sheet.weights.tolist() == [1, 1, 1]
    assert sheet.done.tolist() == [2, 2, 2]


def test_a_question_that_one_pass_did_not_reach_is_not_asked_by_the_next():
    reader = FakeReader(seconds_per_token=0.01)
    lengths = [100] * 5 + [1000]
    sheet, _ = examine(reader, [make_pass(lengths), make_pass(lengths)], 6, max_tokens=300, seconds=12.0)
    assert sheet.done[5] == 0
    assert (sheet.done[:5] >= 1).all() and (sheet.done == 2).any()
