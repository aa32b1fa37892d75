"""A real server on this machine that fails in all ways: nothing lost, nothing asked twice, no key shown."""

import logging
import signal
import subprocess
import sys
import threading
from dataclasses import replace
from itertools import islice

import pytest
from fake_server import WELL, Behaviour, FakeServer, complete, count, fail, find_closed_url, in_turn, reply_to
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from science_exam.errors import UserError
from science_exam.questions.generation.asking import BUDGET_SPENT, Failure, Reply
from science_exam.questions.generation.config import EndpointConfig
from science_exam.questions.generation.server import chat
from science_exam.questions.generation.server.endpoint import AHEAD, Endpoint

pytestmark = pytest.mark.usefixtures("no_collection")

KEY = "sk-never-to-be-seen-0123456789"
SCHEMA = {"type": "object", "properties": {"question": {"type": "string"}}, "additionalProperties": False}
HALF = complete("reply to a")[:40]
SPENT = Failure(BUDGET_SPENT)


@pytest.fixture(autouse=True)
def surroundings(monkeypatch):
    """No key, and no proxy between a test and its server."""
    monkeypatch.delenv("OPENAI_API_KEY", raising=False)
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")


@pytest.fixture
def pauses():
    """Seconds that were slept: none for real."""
    return []


@pytest.fixture
def ask(tmp_path, pauses):
    """Ask a server about texts in a run's folder; returns the answers."""

    def ask(server, texts, schema=None, seed=0, **changes):
        with open_endpoint(server, tmp_path, pauses, seed, **changes) as endpoint:
            return list(endpoint.ask([write(text) for text in texts], schema))

    return ask


def open_endpoint(server, folder, pauses=None, seed=0, **changes):
    url = getattr(server, "url", server)
    config = EndpointConfig(
        **{"url": url, "model": "tiny", "concurrency": 4, "timeout_seconds": 10.0} | changes
    )
    pauses = [] if pauses is None else pauses
    return Endpoint(config, folder, seed, sleep=pauses.append, draw=lambda low, high: high)


def write(text):
    return [{"role": "system", "content": "Write a question."}, {"role": "user", "content": text}]


def reply(text, tokens_in=10, tokens_out=5, **marks):
    return Reply(f"reply to {text}", tokens_in, tokens_out, **marks)


def number_texts(n_texts):
    return [f"text {number}" for number in range(n_texts)]


def assert_nothing_was_asked_after_its_answer(server):
    assert set(server.n_answered.values()) <= {0, 1}
    assert server.n_asked.total() == len(server.bodies)


# ----------------------------------------------------------------------------- when all goes well


def test_replies_come_in_the_order_of_the_requests(ask):
    texts = number_texts(40)
    slow = {"text 0", "text 7", "text 39"}
    behave = lambda body, _: Behaviour(delay_seconds=0.05 * (body["messages"][-1]["content"] in slow))  # noqa: E731
    with FakeServer(behave) as server:
        assert ask(server, texts) == [reply(text) for text in texts]
    assert sorted(server.prompts) == sorted(texts)


def test_no_requests_need_no_server(ask):
    assert ask(find_closed_url(), []) == []


def test_answers_stream_and_requests_are_taken_a_bounded_way_ahead(tmp_path):
    with FakeServer() as server, open_endpoint(server, tmp_path, concurrency=2) as endpoint:
        answers = endpoint.ask([write(text) for text in number_texts(100)], None)
        assert list(islice(answers, 3)) == [reply(text) for text in number_texts(3)]
        assert len(server.bodies) <= 3 + AHEAD * 2
        assert len(list(answers)) == 97


def test_the_body_says_what_the_settings_say(ask):
    with FakeServer() as server:
        ask(server, ["a"], SCHEMA, seed=7, temperature=0.2, max_new_tokens=50)
        ask(server, ["a"], SCHEMA, reply_format="json_object")
        ask(server, ["a"], SCHEMA, reply_format="text")
        ask(server, ["b"], None)
    form = {"type": "json_schema", "json_schema": {"name": "reply", "strict": True, "schema": SCHEMA}}
    assert server.bodies[0] == {
        "model": "tiny",
        "messages": write("a"),
        "max_tokens": 50,
        "temperature": 0.2,
        "seed": 7,
        "response_format": form,
    }
    formats = [body.get("response_format") for body in server.bodies[1:]]
    assert formats == [{"type": "json_object"}, None, None]


