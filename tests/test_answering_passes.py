from dataclasses import dataclass
from itertools import pairwise

import numpy as np
import pytest
import torch

from science_exam.answering import passes
from science_exam.answering.deadline import Deadline
from science_exam.answering.passes import (
    CHECKPOINT_SECONDS,
    ENCODED_TOGETHER,
    FIRST_TOKENS,
    Examination,
    Pass,
)
from science_exam.answering.sheet import Sheet
from science_exam.training.fast.rows import Group, Row

N_OPTIONS = 3
ORDER, TURNED = (0, 1, 2), (1, 2, 0)


class FakeReader:
    """Says that the option whose number is the prompt's first token is right; keeps what it was asked.

    On a fake GPU, starting takes no time: a reading is done when all before it are done and it was read.
    """

    def __init__(self, room=10**9, seconds_per_token=0.0, is_gpu=False, checks_room="start") -> None:
        self.room, self.packs, self.adapters, self.exact = room, [], [], []
        self.lost: set[int] = set()  # first tokens of prompts that give no number
        self.lost_exactly: set[int] = set()
        self.now, self.seconds_per_token = 0.0, seconds_per_token
        self.is_gpu, self.checks_room, self.free_at, self.log = is_gpu, checks_room, 0.0, []

    def clock(self) -> float:
        return self.now

    def use(self, adapter: str) -> None:
        self.adapters.append(adapter)

    def group(self, prompts) -> Group:
        return Group(tuple(Row([*prompt, 0], len(prompt)) for prompt in prompts), 0)

    def read(self, groups, exactly=False):
        return self.start(groups, exactly).finish()

    def start(self, groups, exactly=False):
        self.check_room("start", groups)
        self.log.append("start")
        self.free_at = max(self.now, self.free_at) + count_tokens(groups) * self.seconds_per_token
        if not self.is_gpu:
            self.now = self.free_at
        return FakeReading(self, groups, exactly, self.free_at)

    def check_room(self, moment, groups):
        if moment == self.checks_room and count_tokens(groups) > self.room:
            raise torch.OutOfMemoryError("no memory")

    def answer(self, groups, exactly):
        self.check_room("finish", groups)
        self.log.append("finish")
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


@dataclass
class FakeReading:
    reader: FakeReader
    groups: list[Group]
    exactly: bool
    done_at: float

    @property
    def is_done(self) -> bool:
        return self.reader.now >= self.done_at

    def finish(self):
        self.reader.now = max(self.reader.now, self.done_at)
        return self.reader.answer(self.groups, self.exactly)


def count_tokens(groups) -> int:
    return sum(group.n_tokens for group in groups)


