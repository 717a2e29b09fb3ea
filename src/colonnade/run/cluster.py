"""Workers of a Dask cluster, here or elsewhere, carry tasks out."""

import asyncio
import contextlib
import pickle
import signal
import threading
from collections import deque
from collections.abc import Callable, Coroutine, Iterable, Iterator
from concurrent.futures import Future
from contextlib import AbstractContextManager
from itertools import islice
from os import PathLike
from types import TracebackType
from typing import Any, Final, TypeVar

from distributed import Client, LocalCluster, Security

from colonnade.run import carrying, network
from colonnade.run.carrying import FULL, SEARCH
from colonnade.run.errands import Errand, Errands, Function
from colonnade.run.executor import Relay
from colonnade.run.nanny import SparingNanny

Task = TypeVar("Task")
Result = TypeVar("Result")
Value = TypeVar("Value")

_PER_SLOT: Final = 2  # one at work, one on its way
_MORE: Final = 8  # so that workers that join find something to do
_MOST: Final = 10_000 // 3  # tasks alive; each may be three to the scheduler, which slows down with more
_MOST_HELD: Final = 2 << 30  # bytes of these here: 190 batches of reads, which keep more workers busy than a client can
_MOST_DUE: Final = 64  # results that may wait here; others wait with the workers
_CONNECTING: Final = 10.0  # seconds


class Cluster(AbstractContextManager["Cluster"]):
    """An executor: the workers of a scheduler.

    Made by ``connect`` or ``local_cluster``.

    Parameters
    ----------
    client
        The connection to the scheduler.
    resources
        What is closed at the end, after the connection.
    """

    is_remote: Final = True

    def __init__(self, client: Client, resources: contextlib.ExitStack) -> None:
        self._client = client
        self._errands = self._wait(self._made(resources))
        self._crew = self._errands.crew
        self._resources = resources.pop_all()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.close()

    def __repr__(self) -> str:
        return f"Cluster({self.status})"

    def close(self) -> None:
        """Let go of the scheduler, and end what was started for this; safe to call twice."""
        self._resources.close()

    @property
    def slots(self) -> int:
        """Threads of all full workers; waits for the first of them."""
        self._wait(self._crew.wait_for(FULL))
        return sum(member.threads for member in self._crew.able(FULL))

    @property
    def threads(self) -> int:
        """Most threads of one full worker; waits for the first of them."""
        self._wait(self._crew.wait_for(FULL))
        return max((member.threads for member in self._crew.able(FULL)), default=1)

    @property
    def status(self) -> str:
        """Such as ``5 in flight on 2 workers``."""
        workers = len(self._crew.members)
        return f"{len(self._errands)} in flight on {workers} worker{'s' * (workers != 1)}"

    def map(
        self,
        function: Callable[[Task], Result],
        tasks: Iterable[Task],
        *,
        label: Callable[[Task], str] | None = None,
    ) -> Iterator[Result]:
        """As ``Executor.map``; a task that fails or is lost is done again, a few times.

        Raises
        ------
        ColonnadeError
            A task failed or was lost too often, or the scheduler is gone.
        """
        sent = Function(carrying.packed_function(function), is_relay=isinstance(function, Relay))
        waiting: deque[tuple[Errand, Future[bytes]]] = deque()
        held = 0
        try:
            for number, task in enumerate(tasks):
                errand = Errand(number, carrying.packed(task), label(task) if label else f"task {number + 1}")
                held += len(errand.data)
                waiting.append((errand, self._start(self._errands.run(errand, sent))))
                self._let_come(waiting, len(waiting) - 1)
                while len(waiting) >= self._window() or held > _MOST_HELD:
                    held -= len(waiting[0][0].data)
                    yield self._next(waiting)
            while waiting:
                yield self._next(waiting)
        finally:
            for _, future in waiting:
                future.cancel()

    def _next(self, waiting: deque[tuple[Errand, Future[bytes]]]) -> Any:
        """The first result of those that are waited for."""
        _, future = waiting.popleft()
        self._let_come(waiting, _MOST_DUE - 1)
        return pickle.loads(future.result())

    def _let_come(self, waiting: deque[tuple[Errand, Future[bytes]]], place: int) -> None:
        """Let the result of a place in the queue come here, if that is near its front."""
        for errand, _ in islice(waiting, place, min(place + 1, _MOST_DUE)):
            self._client.loop.asyncio_loop.call_soon_threadsafe(errand.is_due.set)

    def _window(self) -> int:
        """How many tasks are alive at the same time."""
        return min(_MOST, _PER_SLOT * sum(member.threads for member in self._crew.able(SEARCH)) + _MORE)

    async def _made(self, resources: contextlib.ExitStack) -> Errands:
        errands = Errands(self._client)
        watching = asyncio.ensure_future(errands.crew.watch())

        async def dismiss() -> None:
            await errands.crew.wait_for_causes()
            watching.cancel()
            errands.crew.close()

        resources.callback(lambda: self._wait(dismiss()))
        return errands

    def _start(self, work: Coroutine[Any, Any, Value]) -> Future[Value]:
        """Let the thread of the event loop do something."""
        return asyncio.run_coroutine_threadsafe(work, self._client.loop.asyncio_loop)

    def _wait(self, work: Coroutine[Any, Any, Value]) -> Value:
        return self._start(work).result()


