"""Where all need certificates, and on machines that only the network joins, the bytes are the same."""

from pathlib import Path

import pytest

pytest.importorskip("cryptography")

from certificates import Authority
from genomes import files_of
from hosts import address_of, joined_hosts
from jobs import Clients, errors
from processes import started


@pytest.fixture
def ours(tmp_path: Path) -> Authority:
    return Authority.create(tmp_path, "ours")


def test_with_certificates_and_not_without(
    clients: Clients, expected, out: Path, ours: Authority, tmp_path: Path
) -> None:
    foreign = Authority.create(tmp_path, "foreign").options("client")
    with started(tmp_path / "closed", "full", tls=ours.options("peer")) as processes:
        to = ["--scheduler", processes.address]
        clients.run("compare", out, *to, *ours.options("client"))
        assert files_of(out) == expected["compare"]
        for options, code, message in [([], 2, "the scheduler wants TLS"), (foreign, 1, "refuses the connection")]:
            text = clients.run("compare", tmp_path / str(code), *to, *options, code=code)
            assert len(text.splitlines()) == len(errors(text)) == 1
            assert message in text


def test_on_machines_that_only_the_network_joins(
    clients: Clients, expected, out: Path, ours: Authority, tmp_path: Path
) -> None:
    scheduler = [f"--host=tls://{address_of('scheduler')}"]
    with (
        joined_hosts() as hosts,
        started(
            tmp_path / "hosts", scheduler=scheduler, tls=ours.options("peer"), place=hosts["scheduler"]
        ) as processes,
    ):
        processes.add("full", place=hosts["worker"])
        options = ["--scheduler", processes.address, *ours.options("client")]
        clients.run("align", out, *options, place=hosts["client"])
    assert files_of(out) == expected["align"]
