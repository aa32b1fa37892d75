"""Tokens, dollars and the budget that requests share; pauses and how many go out at a time."""

import random
import threading
from concurrent.futures import ThreadPoolExecutor

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from science_exam.config import load_config
from science_exam.errors import UserError
from science_exam.questions.generation.config import EndpointConfig
from science_exam.questions.generation.server.meter import Meter, Usage
from science_exam.questions.generation.server.pacing import (
    MAX_PAUSE_SECONDS,
    Throttle,
    draw_pause,
    read_retry_after,
)

NOON = 1_700_000_000.0  # Tue, 14 Nov 2023 22:13:20 GMT

# A request: what it may cost and what it does cost, read and written.
COUNTS = st.tuples(st.integers(1, 400), st.integers(1, 400), st.floats(0, 1), st.floats(0, 1))


def test_dollars_are_tokens_by_their_prices():
    meter = Meter(price_in=0.15, price_out=0.60)
    meter.reserve(Usage(2_000_000, 1_000_000))
    meter.settle(Usage(2_000_000, 1_000_000), Usage(1_000_000, 500_000))
    assert meter.spent_usd == pytest.approx(0.15 + 0.30)


def test_the_summary_says_what_was_sent_and_spent():
    meter = Meter(0.15, 0.60, budget_usd=5.0, spent=Usage(1000, 0))
    for again in (False, False, True):
        meter.count_request(again)
    meter.reserve(Usage(300_000, 96_000))
    meter.settle(Usage(300_000, 96_000), Usage(300_000, 96_000))
    assert meter.summarize() == "3 requests (1 again), 301,000 tokens in, 96,000 out, $0.1027 of $5.00"


def test_the_summary_marks_estimates_and_leaves_out_prices_that_are_not_known():
    meter = Meter(budget_tokens=100)
    meter.reserve(Usage(20, 20))
    meter.settle(Usage(20, 20), Usage(9, 3, estimated=True))
    assert meter.summarize() == (
        "0 requests (0 again), 9 tokens in, 3 out, 12 of 100 tokens (partly estimated)"
    )


def test_what_is_reserved_counts_until_it_is_settled():
    meter = Meter(budget_tokens=100)
    assert meter.reserve(Usage(50, 50))
    meter.settle(Usage(50, 50), Usage(10, 10))
    assert meter.reserve(Usage(40, 40))  # 20 + 80
    meter.settle(Usage(40, 40), Usage(40, 40))
    assert not meter.reserve(Usage(1, 0))


def test_after_one_request_was_too_much_none_is_allowed():
    meter = Meter(budget_tokens=100)
    assert not meter.reserve(Usage(101, 0))
    assert not meter.reserve(Usage(1, 0))


def test_without_a_budget_all_is_allowed():
    meter = Meter(price_in=100.0, price_out=100.0)
    assert meter.reserve(Usage(10**12, 10**12))


def test_what_earlier_processes_spent_counts():
    assert not Meter(budget_tokens=100, spent=Usage(60, 30)).reserve(Usage(10, 1))
    assert Meter(budget_tokens=100, spent=Usage(60, 30)).reserve(Usage(5, 5))


def test_a_request_waits_for_one_under_way_that_may_leave_enough():
    meter = Meter(budget_tokens=100)
    assert meter.reserve(Usage(60, 0))
    with ThreadPoolExecutor(1) as pool:
        waiting = pool.submit(meter.reserve, Usage(60, 0))
        meter.settle(Usage(60, 0), Usage(40, 0))
        assert waiting.result()


