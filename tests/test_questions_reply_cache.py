"""Replies on disk: found again, never lost, never taken for another's; damage is told."""

import sqlite3
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor

import pytest
from hypothesis import given
from hypothesis import strategies as st

from science_exam.errors import UserError
from science_exam.questions.generation.asking import Failure, Reply
from science_exam.questions.generation.server import reply_cache
from science_exam.questions.generation.server.meter import Usage
from science_exam.questions.generation.server.reply_cache import FILE_NAME, ReplyCache, hash_request

REPLY = Reply('{"question": "Why is the sky blue? \x00 α"}', 12, 7, truncated=True)
BODY = {
    "model": "m",
    "messages": [{"role": "user", "content": "Hi"}],
    "max_tokens": 4,
    "temperature": 0.7,
    "seed": 0,
}


@pytest.fixture
def cache(tmp_path):
    cache = ReplyCache(tmp_path)
    yield cache
    cache.close()


def fill(folder, n_replies):
    cache = ReplyCache(folder)
    for number in range(n_replies):
        cache.store(f"key {number}", Reply("x" * 200, 3, 2), Usage(3, 2))
    cache.close()
    return folder / FILE_NAME


def test_a_reply_is_found_again_by_another_process(tmp_path):
    first = ReplyCache(tmp_path)
    first.store("k", REPLY, Usage(12, 7))
    first.close()
    second = ReplyCache(tmp_path)
    assert second.find("k") == Reply(REPLY.text, 12, 7, truncated=True, cached=True)
    assert second.find("other") is None
    second.close()


def test_a_failure_that_would_come_again_is_found_again(cache):
    cache.store("k", Failure("refused"), Usage(12, 0))
    assert cache.find("k") == Failure("refused")


def test_an_empty_reply_is_a_reply(cache):
    cache.store("k", Reply("", 3, 4, truncated=True), Usage(3, 4))
    assert cache.find("k") == Reply("", 3, 4, truncated=True, cached=True)


def test_the_first_reply_stays(cache):
    cache.store("k", Reply("first", 1, 1), Usage(1, 1))
    cache.store("k", Reply("second", 1, 1), Usage(1, 1))
    assert cache.find("k").text == "first"


def test_what_was_paid_is_summed_with_what_was_lost(cache):
    assert cache.sum_usage() == Usage(0, 0, estimated=False)
    cache.store("a", REPLY, Usage(12, 7))
    cache.store("b", Failure("refused"), Usage(5, 0))
    assert cache.sum_usage() == Usage(17, 7, estimated=False)
    cache.store_lost(Usage(100, 50, estimated=True))
    assert cache.sum_usage() == Usage(117, 57, estimated=True)


def test_a_reply_is_on_disk_when_the_process_is_killed_right_after_it(tmp_path):
    code = (
        "import os, signal, sys; from pathlib import Path\n"
        "from science_exam.questions.generation.server.reply_cache import *\n"
        "ReplyCache(Path(sys.argv[1])).store('k', Reply('kept', 1, 1), Usage(1, 1))\n"
        "os.kill(os.getpid(), signal.SIGKILL)\n"
    )
    environment = {"PYTHONPATH": ":".join(sys.path)}
    done = subprocess.run([sys.executable, "-c", code, str(tmp_path)], env=environment, check=False)
    assert done.returncode == -9
    cache = ReplyCache(tmp_path)
    assert cache.find("k").text == "kept"
    cache.close()


def test_threads_share_a_cache(cache):
    def work(number):
        cache.store(f"{number % 40}", Reply(f"text {number % 40}", 1, 1), Usage(1, 1))
        return cache.find(f"{number % 40}").text == f"text {number % 40}"

    with ThreadPoolExecutor(8) as pool:
        assert all(pool.map(work, range(200)))
    assert cache.sum_usage() == Usage(40, 40)


def test_a_second_process_is_kept_out(tmp_path, cache, monkeypatch):
    monkeypatch.setattr(reply_cache, "LOCKED_SECONDS", 0.0)
    cache.store("a", REPLY, Usage(1, 1))
    with pytest.raises(UserError, match=r"locked.*no other process uses it"):
        ReplyCache(tmp_path)
    assert cache.find("a").text == REPLY.text


def test_a_file_of_another_kind_is_named(tmp_path):
    (tmp_path / FILE_NAME).write_text("no database, but a text of some length " * 50)
    with pytest.raises(UserError, match=rf"{FILE_NAME}: expected the cache of replies.*delete it"):
        ReplyCache(tmp_path)


def test_an_unknown_table_is_named(tmp_path):
    with sqlite3.connect(tmp_path / FILE_NAME) as connection:
        connection.execute("CREATE TABLE replies (key TEXT)")
    with pytest.raises(UserError, match=rf"{FILE_NAME}: the cache of replies cannot be used"):
        ReplyCache(tmp_path)


@pytest.mark.parametrize("damage", ["cut off", "overwritten"])
def test_a_damaged_file_shows_before_anything_is_asked(tmp_path, damage):
    path = fill(tmp_path, 300)
    content = path.read_bytes()
    half = len(content) // 2
    path.write_bytes(content[:half] if damage == "cut off" else content[:half] + b"\xff" * half)
    with pytest.raises(UserError, match=FILE_NAME):
        ReplyCache(tmp_path)


def test_a_folder_that_cannot_hold_the_file_is_named(tmp_path):
    (tmp_path / FILE_NAME).mkdir()
    with pytest.raises(UserError, match="cannot be used"):
        ReplyCache(tmp_path)


def test_the_order_of_a_bodys_keys_does_not_matter():
    assert hash_request(BODY) == hash_request(dict(reversed(BODY.items())))


@pytest.mark.parametrize(
    "change",
    [
        {"model": "n"},
        {"messages": [{"role": "user", "content": "Hi "}]},
        {"messages": [{"role": "system", "content": "Hi"}]},
        {"max_tokens": 5},
        {"temperature": 0.8},
        {"seed": 1},
        {"response_format": {"type": "json_object"}},
    ],
)
def test_all_that_decides_a_reply_is_in_its_key(change):
    assert hash_request(BODY | change) != hash_request(BODY)


@given(st.text(st.characters(codec=None, exclude_categories=())), st.text())
def test_any_text_has_a_key(a, b):
    keys = [hash_request({"messages": [{"role": "user", "content": text}]}) for text in (a, b)]
    assert (keys[0] == keys[1]) == (a == b)