def make_pass(lengths, orders=(ORDER,), **settings) -> Pass:
    """Question q has the first token q and so many tokens."""
    return Pass(
        encode=lambda numbers: [[[q] * lengths[q] for _ in orders] for q in numbers],
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

    def encode(numbers):
        order.extend(numbers)
        return [[[question] * 5] for question in numbers]

    passes = [make_pass([5, 5, 5]), Pass(encode, [5] * 3, (ORDER,), "a")]
    examine(reader, passes, 3, sheet=sheet)
    assert order == [1, 2, 0]


def test_what_is_on_the_sheet_is_not_asked_again():
    reader = FakeReader()
    sheet = Sheet.blank(np.full((2, N_OPTIONS), 1 / N_OPTIONS))
    sheet.add(0, np.log([[0.1, 0.1, 0.8]]), 1.0)
    sheet, _ = examine(reader, [make_pass([5, 5])], 2, sheet=sheet)
    assert reader.packs == [[1]]
    assert sheet.probabilities.argmax(axis=1).tolist() == [2, 1]


@pytest.mark.parametrize("is_gpu", [False, True])
@pytest.mark.parametrize("moment", ["start", "finish"])
def test_memory_that_runs_out_halves_the_packs_from_then_on(moment, is_gpu):
    reader = FakeReader(room=50, seconds_per_token=0.01, is_gpu=is_gpu, checks_room=moment)
    sheet, _ = examine(reader, [make_pass([20] * 8)], 8, max_tokens=80)
    assert (sheet.weights == 1).all()
    assert max(map(len, reader.packs)) == 2
    assert reader.packs[-1] == [1, 1]


@pytest.mark.parametrize("moment", ["start", "finish"])
def test_a_question_that_does_not_fit_alone_is_asked_view_by_view_and_then_given_up(moment):
    reader = FakeReader(room=50, checks_room=moment)
    sheet, _ = examine(reader, [make_pass([30, 60], orders=(ORDER, TURNED))], 2)
    assert sheet.weights.tolist() == [2, 0]
    assert sheet.n_lost == 2
    np.testing.assert_allclose(sheet.probabilities[1], 1 / N_OPTIONS)


@pytest.mark.parametrize("is_gpu", [False, True])
def test_views_without_numbers_are_read_again_exactly(is_gpu):
    reader = FakeReader(seconds_per_token=0.01, is_gpu=is_gpu)
    reader.lost, reader.lost_exactly = {0, 1}, {1}
    sheet, _ = examine(reader, [make_pass([5, 5, 5])], 3)
    assert len(reader.exact) == 2
    assert sheet.weights.tolist() == [1, 0, 1]
    assert sheet.n_lost == 1


@pytest.mark.parametrize("is_gpu", [False, True])
def test_a_limited_time_answers_the_shortest_first_and_ends_in_time(is_gpu):
    reader = FakeReader(seconds_per_token=0.01, is_gpu=is_gpu)
    lengths = [100 + question for question in range(200)]
    sheet, _ = examine(reader, [make_pass(lengths)], 200, max_tokens=5000, seconds=100.0)
    assert 0.9 * 100 < reader.now <= 100
    answered = sheet.weights > 0
    n = int(answered.sum())
    assert 0 < n < 200 and answered[:n].all()
    assert sum(map(sum, reader.packs[:1])) * 100 <= FIRST_TOKENS


def test_the_sheet_is_saved_more_often_towards_the_end_of_the_time(monkeypatch):
    reader, saved = FakeReader(seconds_per_token=0.01), []
    monkeypatch.setattr(passes.time, "monotonic", reader.clock)
    sheet = Sheet.blank(np.full((400, N_OPTIONS), 1 / N_OPTIONS))
    examination = Examination(
        reader, sheet, 300, Deadline(100.0, clock=reader.clock), lambda sheet: saved.append(reader.now)
    )
    examination.work_off([make_pass([100] * 400)])
    assert saved[0] > CHECKPOINT_SECONDS
    assert all(later - earlier < CHECKPOINT_SECONDS + 3.1 for earlier, later in pairwise(saved))
    assert saved[-1] - saved[-2] < 3


@pytest.mark.parametrize("is_gpu", [False, True])
def test_time_that_is_left_goes_to_further_passes(is_gpu):
    reader = FakeReader(seconds_per_token=0.01, is_gpu=is_gpu)
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
    def encode(numbers):
        return [None if question == 1 else [[question] * 5] for question in numbers]

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


def test_a_gpu_has_the_next_pack_before_it_is_done_with_one():
    reader = FakeReader(seconds_per_token=0.01, is_gpu=True)
    examine(reader, [make_pass([50] * 8)], 8, max_tokens=100)
    assert reader.log == ["start", "start", "finish", "start", "finish", "start", "finish", "finish"]


def test_on_the_cpu_a_pack_is_finished_before_the_next_begins():
    reader = FakeReader(seconds_per_token=0.01)
    examine(reader, [make_pass([50] * 4)], 4, max_tokens=100)
    assert reader.log == ["start", "finish"] * 2


def test_encoding_costs_a_gpu_no_time_but_that_of_the_first_questions():
    reader, orders = FakeReader(seconds_per_token=0.01, is_gpu=True), (ORDER,)

    def encode(numbers):
        reader.now += 0.4 * len(numbers)
        return [[[question] * 100] for question in numbers]  # a second each on the GPU

    n = 4 * ENCODED_TOGETHER
    examine(reader, [Pass(encode, [100] * n, orders, "a")], n, max_tokens=100 * ENCODED_TOGETHER)
    waited = reader.now - n
    assert waited == pytest.approx(
        2 * 0.4 * ENCODED_TOGETHER
    )  # the first pack, and what shows that it is full


@pytest.mark.parametrize(("n_orders", "n_together"), [(1, 16), (4, 4), (20, 1)])
def test_few_prompts_are_encoded_together_in_however_many_orders(n_orders, n_together):
    asked = []

    def encode(numbers):
        asked.append(len(numbers))
        return [[[question] * 5] * n_orders for question in numbers]

    sheet, _ = examine(FakeReader(), [Pass(encode, [5] * 20, [ORDER] * n_orders, "a")], 20)
    assert max(asked) == n_together
    assert sum(asked) == 20 and (sheet.weights == n_orders).all()


@pytest.mark.parametrize("seconds", [0.0, 50.0])
def test_the_first_speed_is_known_before_more_is_begun_than_there_may_be_time_for(seconds):
    reader = FakeReader(seconds_per_token=0.01, is_gpu=True)
    examine(reader, [make_pass([1000] * 8)], 8, max_tokens=3000, seconds=seconds)
    assert reader.log[:2] == (["start", "finish"] if seconds else ["start", "start"])


def test_a_gpu_gives_the_same_answers_in_any_way():
    passes = [make_pass([30, 40, 50, 60]), make_pass([30, 40, 50, 60], orders=(TURNED, ORDER))]
    sheets = [
        examine(FakeReader(seconds_per_token=0.01, is_gpu=is_gpu), passes, 4, max_tokens=100)[0]
        for is_gpu in (False, True)
    ]
    assert np.array_equal(sheets[0].probabilities, sheets[1].probabilities)
    assert sheets[1].done.tolist() == [2] * 4


def test_what_a_gpu_had_not_finished_is_asked_again_after_an_interruption():
    reader = FakeReader(seconds_per_token=0.01, is_gpu=True)
    answer, n_answered = reader.answer, 0

    def be_interrupted(*arguments):
        nonlocal n_answered
        n_answered += 1
        if n_answered == 2:
            raise KeyboardInterrupt
        return answer(*arguments)

    reader.answer = be_interrupted
    sheet = Sheet.blank(np.full((6, N_OPTIONS), 1 / N_OPTIONS))
    with pytest.raises(KeyboardInterrupt):
        examine(reader, [make_pass([50] * 6)], 6, max_tokens=100, sheet=sheet)
    assert sheet.done.sum() == (sheet.weights > 0).sum() == 2
    sheet, _ = examine(FakeReader(), [make_pass([50] * 6)], 6, sheet=sheet)
    assert sheet.weights.tolist() == [1] * 6
    assert sheet.probabilities.argmax(axis=1).tolist() == [0, 1, 2] * 2


@pytest.mark.parametrize("seed", range(5))
def test_a_machine_whose_speed_changes_ends_within_two_percent_of_the_time(seed):
    generator = np.random.default_rng(seed)

    class Unsteady(FakeReader):
        def start(self, groups, exactly=False):
            self.seconds_per_token = generator.uniform(0.008, 0.016)
            return super().start(groups, exactly)

    reader = Unsteady()
    examine(reader, [make_pass([100] * 500)], 500, max_tokens=8000, seconds=300.0)
    assert 0.98 * 300 < reader.now < 1.02 * 300
