"""Workers of a cluster do tasks in order, whatever happens to them."""

import logging
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from itertools import count
from pathlib import Path
from typing import Any

import psutil
import pytest

pytest.importorskip("distributed")

import chores
import metered
from distributed import Client
from processes import HELPERS, Processes, WorkerProcess, started, wait_until

from colonnade.errors import ColonnadeError, FormatError, UsageError
from colonnade.run import carrying, crew
from colonnade.run.cluster import Cluster, connect
from colonnade.run.executor import Relay
from colonnade.version import __version__

LARGE = 100_000  # bytes that go directly to a worker


@pytest.fixture(scope="module")
def processes(tmp_path_factory) -> Iterator[Processes]:
    """A scheduler, and the workers that the tests add and leave."""
    with started(tmp_path_factory.mktemp("cluster")) as processes:
        yield processes


@pytest.fixture
def two(processes: Processes) -> list:
    """The two full workers that most tests need; the others are ended."""
    return staffed(processes, "full", "full")


@pytest.fixture
def cluster(processes: Processes, caplog) -> Iterator[Cluster]:
    caplog.set_level(logging.INFO, logger="colonnade")
    with connect(processes.address) as cluster:
        yield cluster


def staffed(processes: Processes, *names: str) -> list:
    """As ``Processes.staff``; those called eater have little memory."""
    return processes.staff(*names, more={"eater": ["--memory=300M"]})


def meanwhile(do: Callable[[], object]) -> threading.Thread:
    thread = threading.Thread(target=do)
    thread.start()
    return thread


def messages(caplog, level: int = logging.WARNING) -> list[str]:
    return [record.getMessage() for record in caplog.records if record.levelno >= level]


# Order and amount


def test_results_come_in_order(two, cluster: Cluster) -> None:
    assert list(cluster.map(chores.square, range(40))) == [n * n for n in range(40)]
    assert (cluster.slots, cluster.threads, cluster.is_remote) == (2, 1, True)
    assert cluster.status == "0 in flight on 2 workers"


def test_no_tasks_give_no_results(two, cluster: Cluster) -> None:
    assert list(cluster.map(chores.square, [])) == []


def test_endless_tasks_are_asked_for_little_by_little_and_can_be_left(two, cluster: Cluster) -> None:
    taken = []

    def tasks() -> Iterator[int]:
        for number in count():
            taken.append(number)
            yield number

    results = cluster.map(chores.square, tasks())
    for done in range(30):
        assert next(results) == done * done
        assert len(taken) - done <= 2 * cluster.slots + 8
    results.close()
    wait_until(lambda: cluster.status.startswith("0 in flight"))


def test_large_tasks_are_asked_for_as_far_as_memory_goes(two, cluster: Cluster, monkeypatch) -> None:
    monkeypatch.setattr("colonnade.run.cluster._MOST_HELD", 3 * LARGE)
    taken = []

    def tasks() -> Iterator[bytes]:
        for number in range(10):
            taken.append(number)
            yield bytes(LARGE)

    for done, result in enumerate(cluster.map(chores.length, tasks())):
        assert result == LARGE
        assert len(taken) - done <= 3
    assert len(taken) == done + 1 == 10


def test_what_a_consumer_raises_cancels_what_is_in_flight(two, cluster: Cluster, tmp_path: Path) -> None:
    def consume() -> None:
        for _ in cluster.map(chores.touch_and_nap, [(str(tmp_path), number, 0.3, b"") for number in range(100)]):
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        consume()
    wait_until(lambda: cluster.status.startswith("0 in flight"))
    wait_until(lambda: not any(cluster._client.processing().values()))
    assert len([*tmp_path.iterdir()]) < 10  # of those that were in flight, not all were begun


def test_results_wait_with_the_workers_until_they_are_due(two, cluster: Cluster, tmp_path: Path, monkeypatch) -> None:
    monkeypatch.setattr("colonnade.run.cluster._MOST_DUE", 2)
    results = cluster.map(chores.touch_and_nap, [(str(tmp_path), number, 0.01, b"") for number in range(40)])
    assert next(results) == 0
    waiting = results.gi_frame.f_locals["waiting"]
    wait_until(lambda: len([*tmp_path.iterdir()]) >= len(waiting) + 1)
    wait_until(lambda: not any(cluster._client.processing().values()))
    time.sleep(0.2)  # time enough to come here, for those that may
    assert len(waiting) > 2
    assert sum(future.done() for _, future in waiting) <= 2
    assert list(results) == [*range(1, 40)]


