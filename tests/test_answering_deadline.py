from science_exam.answering.deadline import MARGIN, Deadline


class Clock:
    """A clock that stands still until it is moved."""

    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now

    def spend(self, seconds: float) -> None:
        self.now += seconds


def read(deadline: Deadline, clock: Clock, seconds: float, n_tokens: int) -> None:
    deadline.begin(n_tokens)
    clock.spend(seconds)
    deadline.finish()


def test_without_a_budget_everything_fits():
    deadline = Deadline(0)
    assert not deadline.has_end
    assert deadline.is_measured
    deadline.begin(10)
    deadline.finish()
    assert deadline.count_fitting_tokens() == float("inf")


def test_what_fits_follows_from_the_speed_so_far():
    clock = Clock()
    deadline = Deadline(10, reserved_seconds=1, clock=clock)
    assert deadline.count_fitting_tokens() == float("inf")  # nothing is known yet
    assert not deadline.is_measured
    read(deadline, clock, 2, 100)
    assert deadline.is_measured
    assert deadline.count_fitting_tokens() == 7 * 50 / MARGIN


def test_slower_is_believed_at_once_and_faster_little_by_little():
    clock = Clock()
    deadline = Deadline(1000, clock=clock)
    read(deadline, clock, 1, 100)
    read(deadline, clock, 1, 200)
    assert round(deadline.count_fitting_tokens() * MARGIN / 998) == 130  # 0.7 × 100 + 0.3 × 200
    read(deadline, clock, 1, 10)
    assert round(deadline.count_fitting_tokens() * MARGIN / 997) == 10


def test_nothing_fits_when_the_time_is_over():
    clock = Clock()
    deadline = Deadline(5, clock=clock)
    clock.spend(5)
    assert deadline.count_fitting_tokens() == 0


def test_what_has_begun_takes_its_part_of_the_time_left():
    clock = Clock()
    deadline = Deadline(10, clock=clock)
    read(deadline, clock, 1, 100)
    fitting = deadline.count_fitting_tokens()
    deadline.begin(300)
    assert deadline.count_fitting_tokens() == fitting - 300
    deadline.begin(10_000)
    assert deadline.count_fitting_tokens() == 0


def test_what_waited_for_something_else_is_timed_from_the_end_of_that():
    clock = Clock()
    deadline = Deadline(1000, clock=clock)
    deadline.begin(100)
    deadline.begin(200)
    clock.spend(1)
    deadline.finish()
    clock.spend(2)
    deadline.finish()  # 200 tokens in 2 seconds, not in 3
    assert round(deadline.count_fitting_tokens() * MARGIN / 997) == 100
