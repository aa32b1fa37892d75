"""Threads that can be left behind."""

from collections.abc import Callable
from concurrent.futures import Future
from queue import SimpleQueue
from threading import Event, Thread
from typing import Generic, TypeVar

Task = TypeVar("Task")
Result = TypeVar("Result")


class StoppedError(Exception):
    """Raised by a task that saw that the crew was stopped."""


class Crew(Generic[Task, Result]):
    """Threads that work off tasks; the first task that fails stops them all.

    Unlike those of a ThreadPoolExecutor they do not hold up the end of the process: a user who
    interrupts does not wait for a server.
    """

    def __init__(self, work: Callable[[Task, Event], Result], n_threads: int) -> None:
        """Start the threads.

        Args:
            work: does a task; the event tells it that its result is no longer wanted.
            n_threads: tasks done at a time.
        """
        self.stopped = Event()
        self._work = work
        self._error: BaseException | None = None
        self._waiting: SimpleQueue[tuple[Task, Future] | None] = SimpleQueue()
        self._threads = [Thread(target=self._run, daemon=True) for _ in range(n_threads)]
        for thread in self._threads:
            thread.start()

    def submit(self, task: Task) -> Future:
        """Have a task done; its future holds the result, or the error of the first task that failed."""
        future: Future = Future()
        self._waiting.put((task, future))
        return future

    def stop(self) -> None:
        """Begin no further task; those under way go on."""
        self.stopped.set()
        for _ in self._threads:
            self._waiting.put(None)

    def join(self) -> None:
        """Wait for the tasks under way, after `stop`."""
        for thread in self._threads:
            thread.join()

    def _run(self) -> None:
        while (waiting := self._waiting.get()) is not None:
            task, future = waiting
            try:
                if self.stopped.is_set():
                    raise StoppedError
                future.set_result(self._work(task, self.stopped))
            except BaseException as error:
                # Kept before others see that it is over: what they raise then is only a consequence.
                self._error = self._error or error
                self.stopped.set()
                future.set_exception(self._error)