def scheduler_has(cluster: Cluster, what: str) -> dict:
    held = getattr(cluster._client, what)()
    return {worker: keys for worker, keys in held.items() if keys}


def test_large_data_do_not_pass_through_the_scheduler(two, cluster: Cluster, processes: Processes) -> None:
    list(cluster.map(chores.doubled, [b"warm"] * 4))
    before = traffic(cluster)
    n = 30
    assert list(cluster.map(chores.doubled, (bytes([number]) * LARGE for number in range(n)))) == [
        bytes([number]) * 2 * LARGE for number in range(n)
    ]
    assert traffic(cluster) - before < n * LARGE / 4


def test_a_large_function_travels_once(two, cluster: Cluster, processes: Processes, tmp_path: Path) -> None:
    list(cluster.map(chores.doubled, [b"warm"] * 4))
    before = traffic(cluster)
    tasks = [(str(tmp_path), number) for number in range(20)]
    assert list(cluster.map(chores.Heavy(bytes(LARGE)), tasks)) == [LARGE + number for number in range(20)]
    assert traffic(cluster) - before < 5 * LARGE


def test_a_large_function_is_sent_again_where_all_who_had_it_are_gone(
    processes: Processes, two, cluster: Cluster, tmp_path: Path
) -> None:
    def kill() -> None:
        wait_until(lambda: len(list(tmp_path.iterdir())) > 3)
        for worker in two:
            worker.kill()
        staffed(processes, "full")

    killing = meanwhile(kill)
    tasks = [(str(tmp_path), number) for number in range(12)]
    assert list(cluster.map(chores.Heavy(bytes(LARGE)), tasks)) == [LARGE + number for number in range(12)]
    killing.join()


def traffic(cluster: Cluster) -> int:
    """Bytes that have gone through the sockets of the scheduler so far."""
    return int(cluster._client.run_on_scheduler(metered.traffic))


def test_nothing_is_left_with_the_workers(two, cluster: Cluster) -> None:
    assert sum(cluster.map(chores.length, [bytes(LARGE)] * 10)) == 10 * LARGE
    wait_until(lambda: not scheduler_has(cluster, "has_what"))


# Workers that are lost


@pytest.mark.parametrize(("size", "alone"), [(1, False), (LARGE, True), (LARGE, False)])
def test_a_worker_is_killed_at_its_task(
    processes: Processes, two, cluster: Cluster, tmp_path: Path, caplog, size: int, alone: bool
) -> None:
    victim = two[0]
    address = victim.address
    n = 12

    def kill() -> None:
        wait_until(lambda: len(list(tmp_path.iterdir())) > 3)
        victim.kill_the_worker_alone() if alone else victim.kill()

    killing = meanwhile(kill)
    tasks = [(str(tmp_path), number, 0.1, bytes(size)) for number in range(n)]
    assert list(cluster.map(chores.touch_and_nap, tasks)) == [*range(n)]
    killing.join()
    begun = [path.name.split(".")[0] for path in tmp_path.iterdir()]
    assert {*begun} == {*map(str, range(n))}
    assert len(begun) > n  # at least the one that was at work when its worker died
    wait_until(lambda: messages(caplog))
    (message,) = messages(caplog)
    assert message.startswith(f"worker {address} was lost; its ")
    assert message.endswith(" done again")
    if alone:
        wait_until(lambda: len(victim.addresses) > 1)


def test_a_loss_just_before_the_end_is_told(processes: Processes, two, tmp_path: Path, caplog, monkeypatch) -> None:
    monkeypatch.setattr(crew, "_FOR_THE_CAUSE", 5.0)
    with connect(processes.address) as cluster:
        results = cluster.map(chores.touch_and_nap, [(str(tmp_path), number, 0.1, b"") for number in range(6)])
        next(results)
        two[0].kill()
        assert list(results) == [*range(1, 6)]
        assert not messages(caplog)
    (message,) = messages(caplog)
    assert message.startswith(f"worker {two[0].address} was lost; its ")


