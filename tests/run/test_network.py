"""Clusters whose peers must show a certificate, and are on machines of their own."""

import os
import socket
import ssl
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

import pytest

pytest.importorskip("distributed")
pytest.importorskip("cryptography")

import chores
from certificates import Authority
from hosts import address_of, joined_hosts
from processes import HELPERS, Processes, started

from colonnade.errors import ColonnadeError, UsageError
from colonnade.run.cluster import connect

LARGE = 100_000


@pytest.fixture(scope="module")
def folder(tmp_path_factory) -> Path:
    return tmp_path_factory.mktemp("certificates")


@pytest.fixture(scope="module")
def ours(folder: Path) -> Authority:
    return Authority.create(folder, "ours")


@pytest.fixture(scope="module")
def foreign(folder: Path) -> Authority:
    return Authority.create(folder, "foreign")


@pytest.fixture(scope="module")
def processes(ours: Authority, tmp_path_factory) -> Iterator[Processes]:
    with started(tmp_path_factory.mktemp("tls"), "full", "small", tls=ours.options("peer")) as processes:
        yield processes


def test_peers_with_certificates_work_together(processes: Processes, ours: Authority) -> None:
    assert processes.address.startswith("tls://")
    with connect(processes.address, **ours.settings("client")) as cluster:
        assert list(cluster.map(chores.length, [bytes(LARGE + number) for number in range(8)])) == [
            LARGE + number for number in range(8)
        ]


@pytest.fixture
def impatient(monkeypatch) -> None:
    monkeypatch.setattr("colonnade.run.cluster._CONNECTING", 1.0)


def as_plain(address: str) -> str:
    return address.replace("tls://", "tcp://")


@pytest.mark.usefixtures("impatient")
@pytest.mark.parametrize("peer", ["plain", "without", "foreign", "distrusting"])
def test_other_clients_are_refused_in_one_line(
    processes: Processes, ours: Authority, foreign: Authority, peer: str
) -> None:
    address, settings = {
        "plain": (as_plain(processes.address), {}),
        "without": (processes.address, {}),
        "foreign": (processes.address, {**foreign.settings("client"), "tls_ca": ours.settings("client")["tls_ca"]}),
        "distrusting": (processes.address, foreign.settings("client")),
    }[peer]
    with pytest.raises(ColonnadeError) as caught:
        connect(address, **settings)
    expected = "the scheduler wants TLS" if peer == "without" else "the scheduler refuses the connection"
    assert expected in str(caught.value)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("peer", ["plain", "without", "foreign", "distrusting"])
def test_other_workers_are_refused_in_one_line(
    processes: Processes, ours: Authority, foreign: Authority, peer: str
) -> None:
    trusted = ours.options("worker")[0]
    address, options = {
        "plain": (as_plain(processes.address), []),
        "without": (processes.address, []),
        "foreign": (processes.address, [trusted, *foreign.options("worker")[1:]]),
        "distrusting": (processes.address, foreign.options("worker")),
    }[peer]
    stranger = Processes(processes.folder / peer, processes.scheduler, address, options)
    stranger.folder.mkdir()
    worker = stranger.add("full", wait=False)
    assert worker.process.wait(30) == (2 if peer == "without" else 1)
    (line,) = worker.text.splitlines()
    assert line.startswith("colonnade worker: error: ")
    assert (
        "the scheduler wants TLS" if peer == "without" else f"{address}: the scheduler refuses the connection"
    ) in line


@pytest.mark.parametrize("peer", ["scheduler", "worker"])
def test_who_shows_no_certificate_is_refused_by_the_other_side(
    processes: Processes, ours: Authority, peer: str
) -> None:
    address = processes.address if peer == "scheduler" else processes.workers[0].address
    settings = ours.settings("client")
    context = ssl.create_default_context(cafile=settings["tls_ca"])
    context.check_hostname = False
    with pytest.raises(ssl.SSLError, match="CERTIFICATE_REQUIRED"):
        first_byte(address, context)
    context.load_cert_chain(settings["tls_cert"], settings["tls_key"])
    assert first_byte(address, context)


def first_byte(address: str, context: ssl.SSLContext) -> bytes:
    """What a peer says first."""
    place = urlsplit(address)
    with (
        socket.create_connection((place.hostname, place.port), timeout=20) as connection,
        context.wrap_socket(connection) as closed,
    ):
        return closed.recv(1)


@pytest.mark.parametrize("missing", ["tls_ca", "tls_cert"])
def test_tls_needs_all_that_belongs_to_it(ours: Authority, missing: str) -> None:
    settings = ours.settings("client")
    del settings[missing]
    with pytest.raises(UsageError, match="TLS needs both --tls-ca and --tls-cert"):
        connect("tls://127.0.0.1:1", **settings)


@pytest.mark.parametrize("broken", ["tls_ca", "tls_cert", "tls_key"])
@pytest.mark.parametrize("is_there", [False, True])
def test_files_that_are_no_certificates_are_named(ours: Authority, tmp_path: Path, broken: str, is_there: bool) -> None:
    path = tmp_path / "broken.pem"
    if is_there:
        path.write_text("no certificate")
    with pytest.raises(ColonnadeError, match=r"broken\.pem.* cannot be used for TLS") as caught:
        connect("tls://127.0.0.1:1", **{**ours.settings("client"), broken: str(path)})
    assert "\n" not in str(caught.value)


# Machines of their own, as far as the network is concerned

CLIENT = """
import sys, chores
from colonnade.run.cluster import connect
address, *files = sys.argv[1:]
with connect(address, tls_ca=files[0], tls_cert=files[1], tls_key=files[2]) as cluster:
    assert sum(cluster.map(chores.length, [bytes(100_000)] * 10)) == 1_000_000
    print(cluster.status, *sorted(cluster._crew.members))
"""


@pytest.fixture
def hosts() -> Iterator[dict[str, tuple[str, ...]]]:
    with joined_hosts() as hosts:
        yield hosts


def test_hosts_with_addresses_of_their_own_work_together(
    hosts: dict[str, tuple[str, ...]], ours: Authority, foreign: Authority, tmp_path: Path
) -> None:
    scheduler = [f"--host=tls://{address_of('scheduler')}"]
    with started(tmp_path, scheduler=scheduler, tls=ours.options("peer"), place=hosts["scheduler"]) as processes:
        worker = processes.add("full", place=hosts["worker"])
        assert worker.address.startswith(f"tls://{address_of('worker')}:")
        command = [*hosts["client"], sys.executable, "-c", CLIENT, processes.address]
        done = run(command, ours)
        assert done.stdout.split() == ["0", "in", "flight", "on", "1", "worker", worker.address], done.stderr
        assert "refuses the connection" in run(command, foreign).stderr


def run(command: list[str], authority: Authority) -> subprocess.CompletedProcess[str]:
    files = authority.settings("client").values()
    environ = {**os.environ, "PYTHONPATH": str(HELPERS)}
    return subprocess.run([*command, *files], capture_output=True, text=True, check=False, env=environ, timeout=60)
