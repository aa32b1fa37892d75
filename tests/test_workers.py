"""Many tasks: in this process, in several, on Ray; how far ahead they are taken, and what stops them."""

import itertools
import multiprocessing
import os
import signal
import sys
from pathlib import Path

import pytest

from science_exam.errors import UserError
from science_exam.workers import TASKS_AHEAD, count_workers, run_tasks

# Tasks are at the top of the module, so that other processes find them.


def double(number):
    return 2 * number


def name_process(number):
    return number, os.getpid()


def name_folder(_):
    return str(Path.cwd())


def refuse_three(number):
    if number == 3:
        raise UserError("task 3: expected another number")
    return number


def divide_by(number):
    return 6 // number


def end_at_two(number):
    if number == 2:
        os._exit(1)
    return number


def kill_itself(_):
    os.kill(os.getpid(), signal.SIGKILL)


class Counted:
    """Numbers without end, and how many were taken."""

    def __init__(self):
        self.taken = 0

    def __iter__(self):
        while True:
            self.taken += 1
            yield self.taken


def fail_after(n_tasks):
    yield from range(n_tasks)
    raise UserError("dump.xml.bz2: expected a whole file")


# ----------------------------------------------------------------------------- in this process


def test_one_worker_gives_the_results_in_order_and_in_this_process():
    assert list(run_tasks(double, range(5), n_workers=1)) == [0, 2, 4, 6, 8]
    assert {pid for _, pid in run_tasks(name_process, range(2), n_workers=1)} == {os.getpid()}


def test_one_worker_takes_a_task_when_its_result_is_asked_for():
    tasks = Counted()
    results = run_tasks(double, tasks, n_workers=1)
    assert tasks.taken == 0
    assert [next(results), next(results)] == [2, 4]
    assert tasks.taken == 2


def test_a_mistake_in_a_task_stops_one_worker():
    results = run_tasks(refuse_three, itertools.count(), n_workers=1)
    assert [next(results) for _ in range(3)] == [0, 1, 2]
    with pytest.raises(UserError, match=r"^task 3: expected another number$"):
        next(results)


@pytest.mark.parametrize("n_workers", [1, 2])
def test_no_task_gives_no_result(n_workers):
    assert list(run_tasks(double, [], n_workers)) == []


# -------------------------------------------------------------------------- in other processes


def test_several_workers_give_every_result_once_from_other_processes_and_stay_few_tasks_ahead():
    tasks = Counted()
    results = run_tasks(name_process, itertools.islice(tasks, 40), n_workers=2)
    assert tasks.taken == 0
    numbers, pids = [], set()
    for done, (number, pid) in enumerate(results, start=1):
        numbers.append(number)
        pids.add(pid)
        # A worker has one task in hand and one waiting, beside those whose results are taken.
        assert tasks.taken - done < 2 * TASKS_AHEAD
    assert sorted(numbers) == list(range(1, 41))
    assert os.getpid() not in pids
    assert len(pids) <= 2


def test_after_the_first_result_two_workers_have_taken_four_tasks_and_leaving_ends_them():
    tasks = Counted()
    results = run_tasks(double, tasks, n_workers=2)
    assert next(results) in {2, 4, 6, 8}
    assert tasks.taken == 4
    results.close()
    assert tasks.taken == 4
    assert multiprocessing.active_children() == []


def test_a_mistake_in_a_task_comes_through_from_another_process_and_drops_the_others():
    with pytest.raises(UserError) as caught:
        list(run_tasks(refuse_three, itertools.count(), n_workers=2))  # would go on for ever
    assert str(caught.value) == "task 3: expected another number"
    assert multiprocessing.active_children() == []


def test_an_error_of_the_package_itself_comes_through_as_what_it_is():
    with pytest.raises(ZeroDivisionError):
        list(run_tasks(divide_by, [3, 0], n_workers=2))


@pytest.mark.parametrize("n_workers", [1, 2])
def test_a_mistake_found_while_the_tasks_are_made_comes_through(n_workers):
    results = run_tasks(double, fail_after(5), n_workers)
    with pytest.raises(UserError, match=r"^dump\.xml\.bz2: expected a whole file$"):
        list(results)


@pytest.mark.parametrize("deadly", [end_at_two, kill_itself])
def test_a_worker_that_is_killed_gives_one_line_that_says_what_to_do(deadly):
    with pytest.raises(UserError) as caught:
        list(run_tasks(deadly, range(4), n_workers=2))
    message = str(caught.value)
    assert "a worker process was killed" in message
    assert "run the same command again" in message
    assert "fewer workers" in message
    assert multiprocessing.active_children() == []


# --------------------------------------------------------------------------------- how many


def test_as_many_workers_as_asked_for_or_one_a_core():
    assert count_workers(3) == 3
    assert count_workers(0) == len(os.sched_getaffinity(0))


# --------------------------------------------------------------------------------- on Ray


def test_without_ray_the_message_says_what_to_install(monkeypatch):
    monkeypatch.setitem(sys.modules, "ray", None)
    with pytest.raises(UserError) as caught:
        list(run_tasks(double, range(3), n_workers=1, cluster=True))
    assert 'pip install "ray[data]"' in str(caught.value)


@pytest.mark.slow
def test_a_cluster_gives_the_results_of_one_process_in_any_order(ray_cluster):
    for tasks in (range(5), [], [[1, 2], [3]], ["a", "bc"]):
        expected = list(run_tasks(double, tasks, n_workers=1))
        results = list(run_tasks(double, tasks, n_workers=1, cluster=True))
        assert sorted(results) == sorted(expected)


@pytest.mark.slow
def test_a_cluster_works_in_the_folder_of_the_command_and_not_where_it_was_started(
    ray_cluster, tmp_path, monkeypatch
):
    monkeypatch.chdir(tmp_path)
    assert list(run_tasks(name_folder, [1], n_workers=1, cluster=True)) == [str(tmp_path)]


@pytest.mark.slow
def test_a_mistake_in_a_task_of_a_cluster_comes_through_as_it_is(ray_cluster):
    with pytest.raises(UserError, match=r"^task 3: expected another number$"):
        list(run_tasks(refuse_three, range(5), n_workers=1, cluster=True))