def test_all_workers_are_killed_and_others_join(
    processes: Processes, two, cluster: Cluster, tmp_path: Path, caplog, monkeypatch
) -> None:
    monkeypatch.setattr(crew, "_BEFORE_THE_FIRST_MESSAGE", 0.1)

    def kill() -> None:
        wait_until(lambda: len(list(tmp_path.iterdir())) > 3)
        for worker in two:
            worker.kill()
        wait_until(lambda: any("no worker is there" in message for message in messages(caplog, logging.INFO)))
        staffed(processes, "full", "full")

    killing = meanwhile(kill)
    tasks = [(str(tmp_path), number, 0.05, bytes(LARGE * (number % 2))) for number in range(12)]
    assert list(cluster.map(chores.touch_and_nap, tasks)) == [*range(12)]
    killing.join()
    (waiting,) = {message for message in messages(caplog, logging.INFO) if "no worker" in message}
    assert waiting.endswith(f"colonnade worker --scheduler {processes.address} --role full")


def test_work_waits_for_a_worker_with_the_right_role(processes: Processes, caplog, monkeypatch) -> None:
    monkeypatch.setattr(crew, "_BEFORE_THE_FIRST_MESSAGE", 0.1)
    caplog.set_level(logging.INFO)
    staffed(processes, "small")

    def join() -> None:
        wait_until(lambda: any("no worker with role full" in message for message in messages(caplog, logging.INFO)))
        staffed(processes, "small", "full")

    joining = meanwhile(join)
    with connect(processes.address) as cluster:
        assert {*cluster.map(chores.name, range(6))} == {"full"}
        joining.join()
        assert (cluster.slots, cluster.status) == (1, "0 in flight on 2 workers")


def test_a_task_that_is_lost_with_each_worker_ends_the_run(
    processes: Processes, two, cluster: Cluster, monkeypatch
) -> None:
    monkeypatch.setattr("colonnade.run.errands._LOSSES", 1)
    with pytest.raises(ColonnadeError, match=r"^the third: lost 2 times with its workers; out of memory\?"):
        list(cluster.map(chores.dying_at_three, [3], label=lambda _: "the third"))


def test_memory_of_a_lost_worker_is_told(processes: Processes, cluster: Cluster, tmp_path: Path, caplog) -> None:
    eaters = staffed(processes, "eater", "eater")
    assert list(cluster.map(chores.eating, [(str(tmp_path), number) for number in range(6)])) == [*range(6)]
    (message,) = wait_until(lambda: [message for message in messages(caplog) if "out of memory" in message])
    assert "MiB (out of memory?); its " in message
    assert sum(f"worker {eater.addresses[0]} was lost, as it used" in message for eater in eaters) == 1


def test_files_that_are_mapped_do_not_count_as_memory(
    processes: Processes, cluster: Cluster, tmp_path: Path, caplog
) -> None:
    staffed(processes, "eater")
    with (tmp_path / "large").open("wb") as file:
        file.truncate(400 << 20)
    assert list(cluster.map(chores.mapping, [str(tmp_path / "large")])) == [0]
    assert not [message for message in messages(caplog) if "out of memory" in message]


# Functions that fail


def test_an_error_is_tried_three_times_and_keeps_its_kind(two, cluster: Cluster, caplog) -> None:
    results = cluster.map(chores.failing_at_three, range(100), label=lambda number: f"batch {number}")
    assert [next(results) for _ in range(3)] == [0, 1, 2]
    with pytest.raises(FormatError, match=r"^reads\.bam: byte 7: is damaged") as caught:
        next(results)
    assert str(caught.value).endswith(" tried 3 times)")
    assert "batch 3" in str(caught.value)
    assert sorted(messages(caplog)) == sorted(
        f"worker {worker.address} failed at batch 3, and is avoided while there are others: "
        "reads.bam: byte 7: is damaged"
        for worker in two
    )


def test_any_other_exception_becomes_ours(two, cluster: Cluster) -> None:
    with pytest.raises(ColonnadeError, match=r"^ZeroDivisionError: division by zero \(at task 4, on worker tcp://"):
        list(cluster.map(chores.dividing, range(5)))


def test_a_worker_on_which_functions_fail_is_avoided(processes: Processes, cluster: Cluster, caplog) -> None:
    _, bad = staffed(processes, "full", "bad")
    assert [*cluster.map(chores.failing_where_bad, range(40))] == ["full"] * 40
    (message,) = [message for message in messages(caplog) if "failed" in message]
    assert message.startswith(f"worker {bad.address} failed at task ")
    assert message.endswith("ref.fa: cannot be read by this worker; found No such file or directory")


