"""Tasks on their way to workers, and back as results, however often they must be begun."""

import asyncio
import pickle
from collections.abc import Callable, Collection
from dataclasses import dataclass, field
from typing import Any, Final
from uuid import uuid4

from distributed import Client, Future
from distributed.client import FutureCancelledError
from distributed.scheduler import KilledWorker

from colonnade.errors import ColonnadeError
from colonnade.run import carrying
from colonnade.run.carrying import DONE, FAILED, FULL, SEARCH, Failure, Packed
from colonnade.run.crew import Crew, scheduler_is_gone
from colonnade.version import __version__

_SCATTERED_FROM: Final = 8 << 10  # bytes of a task; what is smaller goes through the scheduler
_FIRST_OF_ALL: Final = 1 << 40  # what is begun is done before other things are begun
_FAILURES: Final = 3
_LOSSES: Final = 10
_BEFORE_ANOTHER_TRY: Final = 1.0  # seconds
_STEP: Final = """(
    getattr(__import__("importlib").import_module("colonnade.run.carrying"), step)(function, argument)
    if __import__("importlib.util").util.find_spec("colonnade")
    else (__import__("distributed").get_worker().address.encode(), "no colonnade")
)"""
"""What a worker does: a step by its name, or else it says who lacks colonnade.

It is text, as a worker that is sent a function of a module that is not there dies before it could say anything.
"""


@dataclass(eq=False)
class Errand:
    """A task on its way.

    Parameters
    ----------
    number
        How many are before it.
    data
        The packed task.
    label
        What it is called where it fails.

    Attributes
    ----------
    is_due
        Set when its result may come to the client; until then it stays with the worker.
    """

    number: int
    data: bytes
    label: str
    is_due: asyncio.Event = field(default_factory=asyncio.Event)
    failed_on: list[str] = field(default_factory=list)
    losses: int = 0
    cause: Exception | None = None
    steps: dict[Any, list[str] | None] = field(default_factory=dict)  # futures, with who may do them, if not all


class Function:
    """A function on its way to workers: bytes in each task while they are few, else the future of what workers have.

    Parameters
    ----------
    data
        The packed function.
    is_relay
        Whether it has two steps.
    """

    def __init__(self, data: bytes, *, is_relay: bool) -> None:
        self.data = data
        self.is_relay = is_relay
        self.lock = asyncio.Lock()
        self.argument: Any = data

    @property
    def must_be_sent(self) -> bool:
        """Whether it is large, and no worker has it: not yet, or not any more."""
        is_there = isinstance(self.argument, Future) and self.argument.status == "finished"
        return len(self.data) >= _SCATTERED_FROM and not is_there


class _Nobody(Exception):  # noqa: N818
    """There is no worker to send anything to at the moment."""


