"""The same function over many tasks: on the cores of this machine, or on a Ray cluster.

Tasks are small descriptions (a range of a file, the number of a part) and results are small too:
data goes through files, each whole or not there, so a task that ran twice does no harm and one
that is done is skipped by whoever makes the tasks.
"""

import itertools
import multiprocessing
import os
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from concurrent.futures.process import BrokenProcessPool
from pathlib import Path
from typing import TypeVar

from science_exam.errors import UserError

Task = TypeVar("Task")
Result = TypeVar("Result")

TASKS_AHEAD = 2  # a worker: one in hand and one waiting, so that memory stays bounded


def count_workers(asked: int) -> int:
    """How many processes to use: `asked`, or one a core this process may use when it is 0."""
    return asked or len(os.sched_getaffinity(0))


def run_tasks(
    function: Callable[[Task], Result],
    tasks: Iterable[Task],
    n_workers: int,
    cluster: bool = False,
    gpus_a_task: int = 0,
) -> Iterator[Result]:
    """Yield `function(task)` for every task, as the results come.

    Args:
        function: at the top of a module, so that other processes find it.
        tasks: taken lazily, a few ahead of the workers.
        n_workers: processes; with one, everything runs in this process.
        cluster: run on Ray instead, as many tasks at once as the cluster has room for.
        gpus_a_task: of the cluster's GPUs, where it has any.

    Raises:
        UserError: the first one of a task; the workers' other tasks are dropped.
    """
    if cluster:
        return _run_on_ray(function, tasks, gpus_a_task)
    return map(function, tasks) if n_workers == 1 else _run_in_processes(function, tasks, n_workers)


def _run_in_processes(function, tasks, n_workers: int) -> Iterator:
    tasks = iter(tasks)
    # Not forked: the parent may hold threads (tokenizers, torch), which a fork would leave behind.
    context = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(n_workers, mp_context=context) as pool:
        waiting: set[Future] = set()
        try:
            while True:
                room = n_workers * TASKS_AHEAD - len(waiting)
                waiting |= {pool.submit(function, task) for task in itertools.islice(tasks, room)}
                if not waiting:
                    return
                done, waiting = wait(waiting, return_when=FIRST_COMPLETED)
                for future in done:
                    yield future.result()
        except BrokenProcessPool:
            raise UserError(
                "a worker process was killed, most often for lack of memory; run the same command again "
                "(finished parts are kept), with fewer workers=…"
            ) from None
        finally:
            pool.shutdown(wait=True, cancel_futures=True)


def _run_on_ray(function, tasks, gpus_a_task: int) -> Iterator:
    """Tasks as a Ray dataset of one row a block; Ray Data does not keep their order."""
    try:
        import ray
    except ImportError:
        raise UserError('cluster=true needs Ray Data: pip install "ray[data]"') from None
    ray.init(ignore_reinit_error=True, log_to_driver=False)
    rows = [{"task": task} for task in tasks]
    if not rows:
        return
    dataset = ray.data.from_items(rows, override_num_blocks=len(rows))
    folder = Path.cwd()
    n_gpus = min(gpus_a_task, ray.cluster_resources().get("GPU", 0))  # without GPUs: on CPUs, not never
    # Tasks, not actors: an actor pool that takes every CPU starves Ray's own readers.
    done = dataset.map(lambda row: _attempt(function, folder, row["task"]), num_gpus=n_gpus)
    for row in done.iter_rows():
        if row["error"]:
            raise UserError(row["error"])
        yield row["result"]


def _attempt(function, folder: Path, task) -> dict:
    """Run a task on a machine of the cluster; Ray would wrap a UserError and write its traceback."""
    os.chdir(folder)  # a worker starts where Ray was started, and paths may be relative
    try:
        return {"result": function(task), "error": ""}
    except UserError as error:
        return {"result": None, "error": str(error)}