def test_where_all_others_are_gone_the_avoided_worker_is_asked_again(processes: Processes, cluster: Cluster) -> None:
    good, _ = staffed(processes, "full", "bad")
    results = cluster.map(chores.failing_where_bad, range(40))
    assert next(results) == "full"
    good.kill()
    with pytest.raises(ColonnadeError, match="cannot be read by this worker"):
        list(results)


def test_another_version_is_refused(two, cluster: Cluster, monkeypatch) -> None:
    monkeypatch.setattr(carrying, "__version__", "0.0.1")
    with pytest.raises(ColonnadeError, match=r"another version of colonnade.*found .*; expected 0\.0\.1; install"):
        list(cluster.map(chores.square, range(3)))


def with_bare_worker(processes: Processes, cluster: Cluster, *names: str) -> WorkerProcess:
    """Workers of these names, and one without colonnade."""
    staffed(processes, *names)
    bare = processes.add_bare()
    wait_until(lambda: cluster.status.endswith(f" on {len(names) + 1} worker{'s' * bool(names)}"))
    return bare


@pytest.mark.parametrize("size", [1, LARGE])
def test_a_worker_without_colonnade_is_avoided(processes: Processes, cluster: Cluster, caplog, size: int) -> None:
    bare = with_bare_worker(processes, cluster, "full")
    assert [*cluster.map(chores.length, [bytes(size)] * 20)] == [size] * 20
    (message,) = [message for message in messages(caplog) if "failed" in message]
    assert message.startswith(f"worker {bare.address} failed at task ")
    assert f": no colonnade on this worker; expected {__version__}; install it " in message
    assert bare.process.poll() is None


def test_a_relay_passes_by_a_worker_without_colonnade(processes: Processes, cluster: Cluster, caplog) -> None:
    with_bare_worker(processes, cluster, "full", "small")
    assert [number for number, _, _ in cluster.map(RELAY, range(20))] == [*range(20)]
    (message,) = [message for message in messages(caplog) if "failed" in message]
    assert "no colonnade on this worker" in message


def test_where_no_worker_has_colonnade_the_run_fails(processes: Processes, cluster: Cluster) -> None:
    bare = with_bare_worker(processes, cluster)
    with pytest.raises(
        ColonnadeError, match=r"^no colonnade on this worker \(at task 1, .*, tried 3 times\)"
    ) as caught:
        list(cluster.map(chores.square, range(3)))
    assert bare.address in str(caught.value)
    assert bare.process.poll() is None


# Relays


RELAY = Relay(chores.searched, chores.finished)


def test_small_workers_do_only_first_steps(processes: Processes, cluster: Cluster) -> None:
    staffed(processes, "full", "small")
    done = list(cluster.map(RELAY, range(30)))
    assert [number for number, _, _ in done] == [*range(30)]
    assert {second for _, _, second in done} == {"full"}
    assert {first for _, first, _ in done} == {"full", "small"}


def test_a_full_worker_does_both_steps_at_once(two, cluster: Cluster) -> None:
    done = list(cluster.map(Relay(chores.pid_before, chores.pid_after), range(20)))
    assert all(first == second for first, second in done)
    assert len({first for first, _ in done}) == 2


def test_what_is_begun_is_wanted_before_what_is_not_and_first_tasks_before_later_ones(
    two, cluster: Cluster, monkeypatch
) -> None:
    wanted: dict[str, list[int]] = {}

    def submit(client: Client, *arguments: Any, key: str, priority: int, **more: Any) -> Any:
        wanted.setdefault(key.split("-")[0], []).append(priority)
        return original(client, *arguments, key=key, priority=priority, **more)

    original = Client.submit
    monkeypatch.setattr(Client, "submit", submit)
    list(cluster.map(RELAY, range(20)))
    begin, finish = wanted["begin"], wanted["finish"]
    assert min(finish) > max(begin)
    assert begin == sorted(begin, reverse=True)
    assert len({*begin}) == len({*finish}) == 20


def test_a_relay_outlives_its_workers(processes: Processes, cluster: Cluster) -> None:
    workers = staffed(processes, "full", "full", "small")

    def kill() -> None:
        time.sleep(0.4)
        workers[0].kill()
        workers[2].kill()
        staffed(processes, "full", "small")

    killing = meanwhile(kill)
    done = list(cluster.map(RELAY, range(40)))
    killing.join()
    assert [number for number, _, _ in done] == [*range(40)]
    assert {second for _, _, second in done} == {"full"}