@pytest.mark.parametrize("concurrency", [1, 3])
def test_no_more_requests_are_under_way_than_configured(ask, concurrency):
    with FakeServer(lambda body, _: Behaviour(delay_seconds=0.01)) as server:
        ask(server, number_texts(12), concurrency=concurrency)
    assert server.most_at_once == concurrency


def test_progress_goes_with_the_answers(tmp_path):
    seen = []

    def progress(answers):
        for answer in answers:
            seen.append(answer.text)
            yield answer

    with FakeServer() as server, open_endpoint(server, tmp_path) as endpoint:
        list(endpoint.ask([write("a"), write("b")], None, progress))
    assert seen == ["reply to a", "reply to b"]


def test_a_reply_that_was_cut_at_the_limit_is_marked_and_kept(ask):
    with FakeServer(lambda body, _: Behaviour(content=complete("half", "length", count(9, 4)))) as server:
        assert ask(server, ["a"]) == [Reply("half", 9, 4, truncated=True)]
        assert ask(server, ["a"]) == [Reply("half", 9, 4, truncated=True, cached=True)]
    assert len(server.bodies) == 1


def test_a_model_that_thought_up_to_the_limit_wrote_nothing(ask):
    with FakeServer(lambda body, _: Behaviour(content=complete(None, "length", count(9, 4)))) as server:
        assert ask(server, ["a"]) == [Reply("", 9, 4, truncated=True)]


def test_thoughts_stay_in_the_reply(ask):
    content = complete("<think>Hm.</think>{}", usage=count(9, 4))
    with FakeServer(lambda body, _: Behaviour(content=content)) as server:
        assert ask(server, ["a"]) == [Reply("<think>Hm.</think>{}", 9, 4)]


def test_half_a_character_is_replaced(ask):
    with FakeServer(lambda body, _: Behaviour(content=complete("a\ud800b😀", usage=count(1, 1)))) as server:
        assert ask(server, ["a"]) == [Reply("a\ufffdb😀", 1, 1)]


@pytest.mark.parametrize(
    "content",
    [
        complete(None, usage=count(9, 0)),
        complete(None, refusal="I cannot help with that.", usage=count(9, 0)),
        complete("Half a", "content_filter", count(9, 0)),
    ],
)
def test_a_refusal_is_a_failure_that_is_not_asked_again(ask, content):
    with FakeServer(lambda body, _: Behaviour(content=content)) as server:
        assert ask(server, ["a"]) == ask(server, ["a"]) == [Failure("refused")]
    assert len(server.bodies) == 1


def test_a_filter_of_the_service_refuses_one_request_and_not_the_run(ask):
    refused = fail(400, "The prompt triggered the content policy.", "content_filter")
    with FakeServer(lambda body, _: refused if reply_to(body) == "reply to b" else WELL) as server:
        assert ask(server, ["a", "b", "c"]) == [reply("a"), Failure("refused"), reply("c")]


@pytest.mark.parametrize(
    ("message", "code"),
    [
        ("This model's maximum context length is 8192 tokens.", "BadRequestError"),
        ("the request exceeds the available context size", "exceed_context_size_error"),
        ("Too much.", "context_length_exceeded"),
    ],
)
def test_a_prompt_that_is_too_long_fails_alone(ask, message, code):
    with FakeServer(
        lambda body, _: fail(400, message, code) if reply_to(body) == "reply to b" else WELL
    ) as server:
        assert ask(server, ["a", "b", "c"]) == [reply("a"), Failure("refused"), reply("c")]


def test_lengths_of_texts_are_not_sent(ask):
    schema = {
        "type": "object",
        "properties": {"question": {"type": "string", "minLength": 1, "maxLength": 9}},
    }
    with FakeServer() as server:
        ask(server, ["a"], schema=schema)
    sent = server.bodies[0]["response_format"]["json_schema"]["schema"]
    assert sent == {"type": "object", "properties": {"question": {"type": "string"}}}


