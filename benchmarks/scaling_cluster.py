"""A scheduler and workers as processes of their own on this machine, and what each of these roles uses."""

import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from statistics import median
from time import perf_counter
from typing import Final

import psutil

_PATIENCE: Final = 60.0  # seconds
_BETWEEN_LOOKS: Final = 0.05
_RESET_PEAK: Final = "5"  # what clears the peak of memory, written to /proc/PID/clear_refs


@dataclass(frozen=True)
class Spent:
    """What a command took, or several runs of it.

    Parameters
    ----------
    wall
        Seconds.
    client, scheduler, workers
        CPU seconds, of user and system.
    client_peak, scheduler_peak, worker_peak
        MiB of resident memory; of the largest worker.
    idle
        Seconds for which a worker's thread had nothing to do, which is not the same as waiting for a core that others use; the mean
        of all workers.
    """

    wall: float
    client: float
    scheduler: float = 0.0
    workers: float = 0.0
    client_peak: float = 0.0
    scheduler_peak: float = 0.0
    worker_peak: float = 0.0
    idle: float = 0.0

    @property
    def cpu(self) -> float:
        """CPU seconds of all roles."""
        return self.client + self.scheduler + self.workers

    @classmethod
    def middle(cls, several: Sequence["Spent"]) -> "Spent":
        """The median of each figure, but the least time on the clock: others on a machine only add to it."""
        figures = {name: [getattr(one, name) for one in several] for name in cls.__dataclass_fields__}
        return cls(**{name: (min if name == "wall" else median)(values) for name, values in figures.items()})

    def less(self, start: "Spent") -> "Spent":
        """The same without the time of another one."""
        times = ("wall", "client", "scheduler", "workers", "idle")
        return replace(self, **{name: getattr(self, name) - getattr(start, name) for name in times})


class Role:
    """Processes, with those that they have started."""

    def __init__(self, *roots: int) -> None:
        self._roots = roots

    @property
    def processes(self) -> list[psutil.Process]:
        """Those that are there now."""
        roots = [psutil.Process(root) for root in self._roots]
        return [process for root in roots for process in (root, *root.children(recursive=True))]

    def seconds(self) -> float:
        """CPU seconds until now."""
        return sum(sum(process.cpu_times()[:2]) for process in self.processes)

    def busy(self) -> list[float]:
        """Seconds until now in which the busiest thread of each root's processes used a core or waited for one."""
        return [max(_busy(process.pid) for process in Role(root).processes) for root in self._roots]

    def forget_peak(self) -> None:
        """Begin anew with the peak of memory."""
        for process in self.processes:
            Path(f"/proc/{process.pid}/clear_refs").write_text(_RESET_PEAK)

    def peak(self) -> float:
        """Most MiB that one of them has had since."""
        return max(_peak(process.pid) for process in self.processes)


@dataclass(frozen=True)
class Processes:
    """A scheduler and workers, by ``started``.

    Parameters
    ----------
    address
        Of the scheduler.
    scheduler, workers
        What runs.
    """

    address: str
    scheduler: Role
    workers: Role

    def spend(self, arguments: Sequence[str]) -> Spent:
        """Run the interpreter on these arguments, with the address in its environment."""
        roles = self.scheduler, self.workers
        for role in roles:
            role.forget_peak()
        before = [role.seconds() for role in roles]
        busy = self.workers.busy()
        client = spend(arguments, {"DASK_SCHEDULER_ADDRESS": self.address})
        scheduler, workers = (role.seconds() - seconds for role, seconds in zip(roles, before, strict=True))
        peaks = [role.peak() for role in roles]
        busy = [after - earlier for after, earlier in zip(self.workers.busy(), busy, strict=True)]
        idle = client.wall - sum(busy) / len(busy)
        return Spent(client.wall, client.client, scheduler, workers, client.client_peak, *peaks, idle)


@contextmanager
def started(workers: int) -> Iterator[Processes]:
    """A scheduler on loopback, and workers of one thread each, while the ``with`` block lasts."""
    with tempfile.TemporaryDirectory() as folder, ExitStack() as stack:
        file = Path(folder, "scheduler.json")
        options = ("--host", "127.0.0.1", "--port", "0", "--dashboard-address", "127.0.0.1:0")
        scheduler = _begin(stack, "-m", "distributed.cli.dask_scheduler", *options, "--scheduler-file", str(file))
        _wait_until(file.exists)
        command = ("-m", "colonnade", "worker", "--scheduler", str(file), "--threads", "1", "--quiet")
        roots = [_begin(stack, *command) for _ in range(workers)]
        # Imports of distributed take most of the time, so they are waited for here and counted nowhere.
        address = subprocess.run(
            [sys.executable, "-c", _WAIT, str(file), str(workers)], check=True, capture_output=True, text=True
        ).stdout.strip()
        yield Processes(address, Role(scheduler), Role(*roots))


def spend(arguments: Sequence[str], environment: Mapping[str, str] | None = None) -> Spent:
    """Run the interpreter on these arguments, with no cluster unless the environment names one."""
    begin = perf_counter()
    with subprocess.Popen(
        [sys.executable, *arguments], stdout=subprocess.DEVNULL, env={**os.environ, **(environment or {})}
    ) as process:
        _, status, usage = os.wait4(process.pid, 0)
        wall = perf_counter() - begin
        process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        raise SystemExit(f"failed with status {process.returncode}: {' '.join(arguments)}")
    return Spent(wall, usage.ru_utime + usage.ru_stime, client_peak=usage.ru_maxrss / 1024)


#: Prints the address of a scheduler by its file, when all workers are there.
_WAIT: Final = """
import sys
from distributed import Client
with Client(scheduler_file=sys.argv[1]) as client:
    client.wait_for_workers(int(sys.argv[2]), timeout=60)
    print(client.scheduler.address)
"""


def _begin(stack: ExitStack, *arguments: str) -> int:
    process = subprocess.Popen([sys.executable, *arguments], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    stack.callback(process.wait)
    stack.callback(process.terminate)
    return process.pid


def _peak(pid: int) -> float:
    lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith("VmHWM")) / 1024


def _busy(pid: int) -> float:
    """Of the busiest thread of a process; of the two times of ``schedstat`` one is on a core, the other in its queue."""
    files = Path(f"/proc/{pid}/task").glob("*/schedstat")
    times = [[int(time) for time in file.read_text().split()[:2]] for file in files]
    return sum(max(times)) / 1e9


def _wait_until(is_true: Callable[[], bool]) -> None:
    deadline = time.monotonic() + _PATIENCE
    while not is_true():
        if time.monotonic() > deadline:
            raise SystemExit("the scheduler has not begun")
        time.sleep(_BETWEEN_LOOKS)