class Errands:
    """All tasks that are on their way. Everything happens in the thread of the client's event loop.

    Parameters
    ----------
    client
        The connection to the scheduler.

    Attributes
    ----------
    crew
        The workers.
    """

    def __init__(self, client: Client) -> None:
        self.crew = Crew(client, self._lose)
        self._client = client
        self._under_way: set[Errand] = set()

    def __len__(self) -> int:
        return len(self._under_way)

    async def run(self, errand: Errand, function: Function) -> bytes:
        """The pickled result of a task, however often it must be begun."""
        wanted = (SEARCH, FULL) if function.is_relay else (FULL,)
        self._under_way.add(errand)
        self.crew.wanted.update(wanted)
        try:
            while True:
                await self.crew.wait_for(wanted[0])
                outcome = await self._attempt(errand, function)
                if outcome is not None and outcome[1] == DONE:
                    return outcome[0]
                if outcome is not None:
                    self._note_failure(errand, _failure(*outcome))
                if errand.losses > _LOSSES:
                    raise _lost_too_often(errand)
        finally:
            self.crew.wanted.subtract(wanted)
            self._under_way.discard(errand)

    async def _attempt(self, errand: Errand, function: Function) -> Packed | None:
        """What came of a task; None if it was lost."""
        outcome: Packed | None = None
        try:
            future = await self._submit(errand, function)
            await _settled(future)
            await errand.is_due.wait()
            # Several are gathered together by Dask, and must not end with one whose result nobody wants any more.
            outcome = await asyncio.shield(self._client.gather(future, direct=True))
        except (FutureCancelledError, KilledWorker, _Nobody):
            pass  # it died with its worker, of which the crew tells
        except asyncio.CancelledError:
            self._cancel(errand)
            raise
        except Exception as error:  # what Dask says where a worker has died and is not missed yet has many kinds
            errand.losses += 1
            errand.cause = error
            await asyncio.sleep(_BEFORE_ANOTHER_TRY)
        finally:
            errand.steps.clear()
        if outcome is None and not self.crew.is_reachable:
            raise scheduler_is_gone(self._client)
        return outcome

    async def _submit(self, errand: Errand, function: Function) -> Any:
        """The future of a task that is on its way."""
        first = SEARCH if function.is_relay else FULL
        async with function.lock:  # the first task sends it, from then on workers get it from each other
            if function.must_be_sent:
                function.argument = await self._brought(function.data, first)
        task: Any = errand.data
        if len(task) >= _SCATTERED_FROM:
            task = await self._brought(task, first, but=errand.failed_on)
            errand.steps[task] = None
        if not function.is_relay:
            return self._add_step(errand, carrying.carry_out, function.argument, task, FULL)
        begun = self._add_step(errand, carrying.begin, function.argument, task, SEARCH)
        return self._add_step(errand, carrying.finish, function.argument, begun, FULL, is_last=True)

    async def _brought(self, data: bytes, resource: str, *, but: Collection[str] = ()) -> Any:
        """The future of data that went to one of the workers that offer a resource, past the scheduler."""
        workers = self.crew.choice(resource, but=but) or [one.address for one in self.crew.able(resource)]
        if not workers:
            raise _Nobody
        return await self._client.scatter(data, workers=workers, direct=True, hash=False)

    def _add_step(
        self,
        errand: Errand,
        step: Callable[[bytes, Any], Packed],
        function: Any,
        argument: Any,
        resource: str,
        *,
        is_last: bool = False,
    ) -> Any:
        """Hand one of the steps of a task to the scheduler.

        Where workers are chosen they are all that may do it: if others were allowed, so would be those without the resource.
        """
        workers = self.crew.choice(resource, but=errand.failed_on)
        future = self._client.submit(
            eval,
            _STEP,
            {"step": step.__name__, "function": function, "argument": argument},
            key=f"{step.__name__}-{uuid4()}",
            pure=False,
            resources={resource: 1},
            priority=is_last * _FIRST_OF_ALL - errand.number,
            workers=workers,
        )
        errand.steps[future] = workers
        return future

    def _note_failure(self, errand: Errand, failure: Failure) -> None:
        """Warn of a failure; raise the last of several."""
        errand.failed_on.append(failure.worker)
        self.crew.note_failure(failure.worker, errand.label, str(failure.error))
        if len(errand.failed_on) >= _FAILURES:
            self.crew.forgive(errand.failed_on)  # the task is to blame
            raise _failed_too_often(errand, failure)

    def _lose(self, keys: Collection[str]) -> int:
        """Count the tasks that a lost worker had in hand; begin anew those that no worker that is left may do."""
        lost = [errand for errand in self._under_way if any(step.key in keys for step in errand.steps)]
        for errand in lost:
            errand.losses += 1
        for errand in self._under_way:
            if errand.losses > _LOSSES or any(self._is_stuck(workers) for workers in errand.steps.values()):
                self._cancel(errand)
        return len(lost)

    def _cancel(self, errand: Errand) -> None:
        """Let workers do nothing more for a task."""
        for step in errand.steps:
            self._client.loop.add_callback(step.cancel)

    def _is_stuck(self, workers: Collection[str] | None) -> bool:
        return workers is not None and self.crew.members.keys().isdisjoint(workers)


async def _settled(future: Future[Any]) -> None:
    """Return when there is a result, or never will be."""
    loop = asyncio.get_running_loop()
    settled = asyncio.Event()
    future.add_done_callback(lambda _: loop.call_soon_threadsafe(settled.set))
    await settled.wait()


def _failure(data: bytes, kind: str) -> Failure:
    """The failure that came of a task."""
    if kind == FAILED:
        failure: Failure = pickle.loads(data)
        return failure
    error = ColonnadeError(
        "no colonnade on this worker", expected=__version__, advice="install it for the Python that the worker runs on"
    )
    return Failure(data.decode(), error)


def _failed_too_often(errand: Errand, failure: Failure) -> ColonnadeError:
    """The error of a task, of the same kind, with where it arose."""
    error = failure.error
    error.message += f" (at {errand.label}, on worker {failure.worker}, tried {_FAILURES} times)"
    return error


def _lost_too_often(errand: Errand) -> ColonnadeError:
    return ColonnadeError(
        f"lost {errand.losses} times with its workers",
        place=errand.label,
        found=None if errand.cause is None else f"{type(errand.cause).__name__}: {errand.cause}",
        advice="out of memory? Start workers with more memory or fewer threads",
    )