# ----------------------------------------------------------------------------- nothing is asked twice


def test_a_run_that_starts_again_asks_only_what_is_missing(ask):
    with FakeServer() as server:
        ask(server, ["a", "b", "c"])
        assert ask(server, ["c", "d", "a"]) == [reply("c", cached=True), reply("d"), reply("a", cached=True)]
    assert sorted(server.prompts) == ["a", "b", "c", "d"]


def test_another_server_with_the_same_model_is_not_asked_again(ask):
    with FakeServer() as first, FakeServer() as second:
        ask(first, ["a"], concurrency=1)
        assert ask(second, ["a"], timeout_seconds=5.0) == [reply("a", cached=True)]
    assert second.bodies == []


@pytest.mark.parametrize(
    "change", [{"temperature": 0.1}, {"max_new_tokens": 9}, {"model": "other"}, {"seed": 1}]
)
def test_other_settings_ask_again(ask, change):
    with FakeServer() as server:
        ask(server, ["a"])
        assert ask(server, ["a"], **change) == [reply("a")]
    assert len(server.bodies) == 2


def test_equal_requests_are_asked_once(ask):
    texts = [f"text {number % 3}" for number in range(50)]
    with FakeServer(lambda body, _: Behaviour(delay_seconds=0.01)) as server:
        answers = ask(server, texts)
    assert [answer.text for answer in answers] == [f"reply to {text}" for text in texts]
    assert [answer.cached for answer in answers] == [False] * 3 + [True] * 47
    assert len(server.bodies) == 3


def test_replies_that_came_before_a_run_broke_off_are_kept(tmp_path):
    texts = number_texts(30)
    with FakeServer() as server:
        with open_endpoint(server, tmp_path) as endpoint:
            answers = endpoint.ask([write(text) for text in texts], None)
            assert len(list(islice(answers, 10))) == 10
            answers.close()
        with open_endpoint(server, tmp_path) as endpoint:
            answers = list(endpoint.ask([write(text) for text in texts], None))
    assert [answer.text for answer in answers] == [f"reply to {text}" for text in texts]
    assert all(answer.cached for answer in answers[:10])


TROUBLES = (
    WELL,
    fail(500, "boom"),
    fail(502),
    fail(429, "slow down"),
    fail(429, "slow down", retry_after="2"),
    fail(503, retry_after="Tue, 14 Nov 2023 22:13:50 GMT"),
    fail(408),
    fail(409),
    fail(425),
    Behaviour(closes=True),
    Behaviour(content=HALF),
    Behaviour(content=HALF, announced_bytes=len(HALF) + 100),
    Behaviour(content=b"<html>Bad gateway</html>"),
    Behaviour(content=b'{"choices": []}'),
    Behaviour(content=b'{"error": {"message": "upstream"}}'),
    Behaviour(content=b"[" * 100_000),
    Behaviour(content=b"\xff\xfe"),
    Behaviour(content=b'{"choices": [{"message": {"content": 7}}]}'),
    Behaviour(204, b""),
)


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    st.lists(st.lists(st.sampled_from(TROUBLES), max_size=5), min_size=1, max_size=10),
    st.lists(st.integers(0, 9), min_size=1, max_size=25),
)
def test_whatever_the_server_does_nothing_is_lost_and_nothing_asked_after_its_answer(
    tmp_path_factory, scripts, numbers
):
    """Each text has its own list of troubles, after which all goes well; texts repeat."""

    def behave(body, n_before):
        script = scripts[int(body["messages"][-1]["content"].split()[-1]) % len(scripts)]
        return script[n_before] if n_before < len(script) else WELL

    folder, texts = tmp_path_factory.mktemp("run"), [f"text {number}" for number in numbers]
    requests = [write(text) for text in texts]
    with FakeServer(behave) as server:
        for _ in range(2):  # the second is a run that starts again
            with open_endpoint(server, folder) as endpoint:
                answers = list(endpoint.ask(requests, None))
            assert [answer.text for answer in answers] == [f"reply to {text}" for text in texts]
        assert all(answer.cached for answer in answers)
        assert_nothing_was_asked_after_its_answer(server)
        assert server.n_answered.total() >= len(set(texts))


