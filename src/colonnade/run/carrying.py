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


@dataclass(frozen=True)
class Packed:
    """A result that is pickled already, so that it is moved and never looked into.

    Parameters
    ----------
    data
        The pickle.
    is_last
        Whether nothing is left to do.
    """

    data: bytes
    is_last: bool = True

    def __reduce_ex__(self, protocol: Any) -> tuple[Any, ...]:
        # An older one is what a scheduler takes for a result that it has to hand on, where a worker could not be asked directly.
        data = pickle.PickleBuffer(self.data) if protocol >= 5 else self.data
        return Packed, (data, self.is_last)


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


def carry_out(function: bytes, task: bytes) -> Packed | Failure:
    """Do all there is to do with a task."""
    return _attempted(lambda: Packed(packed(_unpacked(function)(pickle.loads(task)))))


def begin(relay: bytes, task: bytes) -> Packed | Failure:
    """Take a task as far as the role of this worker allows."""
    if _is_full():
        return carry_out(relay, task)
    return _attempted(lambda: Packed(packed(_relay(relay).first(pickle.loads(task))), is_last=False))


def finish(relay: bytes, begun: Packed | Failure) -> Packed | Failure:
    """Do what is left of a task."""
    if isinstance(begun, Failure) or begun.is_last:
        return begun
    return _attempted(lambda: Packed(packed(_relay(relay).second(pickle.loads(begun.data)))))


def _attempted(work: Callable[[], Packed]) -> Packed | Failure:
    """What comes of it; a failure is a result like others, so that nothing between here and the client repeats or logs it."""
    try:
        return work()
    except ColonnadeError as error:
        return Failure(_here(), error)
    except Exception as error:
        return Failure(_here(), ColonnadeError(f"{type(error).__name__}: {error}"))


def _unpacked(function: bytes) -> Callable[[Any], Any]:
    version, data = pickle.loads(function)
    if version != __version__:
        raise ColonnadeError("another version of colonnade on this worker", found=__version__, expected=version)
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
