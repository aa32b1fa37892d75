"""Requests that are repeated, refusals that are explained, and secrets that are not said."""

import re

import pytest
import requests
from hypothesis import given
from hypothesis import strategies as st
from kaggle_stub import TOKEN

from science_exam.errors import KaggleError
from science_exam.kaggle.uploading.client import connect
from science_exam.kaggle.uploading.kernels import Kernel
from science_exam.kaggle.uploading.messages import explain, redact
from science_exam.kaggle.uploading.retrying import Patience, ask_again, is_passing, wait_until

pytest_plugins = ("kaggle_fixtures",)
QUICK = Patience(0, 0, attempts=3)


def make_error(status, body=b"", **headers):
    response = requests.Response()
    response.status_code, response._content, response.headers = status, body, headers
    return requests.HTTPError(response=response)


def fail(*errors):
    """A call that fails in turn, and then returns "served"."""
    pending = list(errors)

    def call():
        if pending:
            raise pending.pop(0)
        return "served"

    return call


@pytest.mark.parametrize(
    "error",
    [
        *map(make_error, (408, 429, 500, 502, 503)), requests.ConnectionError(), requests.ReadTimeout(),
        requests.ConnectTimeout(), requests.exceptions.ChunkedEncodingError(),
    ],
)  # fmt: skip
def test_what_may_pass_is_asked_again(error):
    assert ask_again(fail(error, error), QUICK) == "served"
    with pytest.raises(type(error)):
        ask_again(fail(error, error, error), QUICK)


@pytest.mark.parametrize("status", [400, 401, 403, 404, 409])
def test_what_does_not_pass_is_not_asked_again(status):
    assert not is_passing(make_error(status))
    with pytest.raises(requests.HTTPError):
        ask_again(fail(make_error(status)), QUICK)


def test_before_a_repetition_it_is_looked_whether_the_request_was_served():
    found = iter([None, "found"])
    assert ask_again(fail(*[make_error(502)] * 3), QUICK, lambda: next(found)) == "found"


def test_each_wait_is_twice_as_long_or_as_long_as_the_server_asks(monkeypatch):
    waits = []
    monkeypatch.setattr("time.sleep", waits.append)
    patience = Patience(2, 1, attempts=9)
    for attempt in range(1, 9):
        patience.wait(attempt, make_error(503))
    patience.wait(1, make_error(429, **{"Retry-After": "7"}))
    patience.wait(1, make_error(429, **{"Retry-After": "99999"}))
    patience.wait(1, make_error(429, **{"Retry-After": "Wed, 21 Oct 2026 07:28:00 GMT"}))
    assert waits == [2, 4, 8, 16, 32, 64, 120, 120, 7, 120, 2]


def test_waiting_prints_each_change_once_and_gives_up_in_the_end(capsys):
    states = iter(["queued", "queued", "running", "complete"])

    def look():
        state = next(states)
        return state == "complete", state

    assert wait_until(look, QUICK, 1, "session") == "complete"
    assert [line.split()[1] for line in capsys.readouterr().out.splitlines()] == [
        "queued", "running", "complete",
    ]  # fmt: skip
    with pytest.raises(KaggleError, match="session: still queued"):
        wait_until(lambda: (False, "queued"), QUICK, 0, "session")


@pytest.mark.parametrize(
    ("status", "body", "says"),
    [
        (401, b'{"message": "Unauthenticated"}', "make new ones at kaggle.com/settings"),
        (429, b"", "too many requests"),
        (502, b"<html>Bad gateway</html>", "Kaggle is in trouble"),
        (
            400,
            b'{"message": "Maximum batch GPU session count of 2 reached"}',
            "hours, sessions or room are used up",
        ),
        (409, b'{"message": "The slug is already in use"}', "choose another"),
        (418, b'{"message": "teapot"}', "dataset: Kaggle answered 418 (teapot)"),
        (400, b'["no object"]', "no reason given"),
    ],
)
def test_a_refusal_is_said_with_its_reason_and_what_to_do(status, body, says):
    assert says in explain("dataset", make_error(status, body))


def test_of_an_unknown_reason_no_advice_is_made_up():
    said = explain("dataset", make_error(400, b'{"message": "no file 14091"}'))
    assert said == "dataset: Kaggle answered 400 (no file 14091)"


@given(st.text(), st.from_regex(r"KGAT_[0-9A-Za-z]{20,40}", fullmatch=True), st.text())
def test_no_token_is_ever_said(before, token, after):
    said = redact(f"{before} {token} {after}")
    assert token not in said
    assert not re.search(r"KGAT_\w", said)


def test_keys_and_headers_are_not_said():
    said = redact("Authorization: Basic dXNlcjprZXk= and 0123456789abcdef", ("0123456789abcdef", "ab"))
    assert said == "Authorization: Basic … and …"


def test_what_the_official_client_prints_is_not_shown(kaggle, capsys):
    client = connect(QUICK)
    assert client.user == "somebody"
    assert client.ask("printing", lambda: print(TOKEN)) is None
    out, err = capsys.readouterr()
    assert (out, err) == ("", "")


@pytest.mark.parametrize("kind", [ValueError, TypeError, OSError])
def test_a_mistake_that_the_official_client_finds_itself_is_said_in_one_line(kind, kaggle):
    def refuse():
        raise kind(f"Invalid folder with {TOKEN}")

    with pytest.raises(KaggleError, match="upload: Invalid folder with …"):
        connect(QUICK).ask("upload", refuse)


@pytest.mark.parametrize("answer", [b"<html>log in</html>", b'{"status": "SOME_NEW_STATE"}'])
def test_an_answer_that_cannot_be_read_is_said(answer, kaggle, monkeypatch):
    monkeypatch.setattr(type(kaggle), "get_kernel_session_status", lambda *_: answer)
    with pytest.raises(KaggleError, match="status of a/b-kernel: the official client cannot read the answer"):
        Kernel(connect(QUICK), "a/b-kernel").look()


def test_requests_have_time_limits(kaggle, monkeypatch):
    seen = []
    original = requests.adapters.HTTPAdapter.send

    def send(self, request, **settings):
        seen.append(settings["timeout"])
        return original(self, request, **settings)

    monkeypatch.setattr(requests.adapters.HTTPAdapter, "send", send)
    client = connect(QUICK)
    from kagglesdk.datasets.types.dataset_api_service import ApiGetDatasetStatusRequest

    request = ApiGetDatasetStatusRequest()
    request.owner_slug, request.dataset_slug = "somebody", "nothing"
    assert (
        client.find(
            "dataset", lambda: client.call("datasets.dataset_api_client", "get_dataset_status", request)
        )
        is None
    )
    assert None not in seen
    assert seen