# Schedulers


def test_a_lost_scheduler_ends_the_run_at_once(tmp_path: Path) -> None:
    with started(tmp_path, "full") as processes, connect(processes.scheduler_file) as cluster:
        results = cluster.map(chores.nap, [0.05] * 1000)
        next(results)
        processes.scheduler.kill()
        with pytest.raises(ColonnadeError, match="the scheduler is gone; start it and its workers again"):
            list(results)
        with pytest.raises(ColonnadeError, match="the scheduler is gone"):
            list(cluster.map(chores.square, [1]))


@pytest.mark.parametrize(
    ("scheduler", "kind", "text"),
    [
        ("http://localhost:1", UsageError, "not the address of a scheduler; found http"),
        ("tcp://localhost", UsageError, "not the address of a scheduler"),
        ("tcp://localhost:x", UsageError, "not the address of a scheduler"),
        ("none.json", ColonnadeError, "none.json: no scheduler's file; found No such file"),
        ("tcp://127.0.0.1:9", ColonnadeError, "^tcp://127.0.0.1:9: the scheduler cannot be reached"),
    ],
)
def test_what_is_no_scheduler_is_told_in_one_line(scheduler: str, kind: type, text: str, monkeypatch) -> None:
    monkeypatch.setattr("colonnade.run.cluster._CONNECTING", 0.5)
    with pytest.raises(kind, match=text) as caught:
        connect(scheduler)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("text", ["", "{", "{}", "[]", '{"address": 5}'])
def test_other_files_are_no_schedulers(tmp_path: Path, text: str) -> None:
    (tmp_path / "file").write_text(text)
    with pytest.raises(ColonnadeError, match=r"/file: |not the address"):
        connect(tmp_path / "file")


# Processes here


PROGRAM = """
import sys, chores
from colonnade.run.cluster import local_cluster
if __name__ == "__main__":
    with local_cluster(2) as cluster:
        for number in cluster.map(chores.slowly_square, range(int(sys.argv[1]))):
            print(number, flush=True)
"""


@pytest.fixture
def program(tmp_path: Path) -> list[str]:
    (tmp_path / "program.py").write_text(PROGRAM)
    return [sys.executable, str(tmp_path / "program.py")]


def begun(program: list[str], n: int) -> tuple[subprocess.Popen[bytes], list[psutil.Process]]:
    """The program when its first result is there, and all processes that it has started."""
    environ = {**os.environ, "PYTHONPATH": str(HELPERS)}
    out, err = (Path(program[-1]).with_suffix(suffix) for suffix in (".out", ".err"))
    with out.open("wb") as said, err.open("wb") as told:
        process = subprocess.Popen([*program, str(n)], stdout=said, stderr=told, env=environ, start_new_session=True)
    wait_until(lambda: out.read_text().startswith("0\n"), what="the first result")
    return process, psutil.Process(process.pid).children(recursive=True)


def test_processes_here_do_the_work_and_listen_on_loopback_only(program: list[str]) -> None:
    process, children = begun(program, 40)
    tree = [psutil.Process(process.pid), *children]
    places = [place for one in tree for place in one.net_connections("tcp") if place.status == psutil.CONN_LISTEN]
    assert len(places) >= 5
    assert {place.laddr.ip for place in places} == {"127.0.0.1"}
    assert process.wait(60) == 0
    out, err = (Path(program[-1]).with_suffix(suffix).read_text() for suffix in (".out", ".err"))
    assert (out.split(), err) == ([str(number**2) for number in range(40)], "")
    assert not psutil.wait_procs(children, timeout=20)[1]


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGKILL])
def test_no_process_is_left_however_the_client_ends(program: list[str], number: int) -> None:
    process, children = begun(program, 1000)
    if number == signal.SIGINT:  # as Ctrl-C does: all processes of the terminal
        os.killpg(process.pid, number)
    else:
        process.kill()
    process.wait(60)
    assert not psutil.wait_procs(children, timeout=20)[1]
    err = Path(program[-1]).with_suffix(".err").read_text()
    assert err.count("Traceback") == (number == signal.SIGINT)  # the client's, which is that of the interrupt
