"""``colonnade worker``: it joins, says so, and ends when it is told to or nobody needs it any more."""

import signal
from pathlib import Path

import psutil
import pytest

pytest.importorskip("distributed")

from processes import Processes, Running, started, wait_until

from colonnade.cli import main


@pytest.fixture(scope="module")
def processes(tmp_path_factory):
    with started(tmp_path_factory.mktemp("workers")) as processes:
        yield processes


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_ends_it_and_all_that_it_has_started(processes: Processes, number: int) -> None:
    worker = processes.add("full", threads=2)
    tree = worker.tree()
    assert worker.stop(number) == 130
    _, alive = psutil.wait_procs(tree, timeout=10)
    assert not alive
    joined, ended = worker.text.splitlines()
    assert joined == (f"colonnade worker: joined {processes.address} as {worker.address}: role full, 2 threads")
    assert ended == "colonnade worker: error: interrupted"


def test_it_listens_on_loopback_only(processes: Processes) -> None:
    worker = processes.add("small")
    places = [place for running in (worker, processes.scheduler) for place in listening(running)]
    assert len(places) >= 4
    assert {place.ip for place in places} == {"127.0.0.1"}


def listening(running: Running) -> list:
    return [
        connection.laddr
        for process in running.tree()
        for connection in process.net_connections("tcp")
        if connection.status == psutil.CONN_LISTEN
    ]


def test_quiet_says_nothing(processes: Processes) -> None:
    worker = processes.add("full", wait=False, more=["--quiet"])
    wait_until(lambda: len(listening(worker)) >= 3)
    assert worker.text == ""
    worker.kill()


def test_it_waits_for_a_scheduler_and_joins_the_next_one(tmp_path: Path, monkeypatch) -> None:
    with started(tmp_path) as first:
        file = first.scheduler_file
        waiting = Processes(tmp_path, first.scheduler, str(tmp_path / "later.json"))
        worker = waiting.add("full", wait=False)
        wait_until(lambda: "waiting for the scheduler" in worker.text)
        file.rename(tmp_path / "later.json")
        waiting.wait_for(worker)
        first.scheduler.kill()
        wait_until(lambda: "is gone" in worker.text)
    with started(tmp_path) as second:
        second.workers.append(worker)
        second.scheduler_file.rename(tmp_path / "later.json")
        wait_until(lambda: len(worker.addresses) == 2)


def test_a_scheduler_that_never_comes_ends_it(tmp_path: Path, monkeypatch, capfd) -> None:
    monkeypatch.setattr("colonnade.run.worker.PATIENCE", 0.0)
    assert main(["worker", "--scheduler", str(tmp_path / "none.json"), "--role", "full"]) == 1
    (line,) = capfd.readouterr().err.splitlines()
    assert "none.json: no scheduler's file; found No such file" in line


def test_a_worker_that_cannot_begin_does_not_end_as_if_let_go(processes: Processes, monkeypatch, capfd) -> None:
    monkeypatch.setattr("colonnade.run.worker._STARTING", 0.3)
    monkeypatch.setattr("colonnade.run.worker._BETWEEN_TRIES", 0.0)
    assert main(["worker", "--scheduler", processes.address]) == 1
    first, second, last = capfd.readouterr().err.splitlines()
    assert first == second == "colonnade worker: could not begin, and tries again: not ready after 0.3 s"
    assert f"error: {processes.address}: this worker could not begin, 3 times; found not ready after 0.3 s; " in last


def test_it_needs_a_scheduler(monkeypatch, capsys) -> None:
    monkeypatch.delenv("DASK_SCHEDULER_ADDRESS", raising=False)
    with pytest.raises(SystemExit) as caught:
        main(["worker", "--role", "full"])
    assert caught.value.code == 2
    assert capsys.readouterr().err.endswith("the following arguments are required: --scheduler\n")


def test_what_is_not_installed_is_named(monkeypatch, capfd) -> None:
    monkeypatch.setattr("colonnade.cli.executors.find_spec", lambda _name: None)
    assert main(["worker", "--scheduler", "tcp://127.0.0.1:9", "--role", "full"]) == 2
    (line,) = capfd.readouterr().err.splitlines()
    assert line.endswith("a cluster needs the package distributed; install colonnade[cluster]")


def test_memory_that_no_worker_can_do_with_is_refused(capfd) -> None:
    assert main(["worker", "--scheduler", "tcp://127.0.0.1:9", "--memory", "1K"]) == 2
    (line,) = capfd.readouterr().err.splitlines()
    assert line.endswith("too little memory for a worker; found 1K; expected 100M or more")