# ----------------------------------------------------------------------------- tried again


@pytest.mark.parametrize("trouble", TROUBLES[1:])
def test_what_may_pass_is_tried_again(ask, trouble):
    with FakeServer(in_turn(trouble, trouble)) as server:
        assert ask(server, ["a"]) == [reply("a")]
    assert len(server.bodies) == 3


@pytest.mark.parametrize(
    ("trouble", "reason"),
    [
        (fail(500, "boom"), "server error"),
        (fail(429, "slow down"), "server busy"),
        (fail(503), "server busy"),
        (Behaviour(content=HALF), "server error"),
        (Behaviour(closes=True), "server error"),
    ],
)
def test_after_its_last_try_a_request_fails_alone_and_is_asked_by_the_next_run(ask, trouble, reason):
    bad = {"down": True}
    with FakeServer(
        lambda body, _: trouble if bad["down"] and reply_to(body) == "reply to b" else WELL
    ) as server:
        assert ask(server, ["a", "b", "c"], max_tries=3) == [reply("a"), Failure(reason), reply("c")]
        assert server.prompts.count("b") == 3
        bad["down"] = False
        assert ask(server, ["b"], max_tries=3) == [reply("b")]


def test_pauses_grow_and_a_server_may_ask_for_its_own(ask, pauses):
    script = in_turn(
        fail(500), fail(500), fail(429, retry_after="7"), fail(503, retry_after="9000"), fail(500)
    )
    with FakeServer(script) as server:
        assert ask(server, ["a"]) == [reply("a")]
    assert pauses == [1, 2, 7, 300, 16]


def test_no_pause_follows_the_last_try(ask, pauses):
    with FakeServer(lambda body, _: fail(500)) as server:
        ask(server, ["a"], max_tries=2)
    assert pauses == [1]


def test_a_busy_server_is_asked_less_at_a_time(ask):
    """All eight are turned away together: then four go out, and one more with each that goes well."""
    together, late = threading.Barrier(8), threading.Event()

    def behave(body, n_before):
        if n_before == 0:
            together.wait(10)
            return fail(429)
        if not late.is_set():
            late.set()
            server.most_at_once = 0
        return Behaviour(delay_seconds=0.03)

    with FakeServer(behave) as server:
        assert ask(server, number_texts(8), concurrency=8) == [reply(text) for text in number_texts(8)]
    assert len(server.bodies) == 16
    assert server.most_at_once < 8


def test_a_slow_server_times_out(ask):
    def behave(body, n_before):
        return Behaviour(delay_seconds=30) if n_before == 0 else WELL

    with FakeServer(behave) as server:
        assert ask(server, ["a"], timeout_seconds=0.2) == [reply("a")]
        assert ask(server, ["b"], timeout_seconds=0.2, max_tries=1) == [Failure("timeout")]


def test_a_reply_that_drips_in_times_out_as_a_whole(ask):
    with FakeServer(lambda body, _: Behaviour(drip_seconds=0.02)) as server:
        assert ask(server, ["a"], timeout_seconds=0.3, max_tries=1) == [Failure("timeout")]


def test_a_reply_that_stops_midway_times_out(ask):
    with FakeServer(lambda body, _: Behaviour(drip_seconds=30)) as server:
        assert ask(server, ["a"], timeout_seconds=0.3, max_tries=1) == [Failure("timeout")]


def test_a_reply_in_chunks_is_read(ask):
    with FakeServer(lambda body, _: Behaviour(drip_seconds=1e-6)) as server:
        assert ask(server, ["a"]) == [reply("a")]


def test_a_response_without_end_is_not_read_to_its_end(ask, monkeypatch):
    monkeypatch.setattr(chat, "MAX_RESPONSE_BYTES", 10_000)
    with FakeServer(lambda body, _: Behaviour(content=complete("x" * 20_000))) as server:
        assert ask(server, ["a"], max_tries=2) == [Failure("server error")]


