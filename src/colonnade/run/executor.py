"""Who carries tasks out. Engines hand over functions and tasks, and take results in order; they do not know where work is done."""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Final, Generic, Protocol, TypeVar

from colonnade.errors import UsageError
from colonnade.run.ordered import ordered_map

Task = TypeVar("Task")
Middle = TypeVar("Middle")
Result = TypeVar("Result")


class Executor(Protocol):
    """Carries tasks out, some at the same time."""

    @property
    def slots(self) -> int:
        """How many tasks are carried out at the same time, now."""

    @property
    def threads(self) -> int:
        """How many tasks are carried out at the same time within one process, which share its memory."""

    @property
    def is_remote(self) -> bool:
        """Whether tasks and results travel, so that small ones are not worth it."""

    @property
    def status(self) -> str:
        """What is worth saying of it beside the progress of a stage, such as ``5 in flight on 2 workers``; mostly nothing."""

    def map(
        self,
        function: Callable[[Task], Result],
        tasks: Iterable[Task],
        *,
        label: Callable[[Task], str] | None = None,
    ) -> Iterator[Result]:
        """Yield ``function(task)`` for each task, in the order of the tasks.

        Few results wait or are being made at any time, so memory does not grow with the number of tasks. The first exception
        ends the iteration. Tasks are asked for in the thread that iterates.

        Parameters
        ----------
        function
            A pure function. What it needs besides the task, such as open files, is a ``Resource``, so that it can travel; a
            ``Relay`` may be done by two workers.
        tasks
            May be endless, and is asked for little by little.
        label
            What a task is called where it fails, such as ``chr1:1-2,000``.
        """


@dataclass(frozen=True)
class Relay(Generic[Task, Middle, Result]):
    """A function in two steps: any worker can do the first, and only one with more memory the second.

    Parameters
    ----------
    first, second
        Pure functions.
    """

    first: Callable[[Task], Middle]
    second: Callable[[Middle], Result]

    def __call__(self, task: Task) -> Result:
        """Both steps."""
        return self.second(self.first(task))


@dataclass(frozen=True)
class Threads:
    """Threads of this process; one means the caller's.

    Parameters
    ----------
    threads
        How many.

    Raises
    ------
    UsageError
        Fewer than one.
    """

    threads: int
    is_remote: Final = False
    status: Final = ""

    def __post_init__(self) -> None:
        if self.threads < 1:
            raise UsageError("threads is out of range", found=str(self.threads), expected="1 or more")

    @property
    def slots(self) -> int:
        """As many as there are threads."""
        return self.threads

    def map(
        self,
        function: Callable[[Task], Result],
        tasks: Iterable[Task],
        *,
        label: Callable[[Task], str] | None = None,  # noqa: ARG002
    ) -> Iterator[Result]:
        """As ``Executor.map``."""
        return ordered_map(function, tasks, threads=self.threads)