@settings(max_examples=50, deadline=None)
@given(st.lists(COUNTS, max_size=25), st.integers(1, 3000), st.booleans(), st.integers(1, 8))
def test_a_budget_is_never_exceeded_and_used_as_far_as_it_goes(costs, budget, dollars, n_threads):
    limits = {"budget_usd": budget / 1e6} if dollars else {"budget_tokens": budget}
    meter = Meter(price_in=1.0, price_out=1.0, **limits)  # a token is a millionth of a dollar
    allowed, highest, lock = [], [0], threading.Lock()

    def work(cost):
        worst = Usage(*cost[:2])
        if not meter.reserve(worst):
            return
        used = Usage(int(worst.tokens_in * cost[2]), int(worst.tokens_out * cost[3]))
        meter.settle(worst, used)
        with lock:
            allowed.append(used)
            highest[0] = max(highest[0], meter.spent.tokens_in + meter.spent.tokens_out)

    with ThreadPoolExecutor(n_threads) as pool:
        list(pool.map(work, costs))
    assert highest[0] <= budget
    assert meter.spent == sum(allowed, Usage())
    if len(allowed) < len(costs):  # what was not allowed would not have fitted
        assert highest[0] + max(cost[0] + cost[1] for cost in costs) > budget


# ----------------------------------------------------------------------------- pauses


def test_pauses_are_drawn_below_a_bound_that_doubles():
    bounds = [draw_pause(n_tries, lambda low, high: high) for n_tries in range(1, 9)]
    assert bounds == [1, 2, 4, 8, 16, 32, MAX_PAUSE_SECONDS, MAX_PAUSE_SECONDS]
    assert draw_pause(3, lambda low, high: low) == 0
    assert 0 <= draw_pause(5, random.Random(0).uniform) <= 16


@pytest.mark.parametrize(
    ("value", "seconds"),
    [
        (None, None),
        ("0", 0),
        ("7", 7),
        ("1.5", 1.5),
        ("-3", 0),
        ("86400", 300),
        ("inf", 300),
        ("nan", None),
        ("soon", None),
        ("", None),
        ("Tue, 14 Nov 2023 22:13:50 GMT", 30),
        ("Tue, 14 Nov 2023 22:13:50 -0000", 30),
        ("Tue, 14 Nov 2023 22:13:00 GMT", 0),
        ("Wed, 15 Nov 2023 22:13:20 GMT", 300),
        ("Tue, 54 Nov 2023 22:13:50 GMT", None),
    ],
)
def test_a_server_may_ask_for_a_pause_in_seconds_or_by_a_date(value, seconds):
    assert read_retry_after(value, NOON) == seconds


@given(st.text())
def test_no_header_breaks_the_reading(value):
    seconds = read_retry_after(value, NOON)
    assert seconds is None or 0 <= seconds <= 300


# ----------------------------------------------------------------------------- how many at a time


def test_a_busy_server_halves_and_each_success_adds_one():
    throttle, limits = Throttle(16), []
    for _ in range(6):
        with throttle.slot() as n_halvings:
            throttle.shrink(n_halvings)
        limits.append(throttle.limit)
    assert limits == [8, 4, 2, 1, 1, 1]
    for _ in range(20):
        throttle.grow()
    assert throttle.limit == 16


def test_those_that_went_out_together_halve_once():
    throttle = Throttle(16)
    with throttle.slot() as first, throttle.slot() as second:
        throttle.shrink(first)
        throttle.shrink(second)
    assert throttle.limit == 8


def test_no_more_than_the_limit_have_a_slot():
    throttle, at_once, most, lock = Throttle(3), [0], [0], threading.Lock()

    def work(_):
        with throttle.slot():
            with lock:
                at_once[0] += 1
                most[0] = max(most[0], at_once[0])
            with lock:
                at_once[0] -= 1

    with ThreadPoolExecutor(10) as pool:
        list(pool.map(work, range(200)))
    assert most[0] <= 3


# ----------------------------------------------------------------------------- settings


@pytest.mark.parametrize(
    ("word", "message"),
    [
        ("concurrency=0", "concurrency: expected more than 0"),
        ("max_tries=-1", "max_tries: expected more than 0"),
        ("timeout_seconds=0", "timeout_seconds: expected more than 0"),
        ("max_new_tokens=0", "max_new_tokens: expected more than 0"),
        ("budget_tokens=-5", "budget_tokens: expected 0 or more"),
        ("price_in=.nan", "price_in: expected 0 or more"),
        ("budget_usd=3", "budget_usd: expected prices"),
    ],
)
def test_settings_that_cannot_be_are_named(tmp_path, word, message):
    with pytest.raises(UserError, match=message):
        load_config(EndpointConfig, None, [word], tmp_path)