# ----------------------------------------------------------------------------- no server


def test_a_server_that_is_not_there_stops_the_run(tmp_path, pauses):
    url = find_closed_url()
    with open_endpoint(url, tmp_path, pauses, max_tries=3) as endpoint:
        answers = endpoint.ask([write(text) for text in number_texts(50)], None)
        with pytest.raises(UserError, match=rf"{url}: expected a server, found none after 3 tries.*start it"):
            list(answers)
    assert len(pauses) < 2 * (4 + AHEAD * 4)  # and not two for each of the fifty


def test_a_server_that_is_not_there_stops_a_run_of_few_requests(ask):
    with pytest.raises(UserError, match="expected a server, found none"):
        ask(find_closed_url(), ["a"], max_tries=1)


def test_a_server_that_goes_away_stops_the_run_and_replies_are_kept(tmp_path, ask):
    with FakeServer() as server, open_endpoint(server, tmp_path, max_tries=2) as endpoint:
        assert len(list(endpoint.ask([write(text) for text in number_texts(5)], None))) == 5
        url = server.url
    with pytest.raises(UserError, match="replies so far are kept"):
        ask(url, number_texts(60), max_tries=1)
    assert ask(url, number_texts(5)) == [reply(text, cached=True) for text in number_texts(5)]


# ----------------------------------------------------------------------------- rejected for good


@pytest.mark.parametrize(
    ("rejection", "advice"),
    [
        (
            fail(401, "Incorrect API key"),
            "401: Incorrect API key.*variable OPENAI_API_KEY, none is set there",
        ),
        (fail(403, "Forbidden"), "403: Forbidden.*OPENAI_API_KEY"),
        (fail(404, "The model does not exist"), r"404: The model does not.*'tiny'.*endpoint\.model"),
        (fail(402, "Pay first"), "402: Pay first"),
        (fail(413, "Too long"), "413: Too long"),
        (fail(422, "Bad temperature"), "422: Bad temperature.*mend the setting"),
        (fail(400, "json_schema is not supported"), r"endpoint\.reply_format=json_object or text"),
        (fail(429, "You exceeded your quota", "insufficient_quota"), "no credit"),
        (fail(307, location="http://elsewhere/v1"), r"a redirect \(307\) to 'http://elsewhere/v1'"),
        (Behaviour(400, b'{"detail": "nope"}'), "400: nope"),
        (Behaviour(400, b'{"error": "nope"}'), "400: nope"),
        (Behaviour(400, b'{"object": "error", "message": "nope"}'), "400: nope"),
        (Behaviour(400, b"nope"), "400: nope"),
        (Behaviour(400, b"[1]"), r"400: \[1\]"),
        (Behaviour(400, b""), "400: no message"),
        (fail(400, "word " * 1000), r"400: (word )+wo?r?d?…\)"),
    ],
)
def test_a_rejection_stops_the_run_at_once_with_the_servers_words(ask, rejection, advice):
    with FakeServer(lambda body, _: rejection) as server:
        with pytest.raises(UserError, match=advice) as stop:
            ask(server, number_texts(200))
        assert stop.value.args[0].startswith(server.url)
    assert len(server.bodies) <= 4


def test_a_rejection_wakes_those_that_pause_and_waits_for_replies_under_way(tmp_path):
    """With real pauses: one request sleeps for minutes, one is being answered, one is rejected."""
    under_way = threading.Event()

    def behave(body, _):
        if reply_to(body) == "reply to a":
            return fail(503, retry_after="300")
        if reply_to(body) == "reply to b":
            under_way.set()
            return Behaviour(delay_seconds=0.2)
        under_way.wait(10)
        return fail(401)

    config = EndpointConfig(model="tiny", concurrency=3)
    with FakeServer(behave) as server:
        with (
            Endpoint(replace(config, url=server.url), tmp_path) as endpoint,
            pytest.raises(UserError, match="401"),
        ):
            list(endpoint.ask([write("a"), write("b"), write("c")], None))
        with open_endpoint(server, tmp_path) as endpoint:
            assert list(endpoint.ask([write("b")], None)) == [reply("b", cached=True)]


