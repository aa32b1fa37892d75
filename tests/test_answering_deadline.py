from science_exam.answering.deadline import MARGIN, Deadline


class Clock:
    """A clock that stands still until it is moved."""

    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now

    def spend(self, seconds: float) -> None:
        self.now += seconds


def test_without_a_budget_everything_fits():
    deadline = Deadline(0)
    assert not deadline.has_end
    deadline.time(lambda: None, 10)
    assert deadline.count_fitting_tokens() == float("inf")


def test_what_fits_follows_from_the_speed_so_far():
    clock = Clock()
    deadline = Deadline(10, reserved_seconds=1, clock=clock)
    assert deadline.count_fitting_tokens() == float("inf")  # nothing is known yet
    assert deadline.time(lambda: clock.spend(2) or "done", 100) == "done"
    assert deadline.count_fitting_tokens() == 7 * 50 / MARGIN


def test_slower_is_believed_at_once_and_faster_little_by_little():
    clock = Clock()
    deadline = Deadline(1000, clock=clock)
    deadline.time(lambda: clock.spend(1), 100)
    deadline.time(lambda: clock.spend(1), 200)
    assert round(deadline.count_fitting_tokens() * MARGIN / 998) == 130  # 0.7 × 100 + 0.3 × 200
    deadline.time(lambda: clock.spend(1), 10)
    assert round(deadline.count_fitting_tokens() * MARGIN / 997) == 10


def test_nothing_fits_when_the_time_is_over():
    clock = Clock()
    deadline = Deadline(5, clock=clock)
    clock.spend(5)
    assert deadline.count_fitting_tokens() == 0
