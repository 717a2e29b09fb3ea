"""Counts bytes that go through the sockets of a Dask scheduler, which is told to load this; ``/proc`` does not count them."""

from collections.abc import Callable
from typing import Any

from tornado.iostream import IOStream

_moved = 0


def dask_setup(_scheduler: Any) -> None:
    """What Dask calls in the process of the scheduler."""
    for name in ("read_from_fd", "write_to_fd"):
        setattr(IOStream, name, _counted(getattr(IOStream, name)))


def _counted(method: Callable[[IOStream, Any], int | None]) -> Callable[[IOStream, Any], int | None]:
    def move(stream: IOStream, data: Any) -> int | None:
        global _moved
        moved = method(stream, data)
        _moved += moved or 0
        return moved

    return move


def traffic() -> int:
    """Bytes in and out so far; to be run on the scheduler."""
    return _moved


def alive(dask_scheduler: Any) -> int:
    """Tasks and data that the scheduler knows; to be run there."""
    return len(dask_scheduler.tasks)
