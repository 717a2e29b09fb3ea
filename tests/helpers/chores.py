"""Functions of plain Python that workers can import."""

import mmap
import os
import signal
import time
from dataclasses import dataclass

from colonnade.errors import FormatError, InputError
from colonnade.version import __version__


def square(number: int) -> int:
    return number * number


def doubled(data: bytes) -> bytes:
    return data + data


def nap(seconds: float) -> int:
    time.sleep(seconds)
    return os.getpid()


def touch_and_nap(task: tuple[str, int, float, bytes]) -> int:
    """Leave a file with the number of the process that is at it."""
    folder, number, seconds, _ = task
    with open(os.path.join(folder, f"{number}.{os.getpid()}"), "w"):
        time.sleep(seconds)
    return number


def length(data: bytes) -> int:
    return len(data)


def letters(n: int) -> bytes:
    return b"x" * n


def name(_task: object) -> str:
    """What the worker was called when it was started."""
    return os.environ.get("NAME", "")


def slowly_named(seconds: float) -> str:
    time.sleep(seconds)
    return name(seconds)


def failing_at_three(number: int) -> int:
    if number == 3:
        raise FormatError("is damaged", path="reads.bam", place="byte 7")
    return number


def dividing(number: int) -> float:
    return 1 / (number - 3)


def failing_where_bad(number: int) -> str:
    """Fails on the worker that was called bad."""
    time.sleep(0.05)
    if name(number) == "bad":
        raise InputError("cannot be read by this worker", path="ref.fa", found="No such file or directory")
    return name(number)


def eating(task: tuple[str, int]) -> int:
    """The first time that task 2 is begun, use memory without end."""
    folder, number = task
    begun = os.path.join(folder, "begun")
    if number == 2 and not os.path.exists(begun):
        with open(begun, "w"):
            pass
        eaten = []
        while True:
            eaten.append(b"x" * (16 << 20))
            time.sleep(0.02)
    return number


def searched(number: int) -> tuple[int, str, bytes]:
    time.sleep(0.05)
    return number, name(number), bytes(50_000)


def finished(searched: tuple[int, str, bytes]) -> tuple[int, str, str]:
    number, where, _ = searched
    time.sleep(0.05)
    return number, where, name(number)


def versions(_task: object) -> str:
    return __version__


def dying_at_three(number: int) -> int:
    if number == 3:
        os.kill(os.getpid(), signal.SIGKILL)
    return number


def pid_before(_number: int) -> int:
    time.sleep(0.02)
    return os.getpid()


def pid_after(before: int) -> tuple[int, int]:
    return before, os.getpid()


def same(data: bytes) -> bytes:
    return data


def slowly_square(number: int) -> int:
    time.sleep(0.05)
    return number * number


def mapping(path: str) -> int:
    """Read all of a file that is mapped into memory, and keep it mapped for a while."""
    with open(path, "rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as data:
        total = sum(data[at] for at in range(0, len(data), 4096))
        time.sleep(0.5)
        return total


@dataclass(frozen=True)
class Heavy:
    """Naps, and takes much with it, such as the names of a thousand files."""

    ballast: bytes

    def __call__(self, task: tuple[str, int]) -> int:
        touch_and_nap((*task, 0.1, b""))
        return len(self.ballast) + task[1]