def test_a_server_that_knows_no_json_objects_either_needs_text(ask):
    with (
        FakeServer(lambda body, _: fail(400, "unknown response_format")) as server,
        pytest.raises(UserError, match="reply_format=text"),
    ):
        ask(server, ["a"], reply_format="json_object")


def test_a_late_rejection_stops_the_run_and_replies_are_kept(ask):
    def behave(body, _):
        return fail(401, "expired") if body["messages"][-1]["content"] == "text 20" else WELL

    with FakeServer(behave) as server:
        with pytest.raises(UserError, match="expired"):
            ask(server, number_texts(500))
        assert len(server.bodies) < 100
        server.behave = lambda body, _: WELL
        ask(server, number_texts(21))
        assert_nothing_was_asked_after_its_answer(server)


def test_a_newer_name_of_the_limit_is_taken_over_once(ask):
    def behave(body, _):
        unsupported = "Unsupported parameter: 'max_tokens'. Use 'max_completion_tokens' instead."
        return fail(400, unsupported) if "max_tokens" in body else WELL

    with FakeServer(behave) as server:
        assert ask(server, number_texts(9), concurrency=1) == [reply(text) for text in number_texts(9)]
        assert ask(server, ["text 0"]) == [reply("text 0", cached=True)]
    assert ["max_tokens" in body for body in server.bodies] == [True] + [False] * 9
    assert all(body["max_completion_tokens"] == 400 for body in server.bodies[1:])


@pytest.mark.parametrize(
    "url",
    [
        "localhost:8000/v1",
        "ftp://localhost/v1",
        "file:///etc/passwd",
        "http://",
        "http://a:b/v1",
        "",
        "http://[/v1",
    ],
)
def test_an_address_that_is_none_is_named(tmp_path, url):
    with pytest.raises(UserError, match=r"endpoint\.url: expected http"):
        open_endpoint(url, tmp_path)


@pytest.mark.parametrize("url", [f"http://user:{KEY}@localhost/v1", f"http://localhost/v1?key={KEY}"])
def test_an_address_with_a_key_in_it_is_not_shown(tmp_path, url):
    with pytest.raises(UserError, match="key_variable") as stop:
        open_endpoint(url, tmp_path)
    assert KEY not in str(stop.value)


def test_a_model_must_be_named(tmp_path):
    with pytest.raises(UserError, match=r"endpoint\.model"):
        open_endpoint("http://localhost/v1", tmp_path, model="")


# ----------------------------------------------------------------------------- the budget


def test_usage_is_the_servers_own_or_an_estimate(tmp_path):
    def behave(body, _):
        return Behaviour(
            content=complete("x" * 10, usage=body["messages"][-1]["content"] == "a" and count(7, 3))
        )

    with (
        FakeServer(behave) as server,
        open_endpoint(server, tmp_path, price_in=1.0, price_out=2.0) as endpoint,
    ):
        assert list(endpoint.ask([write("a")], None)) == [Reply("x" * 10, 7, 3)]
        assert endpoint.meter.summarize() == "1 requests (0 again), 7 tokens in, 3 out, $0.0000"
        # "Write a question." and "b" are 18 characters; the reply has 10
        assert list(endpoint.ask([write("b")], None)) == [Reply("x" * 10, 5, 3)]
        assert endpoint.meter.summarize().endswith("12 tokens in, 6 out, $0.0000 (partly estimated)")
        assert endpoint.meter.spent_usd == pytest.approx(24e-6)


def test_a_spent_budget_ends_the_run_and_a_higher_one_goes_on(ask):
    texts = number_texts(20)
    with FakeServer() as server:
        first = ask(server, texts, budget_tokens=400, max_new_tokens=20)
        n_paid = len(server.bodies)
        assert first.count(SPENT) == 20 - n_paid
        paid = [text for text in texts if text in server.prompts]
        assert [answer for answer in first if answer != SPENT] == [reply(text) for text in paid]
        assert 0 < n_paid < 20
        assert ask(server, texts, budget_tokens=400, max_new_tokens=20)[-1] == SPENT
        assert len(server.bodies) == n_paid
        again = ask(server, texts, budget_tokens=8000, max_new_tokens=20)
        assert [answer.cached for answer in again] == [answer != SPENT for answer in first]
    assert len(server.bodies) == 20


