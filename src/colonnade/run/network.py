"""Where a Dask scheduler is, how it is talked to, and what Dask itself may say."""

import json
import logging
import os
import socket
import ssl
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final
from urllib.parse import urlsplit

import dask
import distributed
from distributed.comm import CommClosedError

from colonnade.errors import ColonnadeError, UsageError

_EXPECTED: Final = "tcp://host:port, tls://host:port, or a file that a scheduler has written"

_TALKERS: Final = ("distributed", "distributed.client", "distributed.gc", "tornado", "tornado.application", "asyncio")
_NEVER: Final = logging.CRITICAL + 1

LOOPBACK: Final = "127.0.0.1"
ANY_PORT_HERE: Final = f"{LOOPBACK}:0"

_SETTINGS: Final[dict[str, Any]] = {
    "distributed.worker.profile.enabled": False,
    "distributed.admin.system-monitor.gil.enabled": False,
    "distributed.admin.tick.interval": "1s",  # 20 ms, which is the default, takes 2 % of a core from each worker
    "distributed.worker.memory.target": False,  # what is in flight is little, and disks of workers may be small
    "distributed.worker.memory.spill": False,
    "distributed.worker.memory.pause": False,  # these two would count mapped files; see SparingNanny
    "distributed.worker.memory.terminate": False,
    "distributed.scheduler.allowed-failures": 1000,  # the client counts for each task; a lost worker has many innocent ones
    "distributed.scheduler.worker-saturation": 1.1,
}


@contextmanager
def settings() -> Iterator[int]:
    """Dask's settings while something of it is at work here: what matters to people is said by colonnade.

    Yields the level from which Dask may log.
    """
    level = logging.WARNING if logging.getLogger("colonnade").isEnabledFor(logging.DEBUG) else _NEVER
    loggers = [logging.getLogger(name) for name in _TALKERS]
    before = [logger.level for logger in loggers]
    for logger in loggers:
        logger.setLevel(level)
    try:
        with dask.config.set(_SETTINGS):
            yield level
    finally:
        for logger, was in zip(loggers, before, strict=True):
            logger.setLevel(was)


def scheduler_address(scheduler: str | os.PathLike[str]) -> str:
    """The address, also where it is in a scheduler's file, as ``dask scheduler --scheduler-file`` writes it.

    Raises
    ------
    UsageError
        Neither an address nor such a file.
    ColonnadeError
        There is no such file, or it is still empty.
    """
    text = os.fspath(scheduler)
    if "://" in text:
        return _checked(text)
    try:
        data = Path(text).read_bytes()
    except OSError as error:
        raise ColonnadeError("no scheduler's file", path=text, found=error.strerror, expected=_EXPECTED) from None
    if not data:
        raise ColonnadeError("no scheduler's file", path=text, found="an empty file", expected=_EXPECTED)
    try:
        return _checked(str(json.loads(data)["address"]))
    except (ValueError, KeyError, TypeError):
        raise UsageError("not a file of a Dask scheduler", path=text, expected="JSON with an address") from None


def _checked(address: str) -> str:
    try:
        parts = urlsplit(address)
        is_address = parts.scheme in ("tcp", "tls") and bool(parts.hostname) and parts.port is not None
    except ValueError:
        is_address = False
    if not is_address:
        raise UsageError("not the address of a scheduler", found=address, expected=_EXPECTED)
    return address


def security(tls_ca: str | None, tls_cert: str | None, tls_key: str | None) -> distributed.Security:
    """How connections are made: by TLS, where certificates are given.

    Raises
    ------
    UsageError
        Only some of what TLS needs is given.
    ColonnadeError
        A file cannot be used.
    """
    if tls_ca is None and tls_cert is None and tls_key is None:
        return distributed.Security()
    if tls_ca is None or tls_cert is None:
        raise UsageError(
            "TLS needs both --tls-ca and --tls-cert", advice="and --tls-key, if the key has a file of its own"
        )
    context = ssl.create_default_context()
    _load(context.load_verify_locations, tls_ca)
    _load(context.load_cert_chain, tls_cert, *filter(None, [tls_key]))
    files = {"cert": tls_cert, "key": tls_key or tls_cert}
    mine = {f"tls_{role}_{what}": name for role in ("client", "worker") for what, name in files.items()}
    return distributed.Security(tls_ca_file=tls_ca, require_encryption=True, **mine)


def _load(load: Callable[..., Any], *files: str) -> None:
    try:
        load(*files)
    except OSError as error:  # those of ssl are, too
        raise ColonnadeError(
            "cannot be used for TLS", path=" and ".join(files), found=error.strerror, expected="PEM"
        ) from None


def check_scheme(address: str, security: distributed.Security) -> None:
    """Raise UsageError where only one of an address and certificates speaks of TLS."""
    if address.startswith("tls:") and security.get_connection_args("client")["ssl_context"] is None:
        raise UsageError("the scheduler wants TLS", found=address, expected="--tls-ca and --tls-cert besides")
    if address.startswith("tcp:") and security.require_encryption:
        raise UsageError("certificates, and an address without TLS", found=address, expected="tls://host:port")


def own_host(scheduler: str) -> str:
    """The address of this machine on the way to a scheduler; nothing is sent."""
    parts = urlsplit(scheduler)
    family, kind, _, _, place = socket.getaddrinfo(parts.hostname, parts.port, type=socket.SOCK_DGRAM)[0]
    with socket.socket(family, kind) as way:
        way.connect(place)
        host = str(way.getsockname()[0])
    return f"[{host}]" if ":" in host else host


def cannot_reach(address: str, error: Exception) -> ColonnadeError:
    """What ends a command that cannot talk to its scheduler."""
    reason = next((cause.reason for cause in causes(error) if isinstance(cause, ssl.SSLError)), None)
    refuses = is_refusal(error)
    return ColonnadeError(
        "the scheduler refuses the connection" if refuses else "the scheduler cannot be reached",
        place=address,
        found=f"TLS: {reason}" if reason else " ".join(str(error).split()),
        advice="have both the right certificates, or does it use TLS and this not?" if refuses else "does it run?",
    )


def is_refusal(error: Exception) -> bool:
    """Whether somebody is there who does not want to talk: certificates do not fit, or only one of both uses TLS."""
    return isinstance(error, CommClosedError) or any(isinstance(cause, ssl.SSLError) for cause in causes(error))


def causes(error: BaseException | None) -> Iterator[BaseException]:
    """An error, what it came of, and so on."""
    while error is not None:
        yield error
        error = error.__cause__ or error.__context__
