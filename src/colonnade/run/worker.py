"""A worker of a cluster: a process that does tasks, and one that watches over its memory."""

import asyncio
import logging
import os
import signal
import time
from collections.abc import Coroutine
from contextlib import suppress
from dataclasses import dataclass
from os import PathLike
from typing import Any, Final, Literal

from distributed import Security, Status, rpc

from colonnade.errors import ColonnadeError, UsageError
from colonnade.run import network
from colonnade.run.carrying import FULL, SEARCH
from colonnade.run.nanny import SparingNanny

_log = logging.getLogger(__name__)

PATIENCE: Final = 300.0
"""Seconds for which a worker waits for a scheduler that is not there, or no more."""
_BETWEEN_TRIES: Final = 2.0
_BETWEEN_MESSAGES: Final = 30.0
_BETWEEN_LOOKS: Final = 0.5
_CONNECTING: Final = 5.0
_REFUSALS: Final = 2  # one may be that of a scheduler that is just ending
_FAILURES: Final = 3  # to begin
_STARTING: Final = 60.0
_LEAST_MEMORY: Final = 100 << 20  # that of a worker before its first task


@dataclass(frozen=True)
class WorkerOptions:
    """What a worker is.

    Parameters
    ----------
    role
        ``small``: does only first steps, which need little memory; ``full``: does all.
    threads
        How many tasks it does at the same time.
    memory
        Bytes at which it is ended and started anew; None means its share, by threads, of the machine's.

    Raises
    ------
    UsageError
        Python and what it loads would take more memory.
    """

    role: Literal["small", "full"]
    threads: int = 1
    memory: int | None = None

    def __post_init__(self) -> None:
        if self.memory is not None and self.memory < _LEAST_MEMORY:
            raise UsageError(
                "too little memory for a worker",
                found=f"{self.memory >> 10}K",
                expected=f"{_LEAST_MEMORY >> 20}M or more",
            )

    @property
    def resources(self) -> dict[str, float]:
        """What it offers."""
        roles = (SEARCH, FULL) if self.role == "full" else (SEARCH,)
        return dict.fromkeys(roles, self.threads)


class _CannotBeginError(Exception):
    """A worker has not come to join its scheduler."""


def serve(
    scheduler: str | PathLike[str],
    options: WorkerOptions,
    *,
    tls_ca: str | None = None,
    tls_cert: str | None = None,
    tls_key: str | None = None,
) -> None:
    """Do tasks for a scheduler until it lets this worker go; wait for it where it is not there yet, or not any more.

    Parameters
    ----------
    scheduler
        Its address, or the file that it writes.
    options
        What this worker is.
    tls_ca, tls_cert, tls_key
        As ``connect`` has them.

    Raises
    ------
    UsageError
        No address, or TLS lacks a file.
    ColonnadeError
        The scheduler cannot be reached for ``PATIENCE``, or refuses this worker, or this cannot begin.
    KeyboardInterrupt
        The process was told to end.
    """
    security = network.security(tls_ca, tls_cert, tls_key)
    with network.settings() as level:
        asyncio.run(_interruptible(_serve(scheduler, options, security, level)))


async def _interruptible(work: Coroutine[Any, Any, None]) -> None:
    """Do it; a signal to end lets it close what it has opened, and then raises KeyboardInterrupt."""
    task = asyncio.ensure_future(work)
    told: list[int] = []

    def stop(number: int) -> None:
        told.append(number)
        task.cancel()

    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        if signal.getsignal(number) != signal.SIG_IGN:
            asyncio.get_running_loop().add_signal_handler(number, stop, number)
    try:
        await task
    except asyncio.CancelledError:
        if told:
            raise KeyboardInterrupt from None
        raise


async def _serve(scheduler: str | PathLike[str], options: WorkerOptions, security: Security, level: int) -> None:
    last = None
    failures = 0
    while True:
        address, found = await _found(scheduler, security)
        if found == last:
            _log.info("let go by the scheduler %s", address)
            return
        try:
            await _work(address, options, security, level)
        except _CannotBeginError as error:
            failures += 1
            if failures == _FAILURES:
                raise _cannot_begin(address, error) from None
            _log.info("could not begin, and tries again: %s", error)
            await asyncio.sleep(_BETWEEN_TRIES)
        else:
            last, failures = found, 0


async def _found(scheduler: str | PathLike[str], security: Security) -> tuple[str, str]:
    """The address of the scheduler, and what tells it from another one there, as soon as it answers."""
    began = told = time.monotonic()
    refusals = 0
    while True:
        try:
            address = network.scheduler_address(scheduler)
            network.check_scheme(address, security)
            async with rpc(
                address, connection_args=security.get_connection_args("worker"), timeout=_CONNECTING
            ) as peer:
                return address, str((await peer.identity(n_workers=0))["id"])
        except (OSError, ValueError) as error:
            cause = network.cannot_reach(address, error)
            refusals += network.is_refusal(error)
            if refusals == _REFUSALS:
                raise cause from None
        except UsageError:
            raise
        except ColonnadeError as error:  # its file is not there yet
            cause = error
        now = time.monotonic()
        if now - began > PATIENCE:
            raise cause
        if not refusals and (told == began or now - told > _BETWEEN_MESSAGES):
            told = now
            _log.info("waiting for the scheduler, up to %.0f s more: %s", PATIENCE - (now - began), cause)
        await asyncio.sleep(_BETWEEN_TRIES)


async def _work(address: str, options: WorkerOptions, security: Security, level: int) -> None:
    """Be a worker until the scheduler is gone or lets it go; raise _CannotBeginError where it does not come to that."""
    joined = None
    nanny = SparingNanny(
        address,
        host=network.own_host(address),  # else its worker would listen on all addresses
        nthreads=options.threads,
        memory_limit=options.memory or "auto",
        resources=options.resources,
        security=security,
        dashboard=False,
        dashboard_address=network.ANY_PORT_HERE,
        death_timeout=_STARTING,
        silence_logs=level,
    )
    try:
        async with nanny:
            while nanny.status == Status.running:
                if nanny.worker_address not in (None, joined):
                    again = " again; its process had ended, or used too much memory" if joined else ""
                    joined = nanny.worker_address
                    threads = f"{options.threads} thread{'s' * (options.threads > 1)}"
                    _log.info("joined %s as %s: role %s, %s%s", address, joined, options.role, threads, again)
                with suppress(TimeoutError):
                    await asyncio.wait_for(nanny.finished(), _BETWEEN_LOOKS)
    except Exception as error:  # of any kind: Dask ends a slow start with an AssertionError, and leaves the process
        if joined is None:
            _kill(nanny.pid)
            raise _CannotBeginError(_reason(error)) from error
    if joined is None:
        raise _CannotBeginError("its process has ended")
    _log.info("the scheduler %s is gone, or lets this worker go", address)


def _kill(process: int | None) -> None:
    if process:
        with suppress(ProcessLookupError):
            os.kill(process, signal.SIGKILL)


def _reason(error: Exception) -> str:
    """Why a start came to nothing, which Dask says somewhere among the causes, or not at all."""
    causes = [*network.causes(error)]
    if any(isinstance(cause, TimeoutError) for cause in causes):
        return f"not ready after {_STARTING:g} s"
    return " ".join(f"{type(causes[-1]).__name__}: {causes[-1]}".split())


def _cannot_begin(address: str, error: Exception) -> ColonnadeError:
    """What ends a worker that is not done with its start, several times."""
    return ColonnadeError(
        f"this worker could not begin, {_FAILURES} times",
        place=address,
        found=str(error),
        advice="does this machine have too much to do, or too little memory?",
    )