def test_a_reply_that_got_lost_counts_as_paid_in_full(tmp_path):
    with FakeServer(in_turn(Behaviour(content=HALF))) as server:
        with open_endpoint(server, tmp_path, max_new_tokens=20) as endpoint:
            list(endpoint.ask([write("a")], None))
            spent = endpoint.meter.spent
        assert spent.estimated
        assert spent.tokens_out == 20 + 5
        assert spent.tokens_in > 10 + len(str(write("a")))
        with open_endpoint(server, tmp_path) as endpoint:
            assert endpoint.meter.spent == spent


def test_a_request_that_was_turned_away_costs_nothing(tmp_path):
    with (
        FakeServer(in_turn(fail(429), fail(500), fail(503))) as server,
        open_endpoint(server, tmp_path) as endpoint,
    ):
        list(endpoint.ask([write("a")], None))
        assert (endpoint.meter.spent.tokens_in, endpoint.meter.spent.tokens_out) == (10, 5)
        assert endpoint.meter.summarize().startswith("4 requests (3 again)")


@settings(max_examples=20, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    st.lists(st.tuples(st.integers(1, 150), st.integers(0, 30)), min_size=1, max_size=15),
    st.integers(1, 2500),
    st.lists(st.sampled_from(TROUBLES), max_size=5),
)
def test_the_budget_is_never_exceeded(tmp_path_factory, costs, budget, troubles):
    """What the server bills, the replies that got lost included, is no more than the budget."""
    bill, lock, turn = [0], threading.Lock(), in_turn(*troubles)

    def behave(body, n_before):
        cost = costs[int(body["messages"][-1]["content"].split()[-1])]
        trouble = turn(body, n_before)
        if trouble.status == 200:
            with lock:
                bill[0] += sum(cost)
        return Behaviour(content=complete("x", usage=count(*cost))) if trouble == WELL else trouble

    folder, texts = tmp_path_factory.mktemp("run"), number_texts(len(costs))
    settings = {"price_in": 1.0, "price_out": 1.0, "budget_usd": budget / 1e6, "max_new_tokens": 30}
    with FakeServer(behave) as server:
        for _ in range(2):
            with open_endpoint(server, folder, **settings) as endpoint:
                answers = list(endpoint.ask([write(text) for text in texts], None))
                spent = endpoint.meter.spent
                assert bill[0] <= spent.tokens_in + spent.tokens_out <= budget
            assert len(answers) == len(texts)
            assert {answer for answer in answers if isinstance(answer, Failure)} <= {SPENT}
        assert_nothing_was_asked_after_its_answer(server)


# ----------------------------------------------------------------------------- the key


def read_folder(folder):
    return b"".join(path.read_bytes() for path in folder.rglob("*") if path.is_file())


def test_the_key_goes_to_the_server_and_nowhere_else(tmp_path, monkeypatch, caplog, capsys):
    monkeypatch.setenv("MY_KEY", f" {KEY}\n")
    caplog.set_level(logging.DEBUG)
    echo = f"{'long ' * 56}{KEY} is wrong"
    endings = [
        fail(500, echo),
        Behaviour(content=complete(f"Your key is {KEY}.", usage=count(1, 1))),
        fail(401, echo),
    ]
    with (
        FakeServer(in_turn(*endings)) as server,
        open_endpoint(server, tmp_path, key_variable="MY_KEY") as endpoint,
    ):
        answers = list(endpoint.ask([write("a")], None))
        with pytest.raises(UserError, match=r"\*\*\*.*MY_KEY, the one found there is not accepted") as stop:
            list(endpoint.ask([write("b")], None))
        shown = [repr(answers), str(stop.value), repr(stop.value.__context__), repr(vars(endpoint))]
        shown += [repr(vars(endpoint._client)), endpoint._sender.trouble, caplog.text, *capsys.readouterr()]
    assert answers == [Reply("Your key is ***.", 1, 1)]
    assert all(headers["Authorization"] == f"Bearer {KEY}" for headers in server.headers)
    assert not any("sk-never" in text for text in shown)
    assert b"sk-never" not in read_folder(tmp_path)


