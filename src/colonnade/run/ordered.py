"""Run tasks on threads and take their results in order, with a bounded number in flight."""

from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from typing import TypeVar

Task = TypeVar("Task")
Result = TypeVar("Result")


def ordered_map(function: Callable[[Task], Result], tasks: Iterable[Task], *, threads: int = 1) -> Iterator[Result]:
    """Yield ``function(task)`` for each task, in the order of the tasks.

    At most ``threads + 1`` results wait or are being made at any time, so memory does not grow with the number of
    tasks. The first exception ends the iteration; tasks that have not begun are dropped. With one thread
    everything happens in the caller's.
    """
    if threads == 1:
        yield from map(function, tasks)
        return
    waiting: deque[Future[Result]] = deque()
    with ThreadPoolExecutor(threads) as pool:
        try:
            for task in tasks:
                waiting.append(pool.submit(function, task))
                if len(waiting) > threads:
                    yield waiting.popleft().result()
            while waiting:
                yield waiting.popleft().result()
        finally:
            for future in waiting:
                future.cancel()
