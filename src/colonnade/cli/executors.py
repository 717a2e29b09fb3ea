"""Where a command's work is done: on threads here, by processes here, or by workers of a cluster."""

import argparse
import os
from contextlib import AbstractContextManager, nullcontext
from importlib.util import find_spec
from typing import Final

from colonnade.cli import arguments
from colonnade.errors import UsageError
from colonnade.run.executor import Executor, Threads

_ADDRESS: Final = "DASK_SCHEDULER_ADDRESS"


def add_cluster(parser: argparse.ArgumentParser) -> None:
    """Add where the work is done."""
    group = parser.add_argument_group("more than one process")
    add_scheduler(group)
    group.add_argument(
        "--local-cluster", type=arguments.positive, metavar="N", help="let N processes on this machine do the work"
    )


def add_scheduler(group: argparse._ActionsContainer, *, required: bool = False) -> None:
    """Add where a scheduler is, and how it is talked to."""
    group.add_argument(
        "--scheduler",
        metavar="ADDRESS",
        required=required and _ADDRESS not in os.environ,
        default=os.environ.get(_ADDRESS) or None,
        help=f"a Dask scheduler that runs: tcp://host:8786, tls://host:8786, or its file (default: ${_ADDRESS}, if set)",
    )
    group.add_argument("--tls-ca", metavar="FILE", help="PEM: who has signed the certificates of the cluster")
    group.add_argument("--tls-cert", metavar="FILE", help="PEM: the certificate to show")
    group.add_argument("--tls-key", metavar="FILE", help="PEM: its key, if it is in a file of its own")


def chosen_executor(chosen: argparse.Namespace) -> AbstractContextManager[Executor]:
    """What carries out the work of a command; its ``with`` block is the time for which it is there.

    Raises
    ------
    UsageError
        Options contradict each other, or what a cluster needs is not installed.
    ColonnadeError
        The scheduler cannot be reached.
    """
    is_connected = chosen.scheduler is not None
    if chosen.local_cluster and is_connected and chosen.scheduler != os.environ.get(_ADDRESS):
        raise UsageError("--local-cluster and --scheduler contradict each other", expected="one of them")
    if chosen.local_cluster or is_connected:
        need_distributed()
    if (chosen.tls_ca or chosen.tls_cert or chosen.tls_key) and (chosen.local_cluster or not is_connected):
        raise UsageError(
            "--tls-ca, --tls-cert and --tls-key are about a cluster that is running", expected="--scheduler besides"
        )
    if chosen.local_cluster:
        from colonnade.run.cluster import local_cluster

        return local_cluster(chosen.local_cluster, threads=max(1, chosen.threads // chosen.local_cluster))
    if is_connected:
        from colonnade.run.cluster import connect

        return connect(chosen.scheduler, tls_ca=chosen.tls_ca, tls_cert=chosen.tls_cert, tls_key=chosen.tls_key)
    return nullcontext(Threads(chosen.threads))


def need_distributed() -> None:
    """Raise UsageError where what a cluster needs is not installed."""
    if find_spec("distributed") is None:
        raise UsageError("a cluster needs the package distributed", advice="install colonnade[cluster]")
