"""Run tasks on threads and take their results in order, with a bounded number in flight."""

import threading
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import CancelledError, Future, ThreadPoolExecutor
from typing import TypeVar

Task = TypeVar("Task")
Result = TypeVar("Result")

_current = threading.local()  # .stop: set when nobody waits any more for what this thread does


def ordered_map(function: Callable[[Task], Result], tasks: Iterable[Task], *, threads: int = 1) -> Iterator[Result]:
    """Yield ``function(task)`` for each task, in the order of the tasks.

    At most ``threads + 1`` results wait or are being made at any time, so memory does not grow with the number of
    tasks. The first exception ends the iteration; tasks that have not begun are dropped, and those at work end where they
    next call ``check_stopped``. With one thread everything happens in the caller's.
    """
    if threads == 1:
        yield from map(function, tasks)
        return
    stop = threading.Event()

    def work(task: Task) -> Result:
        _current.stop = stop
        return function(task)

    waiting: deque[Future[Result]] = deque()
    with ThreadPoolExecutor(threads) as pool:
        try:
            for task in tasks:
                waiting.append(pool.submit(work, task))
                if len(waiting) > threads:
                    yield waiting.popleft().result()
            while waiting:
                yield waiting.popleft().result()
        finally:
            stop.set()
            for future in waiting:
                future.cancel()


def heed(stop: threading.Event) -> None:
    """Let ``check_stopped`` end what this thread does from now on, once ``stop`` is set."""
    _current.stop = stop


def check_stopped() -> None:
    """End the task that calls this, by an exception, if nobody waits for its result any more."""
    stop: threading.Event | None = getattr(_current, "stop", None)
    if stop is not None and stop.is_set():
        raise CancelledError
