"""A scheduler and workers as processes of their own, started as people start them."""

import contextlib
import json
import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import psutil

HELPERS = Path(__file__).parent
_PATIENCE = 60.0  # seconds
_SCHEDULER = ["-m", "distributed.cli.dask_scheduler"]


def wait_until(is_true: Callable[[], Any], *, what: str = "it", seconds: float = _PATIENCE) -> Any:
    """What ``is_true`` gives, as soon as it is true."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        if found := is_true():
            return found
        time.sleep(0.02)
    raise AssertionError(f"{what} did not come about in {seconds} s")


@dataclass
class Running:
    """A process with a log."""

    process: subprocess.Popen[bytes]
    log: Path

    @property
    def text(self) -> str:
        return self.log.read_text(errors="replace")

    def tree(self) -> list[psutil.Process]:
        """Its process and those that it has started, also by others."""
        with contextlib.suppress(psutil.NoSuchProcess):
            me = psutil.Process(self.process.pid)
            return [me, *me.children(recursive=True)]
        return []

    def kill(self) -> None:
        """End it and all that it has started with SIGKILL."""
        _kill(self.tree())
        self.process.wait(_PATIENCE)

    def stop(self, number: int = signal.SIGTERM) -> int:
        """Let it end; its exit code."""
        self.process.send_signal(number)
        return self.process.wait(_PATIENCE)


@dataclass
class WorkerProcess(Running):
    """``colonnade worker``; what its name is, its tasks find as the variable NAME."""

    name: str = ""

    @property
    def addresses(self) -> list[str]:
        """Under which it has joined, the last one last."""
        return re.findall(r"(?:joined \S+ as|Start worker at:) +(\w+://[\w.]+:\d+)", self.text)

    @property
    def address(self) -> str:
        return self.addresses[-1]

    def has_joined_or_ended(self) -> bool:
        return bool(self.addresses) or self.process.poll() is not None

    def doing(self) -> list[psutil.Process]:
        """What does the tasks, and not what watches over it."""
        return [process for process in self.tree()[1:] if "spawn_main" in " ".join(process.cmdline())]

    def kill_the_worker_alone(self) -> None:
        """End with SIGKILL what does the tasks."""
        _kill(self.doing())


@dataclass
class Processes:
    """A scheduler on a port of its own on loopback, and workers. Made by ``started``."""

    folder: Path
    scheduler: Running
    address: str
    tls: Sequence[str] = ()
    workers: list[WorkerProcess] = field(default_factory=list)

    @property
    def scheduler_file(self) -> Path:
        return self.folder / "scheduler.json"

    def add(
        self,
        role: str = "full",
        *,
        threads: int = 1,
        wait: bool = True,
        more: Sequence[str] = (),
        place: Sequence[str] = (),
        **environ: str,
    ) -> WorkerProcess:
        """Start a worker, by the command ``place`` if there is one, and wait until it has joined."""
        command = ["-m", "colonnade", "worker", "--scheduler", self.address, f"--role={role}", f"--threads={threads}"]
        log = self.folder / f"worker{len(self.workers)}.log"
        started = _start([*command, *self.tls, *more], log, environ, place)
        worker = WorkerProcess(started, log, environ.get("NAME", ""))
        self.workers.append(worker)
        if wait:
            self.wait_for(worker)
        return worker

    def add_bare(self) -> WorkerProcess:
        """Start a worker of Dask that has no colonnade, and offers what a full one does."""
        log = self.folder / f"worker{len(self.workers)}.log"
        options = ["--nthreads=1", "--no-nanny", "--resources=search=1,full=1", "--dashboard-address=127.0.0.1:0"]
        command = [str(HELPERS / "bare_worker.py"), self.address, "--host=127.0.0.1", *options]
        worker = WorkerProcess(_start(command, log, {}, ()), log, "bare")
        self.workers.append(worker)
        self.wait_for(worker)
        return worker

    def staff(self, *names: str, more: Mapping[str, Sequence[str]] | None = None) -> list[WorkerProcess]:
        """Let there be workers of these names, and no others: full ones, but for those called small; those that are there stay.

        ``more`` has options for workers of some names.
        """
        there = [worker for worker in self.workers if worker.process.poll() is None]
        staff = []
        for name in names:
            fit = next((worker for worker in there if worker.name == name), None)
            if fit:
                there.remove(fit)
            role = "small" if name.startswith("small") else "full"
            staff.append(fit or self.add(role, wait=False, more=(more or {}).get(name, ()), NAME=name))
        for worker in there:
            worker.kill()
        self.wait_for(*staff)
        return staff

    def wait_for(self, *workers: WorkerProcess) -> None:
        """Wait until they have joined."""
        for worker in workers:
            wait_until(worker.has_joined_or_ended, what=f"joining, see {worker.log},")
            assert worker.addresses, worker.text

    def stop(self) -> None:
        """End all."""
        for running in [*self.workers, self.scheduler]:
            running.kill()

    def logs(self) -> str:
        """What all have said."""
        return "\n".join(f"== {one.log.name}\n{one.text}" for one in [self.scheduler, *self.workers])


@contextlib.contextmanager
def started(
    folder: Path,
    *roles: str,
    threads: int = 1,
    scheduler: Sequence[str] = (),
    tls: Sequence[str] = (),
    place: Sequence[str] = (),
) -> Iterator[Processes]:
    """Start a scheduler and a worker of each role; end all of them at the end, and show what they have said on an error.

    Workers find modules of the folder of this file. The scheduler is started by the command ``place``, if
    there is one. With ``tls``, the options --tls-ca, --tls-cert and --tls-key of all of them.
    """
    folder.mkdir(parents=True, exist_ok=True)
    file, log = folder / "scheduler.json", folder / "scheduler.log"
    file.unlink(missing_ok=True)
    security = [part.replace("--tls-ca", "--tls-ca-file") for part in tls]
    here = f"{'tls' if tls else 'tcp'}://127.0.0.1"
    options = ["--host", here, "--port", "0", "--dashboard-address", "127.0.0.1:0", "--scheduler-file", str(file)]
    options += ["--preload", "metered"]
    process = _start([*_SCHEDULER, *options, *security, *scheduler], log, {}, place)
    processes = Processes(folder, Running(process, log), "", tls)
    try:
        processes.address = wait_until(lambda: _address(file), what="the scheduler")
        processes.wait_for(*[processes.add(role, threads=threads, wait=False) for role in roles])
        yield processes
    except BaseException:
        print(processes.logs())
        raise
    finally:
        processes.stop()


def _address(file: Path) -> str:
    try:
        return str(json.loads(file.read_text())["address"])
    except (OSError, ValueError):
        return ""


def _start(command: Sequence[str], log: Path, environ: dict[str, str], place: Sequence[str]) -> subprocess.Popen[bytes]:
    path = os.pathsep.join([str(HELPERS), *filter(None, [os.environ.get("PYTHONPATH")])])
    with log.open("wb") as out:
        return subprocess.Popen(
            [*place, sys.executable, *command],
            stdin=subprocess.DEVNULL,
            stdout=out,
            stderr=out,
            env={**os.environ, "PYTHONPATH": path, **environ},
        )


def _kill(processes: Sequence[psutil.Process]) -> None:
    for process in processes:
        with contextlib.suppress(psutil.NoSuchProcess):
            process.kill()
