"""What goes through the scheduler is about tasks, not their data; and it knows few of them at a time."""

from collections.abc import Callable, Iterator
from pathlib import Path

import metered
import pytest
from distributed import Client
from jobs import JOBS, PLACES
from processes import Processes

from colonnade.align import engine
from colonnade.align.reads import Cut
from colonnade.cli import main
from colonnade.run.cluster import connect

MOST = 20  # tasks at a time
PER_TASK = (
    10_000  # bytes of a comparison that go through the scheduler, in and out: functions, regions, states of tasks
)


@pytest.fixture
def observer(processes: Processes) -> Iterator[Client]:
    """A second client of the scheduler, which asks what it knows."""
    processes.staff("full", "full")
    with Client(processes.address, set_as_default=False) as observer:
        yield observer


@pytest.fixture
def traffic_of(data: Path, processes: Processes, observer: Client, tmp_path: Path) -> Callable[[str], int]:
    """Carry out a job, and tell the bytes that have gone through the scheduler."""

    def run(name: str) -> int:
        before = observer.run_on_scheduler(metered.traffic)
        assert main([*JOBS[name].arguments(data, tmp_path), "--scheduler", processes.address]) == 0
        return int(observer.run_on_scheduler(metered.traffic)) - before

    return run


def test_reads_and_alignments_do_not_pass_through_the_scheduler(
    traffic_of: Callable[[str], int], data: Path, monkeypatch
) -> None:
    monkeypatch.setattr(engine, "LARGE", Cut(2000, 8 << 20))
    reads = sum((data / name).stat().st_size for name in ("1.fq", "2.fq", "merged.fq"))
    assert 10_000 < traffic_of("align") < reads / 10


def test_files_do_not_pass_through_the_scheduler_when_samples_are_compared(traffic_of: Callable[[str], int]) -> None:
    assert 10_000 < traffic_of("compare") < PER_TASK * len(PLACES[0])


def test_the_scheduler_knows_few_tasks_at_a_time(processes: Processes, observer: Client, monkeypatch) -> None:
    monkeypatch.setattr("colonnade.run.cluster._PER_SLOT", 1000)
    monkeypatch.setattr("colonnade.run.cluster._MOST", MOST)
    with connect(processes.address) as cluster:
        alive = [observer.run_on_scheduler(metered.alive) for _ in cluster.map(abs, range(5 * MOST))]
    assert MOST / 2 < max(alive) < 2 * MOST  # it hears late of what is not wanted any more


def test_results_also_come_by_way_of_the_scheduler_where_workers_cannot_be_asked(
    processes: Processes, monkeypatch
) -> None:
    gather = Client.gather
    monkeypatch.setattr(Client, "gather", lambda self, future, *, direct: gather(self, future, direct=False))
    processes.staff("full", "full")
    with connect(processes.address) as cluster:
        assert list(cluster.map(bytes, [100_000] * 5)) == [bytes(100_000)] * 5
