"""A run that ends early, however that comes about, is gone on with anywhere, and ends with the bytes of one run."""

import shutil
import signal
from pathlib import Path

import pytest
from genomes import files_of
from jobs import JOBS, STAGES, Clients, ended, errors, wait_for_work
from processes import Processes, started

PAUSE = "0.05"  # seconds: there are dozens of batches
KEPT = "what is done is kept in {}; the same command with --resume goes on"


@pytest.mark.parametrize(
    ("name", "stage", "number"),
    [*((*stage, signal.SIGKILL) for stage in STAGES), *((*stage, signal.SIGINT) for stage in STAGES[1:])],
)
def test_a_client_is_ended_and_another_goes_on(
    processes: Processes, clients: Clients, expected, tmp_path: Path, name: str, stage: str, number: int
) -> None:
    job, out, copy = JOBS[name], tmp_path / "out", tmp_path / "copy"
    processes.staff("full", "full")
    client = clients.begin(name, out, "--scheduler", processes.address, PAUSE=PAUSE)
    wait_for_work(client, stage)
    client.process.send_signal(number)
    text = ended(client, 130 if number == signal.SIGINT else -signal.SIGKILL)
    left = {path.name for path in out.iterdir() if not path.name.startswith(".")}
    assert left == {job.unfinished}
    if number == signal.SIGINT:
        assert {path.name for path in out.iterdir()} == left
        assert KEPT.format(out / job.unfinished) in text
        assert errors(text) == [f"colonnade {name}: error: interrupted"]
    shutil.copytree(out, copy)
    clients.run(name, out, "--resume", "--scheduler", processes.address)
    clients.run(name, copy, "--resume", "--threads", "2")
    assert files_of(out) == files_of(copy) == expected[name]


@pytest.mark.parametrize("name", ["align", "compare"])
def test_a_scheduler_is_killed_and_another_goes_on(
    processes: Processes, clients: Clients, expected, tmp_path: Path, name: str
) -> None:
    job, out = JOBS[name], tmp_path / "out"
    with started(tmp_path / "first", "full", "full") as first:
        client = clients.begin(name, out, "--scheduler", first.address, PAUSE=PAUSE)
        wait_for_work(client, job.stages[0])
        first.scheduler.kill()
        text = ended(client, 1)
    (line,) = errors(text)
    assert f"{first.address}: the scheduler is gone; " in line
    assert KEPT.format(out / job.unfinished) in text
    assert [path.name for path in out.iterdir()] == [job.unfinished]
    processes.staff("full", "full")
    clients.run(name, out, "--resume", "--scheduler", processes.address)
    assert files_of(out) == expected[name]
