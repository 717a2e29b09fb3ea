"""One scheduler for all these tests, workers that stay from one to the next, and what a run without them gives."""

import sys
from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from limits import limited_time

if TYPE_CHECKING:
    from jobs import Clients
    from processes import Processes

sys.path.insert(0, str(Path(__file__).parent))

__all__ = ["limited_time"]
collect_ignore_glob = [] if find_spec("distributed") else ["*.py"]


@pytest.fixture(scope="package")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Files that the commands read."""
    from jobs import make_data

    return make_data(tmp_path_factory.mktemp("data"))


@pytest.fixture(scope="package")
def expected(data: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, dict[str, bytes]]:
    """The files that each job writes on threads of this process."""
    from genomes import files_of
    from jobs import JOBS

    from colonnade.cli import main

    written = {}
    for name, job in JOBS.items():
        out = tmp_path_factory.mktemp(name)
        assert main([*job.arguments(data, out), "--quiet"]) == 0
        written[name] = files_of(out)
        assert written[name]
        assert all(written[name].values())
    return written


@pytest.fixture(scope="package")
def processes(tmp_path_factory: pytest.TempPathFactory) -> "Iterator[Processes]":
    """A scheduler, and the workers that the tests leave."""
    from processes import started

    with started(tmp_path_factory.mktemp("processes")) as processes:
        yield processes


@pytest.fixture
def clients(data: Path) -> "Iterator[Clients]":
    """Clients that end with the test."""
    from jobs import Clients

    clients = Clients(data)
    yield clients
    clients.stop()


@pytest.fixture
def out(tmp_path: Path) -> Path:
    """A folder for the files of a job; what clients say is beside it."""
    return tmp_path / "out"


@pytest.fixture
def small_batches(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let commands in this process be as those of ``client``."""
    from client import SETTINGS

    for module, name, value in SETTINGS:
        monkeypatch.setattr(module, name, value)