def test_a_redirect_does_not_take_the_key_along(ask, monkeypatch):
    monkeypatch.setenv("OPENAI_API_KEY", KEY)
    with FakeServer() as other:
        target = f"{other.url}/chat/completions?key={KEY}"
        with (
            FakeServer(lambda body, _: fail(307, location=target)) as server,
            pytest.raises(UserError, match=r"redirect.*key=\*\*\*"),
        ):
            ask(server, ["a"])
    assert other.bodies == []


def test_a_placeholder_for_a_key_may_stand_in_a_reply(ask, monkeypatch):
    monkeypatch.setenv("OPENAI_API_KEY", "none")
    with FakeServer() as server:
        assert ask(server, ["none of these"]) == [reply("none of these")]


@pytest.mark.parametrize("variable", ["OPENAI_API_KEY", ""])
def test_without_a_key_no_header_is_sent_whatever_netrc_says(ask, monkeypatch, tmp_path, variable):
    (tmp_path / "netrc").write_text("machine 127.0.0.1 login someone password secret\n")
    monkeypatch.setenv("NETRC", str(tmp_path / "netrc"))
    with FakeServer() as server:
        ask(server, ["a"], key_variable=variable)
    assert "Authorization" not in server.headers[0]


@pytest.mark.parametrize("key", [f"{KEY}\r\nX-Other: 1", f"{KEY} x", f"{KEY}é", f"{KEY}\x7f"])
def test_a_key_that_no_header_can_hold_is_not_shown(tmp_path, monkeypatch, key):
    monkeypatch.setenv("OPENAI_API_KEY", key)
    with pytest.raises(UserError, match="OPENAI_API_KEY: expected a key of visible ASCII") as stop:
        open_endpoint("http://localhost/v1", tmp_path)
    assert "sk-never" not in str(stop.value)


def test_certificates_are_checked(tmp_path):
    with open_endpoint("https://localhost/v1", tmp_path) as endpoint:
        assert endpoint._client._session.verify is True


# ----------------------------------------------------------------------------- interrupted


def test_an_interrupted_run_ends_at_once_and_keeps_what_came(tmp_path, ask):
    """As a process of its own: nothing may wait for the server, which would answer after a minute."""
    code = (
        "import signal\n"
        "signal.signal(signal.SIGINT, signal.default_int_handler)\n"  # ignored behind a shell
        "import sys; from pathlib import Path\n"
        "from science_exam.questions.generation.config import EndpointConfig\n"
        "from science_exam.questions.generation.server.endpoint import Endpoint\n"
        "config = EndpointConfig(url=sys.argv[1], model='tiny', concurrency=4)\n"
        "write = lambda text: [{'role': 'user', 'content': text}]\n"
        "with Endpoint(config, Path(sys.argv[2])) as endpoint:\n"
        "    for answer in endpoint.ask([write('quick'), *(write(f'slow {n}') for n in range(9))], None):\n"
        "        print(answer.text, flush=True)\n"
    )

    def behave(body, _):
        return Behaviour(delay_seconds=60 * body["messages"][-1]["content"].startswith("slow"))

    environment = {"PYTHONPATH": ":".join(sys.path), "NO_PROXY": "127.0.0.1"}
    with FakeServer(behave) as server:
        command = [sys.executable, "-c", code, server.url, str(tmp_path)]
        process = subprocess.Popen(command, env=environment, stdout=-1, stderr=-1, text=True)
        assert process.stdout.readline() == "reply to quick\n"
        process.send_signal(signal.SIGINT)
        _, errors = process.communicate(timeout=20)
    assert process.returncode in (1, -signal.SIGINT, 130)
    assert "KeyboardInterrupt" in errors
    with open_endpoint(find_closed_url(), tmp_path) as endpoint:
        quick = [{"role": "user", "content": "quick"}]
        assert list(endpoint.ask([quick], None)) == [reply("quick", cached=True)]