def connect(
    scheduler: str | PathLike[str],
    *,
    tls_ca: str | None = None,
    tls_cert: str | None = None,
    tls_key: str | None = None,
) -> Cluster:
    """Use the workers of a running scheduler; a context manager.

    Parameters
    ----------
    scheduler
        Its address, ``tcp://host:port`` or ``tls://host:port``, or the file that it has written.
    tls_ca, tls_cert, tls_key
        PEM files: who has signed the certificates of the cluster, the certificate to show, its key.

    Raises
    ------
    UsageError
        No address, or TLS lacks a file.
    ColonnadeError
        The scheduler cannot be reached.
    """
    address = network.scheduler_address(scheduler)
    security = network.security(tls_ca, tls_cert, tls_key)
    network.check_scheme(address, security)
    with contextlib.ExitStack() as resources:
        resources.enter_context(network.settings())
        return Cluster(_connected(address, security, resources), resources)


def local_cluster(processes: int, *, threads: int = 1) -> Cluster:
    """Start processes on this machine that do the work; a context manager that ends them.

    Parameters
    ----------
    processes
        How many.
    threads
        How many of each.
    """
    with contextlib.ExitStack() as resources:
        security = Security.temporary()  # other users of the machine can connect to loopback, too
        level = resources.enter_context(network.settings())
        with _signals_held_back():
            cluster = resources.enter_context(
                LocalCluster(
                    n_workers=processes,
                    threads_per_worker=threads,
                    host=network.LOOPBACK,
                    protocol="tls://",
                    dashboard_address=network.ANY_PORT_HERE,
                    worker_dashboard_address=network.ANY_PORT_HERE,
                    security=security,
                    worker_class=SparingNanny,
                    resources={SEARCH: threads, FULL: threads},
                    silence_logs=level,
                )
            )
        return Cluster(_connected(cluster.scheduler_address, security, resources), resources)


@contextlib.contextmanager
def _signals_held_back() -> Iterator[None]:
    """Let signals to end wait for the end of the block: Dask cannot be interrupted in order while it starts processes."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    told: list[int] = []
    ending = [
        number
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
        if signal.getsignal(number) not in (signal.SIG_IGN, None)
    ]
    handlers = {number: signal.signal(number, lambda number, _: told.append(number)) for number in ending}
    try:
        yield
    finally:
        for held_back, handler in handlers.items():
            signal.signal(held_back, handler)
    if told:
        signal.raise_signal(told[0])


def _connected(address: str, security: Security, resources: contextlib.ExitStack) -> Client:
    try:
        client = Client(address, security=security, timeout=_CONNECTING, set_as_default=False)
    except (OSError, ValueError) as error:
        raise network.cannot_reach(address, error) from None
    resources.callback(client.close)
    return client
