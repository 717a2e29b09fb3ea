"""What a worker does with a task: it carries a function out, and packs what comes of it."""

import pickle
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final

from colonnade.errors import ColonnadeError
from colonnade.run.executor import Relay
from colonnade.version import __version__

SEARCH: Final = "search"
"""The resource of which every worker has as much as threads."""
FULL: Final = "full"
"""The resource that only those have with memory for all."""


Packed = tuple[bytes, str]
"""A pickle and what it is: plain types, so that it is moved, also by workers without colonnade, and never looked into.

The bytes are first, as Dask sends those of a collection that begins with them without a copy.
"""
DONE: Final = "done"
BEGUN: Final = "begun"
FAILED: Final = "failed"
"""A ``Failure``."""


@dataclass(frozen=True)
class Failure:
    """What a function has raised.

    Parameters
    ----------
    worker
        The address of the worker.
    error
        The error; of others than ours their kind and text.
    """

    worker: str
    error: ColonnadeError


def packed(thing: Any) -> bytes:
    """A task or a result as it travels; this protocol copies large buffers once less than the default does."""
    return pickle.dumps(thing, protocol=5)


def packed_function(function: Callable[[Any], Any]) -> bytes:
    """The function with the version that made it."""
    return packed((__version__, packed(function)))


def carry_out(function: bytes, task: bytes) -> Packed:
    """Do all there is to do with a task."""
    return _attempted(lambda: (packed(_unpacked(function)(pickle.loads(task))), DONE))


def begin(relay: bytes, task: bytes) -> Packed:
    """Take a task as far as the role of this worker allows."""
    if _is_full():
        return carry_out(relay, task)
    return _attempted(lambda: (packed(_relay(relay).first(pickle.loads(task))), BEGUN))


def finish(relay: bytes, begun: Packed) -> Packed:
    """Do what is left of a task."""
    data, kind = begun
    if kind != BEGUN:
        return begun
    return _attempted(lambda: (packed(_relay(relay).second(pickle.loads(data))), DONE))


def _attempted(work: Callable[[], Packed]) -> Packed:
    """What comes of it; a failure is a result like others, so that nothing between here and the client repeats or logs it."""
    try:
        return work()
    except ColonnadeError as error:
        failure = Failure(_here(), error)
    except Exception as error:
        failure = Failure(_here(), ColonnadeError(f"{type(error).__name__}: {error}"))
    return packed(failure), FAILED


def _unpacked(function: bytes) -> Callable[[Any], Any]:
    version, data = pickle.loads(function)
    if version != __version__:
        raise ColonnadeError(
            "another version of colonnade on this worker",
            found=__version__,
            expected=version,
            advice="install the same on all machines",
        )
    unpacked: Callable[[Any], Any] = pickle.loads(data)
    return unpacked


def _relay(function: bytes) -> Relay[Any, Any, Any]:
    relay = _unpacked(function)
    assert isinstance(relay, Relay)
    return relay


def _is_full() -> bool:
    from distributed import get_worker

    return FULL in get_worker().state.total_resources


def _here() -> str:
    from distributed import get_worker

    return str(get_worker().address)
