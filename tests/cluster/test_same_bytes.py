"""A cluster of any size and kind gives the bytes that threads give."""

import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest
from dask.utils import key_split
from distributed import Client, get_task_stream
from genomes import files_of
from jobs import JOBS
from processes import Processes

from colonnade.cli import main

pytestmark = pytest.mark.usefixtures("small_batches")
STEPS = {"align": {"begin", "finish", "carry_out"}, "compare": {"carry_out"}, "pileup": {"carry_out"}}


@pytest.fixture(scope="module")
def observer(processes: Processes) -> Iterator[Client]:
    """A second client of the scheduler, which sees what workers do."""
    with Client(processes.address, set_as_default=False) as observer:
        yield observer


def run(observer: Client, arguments: list[str]) -> dict[str, Counter[str]]:
    """For each worker that did something, how many tasks of which kind."""
    with get_task_stream(client=observer) as stream:
        assert main(arguments) == 0
    done: dict[str, Counter[str]] = {}
    for task in stream.data:
        done.setdefault(task["worker"], Counter())[key_split(task["key"])] += 1
    return done


@pytest.mark.parametrize("workers", [1, 2, 4])
@pytest.mark.parametrize("name", JOBS)
def test_by_any_number_of_workers(
    processes: Processes, observer: Client, data: Path, expected, tmp_path: Path, workers: int, name: str
) -> None:
    staff = processes.staff(*["full"] * workers)
    done = run(observer, [*JOBS[name].arguments(data, tmp_path), "--scheduler", processes.address])
    assert done.keys() == {worker.address for worker in staff}
    assert set().union(*done.values()) == STEPS[name]
    assert files_of(tmp_path) == expected[name]


@pytest.mark.parametrize("name", JOBS)
def test_by_workers_of_both_roles(
    processes: Processes, observer: Client, data: Path, expected, tmp_path: Path, name: str
) -> None:
    full, small = processes.staff("full", "small")
    done = run(observer, [*JOBS[name].arguments(data, tmp_path), "--scheduler", str(processes.scheduler_file)])
    assert set(done[full.address]) == STEPS[name]
    assert set(done.get(small.address, ())) == STEPS[name] & {"begin"}
    assert files_of(tmp_path) == expected[name]


def test_where_the_environment_names_the_scheduler(
    processes: Processes, observer: Client, data: Path, expected, tmp_path: Path, monkeypatch
) -> None:
    processes.staff("full", "full")
    monkeypatch.setenv("DASK_SCHEDULER_ADDRESS", processes.address)
    assert run(observer, JOBS["compare"].arguments(data, tmp_path))
    assert files_of(tmp_path) == expected["compare"]


@pytest.mark.parametrize("name", JOBS)
def test_by_processes_of_this_machine(data: Path, expected, tmp_path: Path, name: str) -> None:
    assert main([*JOBS[name].arguments(data, tmp_path), "--local-cluster", "2"]) == 0
    assert files_of(tmp_path) == expected[name]


def test_in_parts(processes: Processes, data: Path, expected, tmp_path: Path) -> None:
    processes.staff("full", "full")
    arguments = JOBS["compare"].arguments(data, tmp_path)
    at = arguments.index("--vcf")
    vcf = [arguments.pop(at), arguments.pop(at)]
    parts = [f"{tmp_path}/c.part{number}of2" for number in (1, 2)]
    for number in (1, 2):
        assert main([*arguments, "--part", f"{number}/2", "--scheduler", processes.address]) == 0
    assert main(["merge", *parts, "-o", f"{tmp_path}/c", *vcf]) == 0
    for part in parts:
        Path(part).unlink()
    assert files_of(tmp_path) == expected["compare"]


def test_threads_need_nothing_of_dask(data: Path, expected, tmp_path: Path) -> None:
    program = "import sys; from colonnade.cli import main; main(sys.argv[1:]); print({*sys.modules} & {'dask', 'distributed'})"
    command = [sys.executable, "-c", program, *JOBS["compare"].arguments(data, tmp_path)]
    assert subprocess.run(command, capture_output=True, text=True, check=True).stdout == "set()\n"
    assert files_of(tmp_path) == expected["compare"]
