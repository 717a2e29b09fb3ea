"""Workers that die, come late, lack memory or files cost time, and never change a byte."""

import os
import shutil
import subprocess
from pathlib import Path

import pytest
from genomes import files_of
from jobs import JOBS, Clients, ended, errors, is_past, losses, wait_for, wait_for_work
from processes import Processes

from colonnade.cli import main

TRIES = 5  # a stage takes a fraction of a second, and a worker that is hit may have had nothing in hand
NOBODY = "no worker is there; waiting for one to join"


@pytest.mark.parametrize(
    ("name", "stage", "alone"),
    [("align", "aligning", False), ("align", "pairing", True), ("compare", "comparing", False)],
)
def test_a_worker_is_killed_at_work(
    processes: Processes, clients: Clients, expected, tmp_path: Path, name: str, stage: str, alone: bool
) -> None:
    for attempt in range(TRIES):
        victim, _ = processes.staff("full", "full")
        address, doing = victim.address, victim.doing()
        out = tmp_path / f"out{attempt}"
        client = clients.begin(name, out, "--scheduler", processes.address)
        wait_for_work(client, stage)
        for process in doing:
            process.suspend()
        victim.kill_the_worker_alone() if alone else victim.kill()
        is_late = is_past(client, name, stage)
        in_hand = losses(ended(client)).get(address, 0)
        assert files_of(out) == expected[name]
        if in_hand and not is_late:
            return
    pytest.fail(f"had nothing of the stage in hand when it was killed, {TRIES} times")


@pytest.mark.parametrize(("name", "stage"), [("align", "aligning"), ("align", "pairing"), ("compare", "comparing")])
def test_all_workers_are_killed_and_others_join(
    processes: Processes, clients: Clients, expected, tmp_path: Path, name: str, stage: str
) -> None:
    for attempt in range(TRIES):
        staff = processes.staff("full", "full")
        doing = [process for worker in staff for process in worker.doing()]
        out = tmp_path / f"out{attempt}"
        client = clients.begin(name, out, "--scheduler", processes.address)
        wait_for_work(client, stage)
        for process in doing:
            process.suspend()
        for worker in staff:
            worker.kill()
        is_late = is_past(client, name, stage)
        wait_for(client, NOBODY)
        processes.staff("full", "full")
        found = losses(ended(client))
        assert found.keys() == {worker.address for worker in staff}
        assert files_of(out) == expected[name]
        if any(found.values()) and not is_late:
            return
    pytest.fail(f"had nothing of the stage in hand when they were killed, {TRIES} times")


@pytest.mark.parametrize("name", JOBS)
def test_workers_join_a_run_that_has_none(
    processes: Processes, clients: Clients, expected, out: Path, name: str
) -> None:
    processes.staff()
    client = clients.begin(name, out, "--scheduler", processes.address)
    wait_for(client, NOBODY)
    processes.staff("full")
    processes.staff("full", "full")
    assert not losses(ended(client))
    assert files_of(out) == expected[name]


def test_a_worker_runs_out_of_memory_while_others_go_on(
    processes: Processes, clients: Clients, expected, out: Path
) -> None:
    processes.staff("full")
    hungry = processes.add(more=["--memory=120M"])
    text = clients.run("compare", out, "--scheduler", processes.address)
    hungry.kill()
    assert f"worker {hungry.addresses[0]} was lost, as it used " in text
    assert files_of(out) == expected["compare"]


# Files as one worker sees them

AS_ROOT = ("--map-root-user",) if os.geteuid() else ()
INSTEAD = ("unshare", *AS_ROOT, "--mount", "sh", "-c", 'mount --bind "$0" "$1" && shift && exec "$@"')
"""Before two names and a command: the command sees the first file or folder under the second name."""


@pytest.fixture(scope="module")
def others(data: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, tuple[Path, Path]]:
    """What a worker sees instead of what, by what is wrong with it."""
    if not shutil.which("unshare") or subprocess.run([*INSTEAD, "/", "/", "true"], check=False).returncode:
        pytest.skip("needs to be allowed to mount, as root or in a namespace of users")
    folder = tmp_path_factory.mktemp("others")
    (folder / "index").mkdir()
    (folder / "empty").mkdir()
    genome = (data / "ref.fa").read_text().replace("ACG", "AGC")
    (folder / "index" / "ref.fa").write_text(genome)
    assert main(["index", str(folder / "index" / "ref.fa"), "--quiet"]) == 0
    return {
        "no index": (folder / "empty", data / "index"),
        "another index": (folder / "index", data / "index"),
        "another file": (data / "late.bam", data / "early.bam"),
    }


@pytest.mark.parametrize(
    ("name", "role", "wrong", "message"),
    [
        ("align", "full", "no index", "ref.fa.bwt: cannot be read by this worker; found No such file"),
        ("align", "small", "another index", "ref.fa.bwt: another index than the one that the run began with"),
        ("compare", "full", "another file", "early.bam: another file than the one that the run began with"),
    ],
)
def test_a_worker_with_other_files_is_avoided(
    processes: Processes, clients: Clients, others, expected, out: Path, name: str, role: str, wrong: str, message: str
) -> None:
    processes.staff("full")
    bad = processes.add(role, place=[*INSTEAD, *map(str, others[wrong])])
    text = clients.run(name, out, "--scheduler", processes.address)
    (warning,) = [line for line in text.splitlines() if "warning" in line]
    assert f"worker {bad.address} failed at " in warning
    assert message in warning
    assert files_of(out) == expected[name]


@pytest.mark.parametrize(("name", "wrong"), [("align", "no index"), ("compare", "another file")])
def test_where_all_workers_have_other_files_the_run_fails(
    processes: Processes, clients: Clients, others, out: Path, name: str, wrong: str
) -> None:
    processes.staff()
    processes.add("full", place=[*INSTEAD, *map(str, others[wrong])])
    text = clients.run(name, out, "--scheduler", processes.address, code=1)
    (line,) = errors(text)
    assert "tried 3 times)" in line
    assert not [*out.iterdir()]
