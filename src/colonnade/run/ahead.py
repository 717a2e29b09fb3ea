"""Let a thread make the next item while this one is in use."""

import threading
from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Final, TypeVar

from colonnade.run.ordered import heed

Item = TypeVar("Item")

_END: Final = object()


def ahead(items: Iterable[Item]) -> Iterator[Item]:
    """The same items; while the caller is busy with one, a thread makes the next. Where there are none, there is no thread."""
    iterator = iter(items)
    item = next(iterator, _END)
    if item is _END:
        return
    stop = threading.Event()
    with ThreadPoolExecutor(1, initializer=heed, initargs=(stop,)) as pool:
        try:
            while item is not _END:
                upcoming = pool.submit(next, iterator, _END)
                yield item  # type: ignore[misc]
                item = upcoming.result()
        finally:
            stop.set()
