"""What the person at the terminal sees of a long stage: a bar there, a log line now and then elsewhere."""

import logging
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Final

_log = logging.getLogger(__name__)

_SECONDS_BETWEEN_LINES: Final = 10.0


@contextmanager
def show_progress(stage: str, *, unit: str, quiet: bool = False) -> Iterator[Callable[[int, int], None]]:
    """Yield a function to call with (done, total); it draws on standard error, and nothing where ``quiet``.

    Parameters
    ----------
    stage
        What is being done: ``comparing``.
    unit
        What is counted: ``loci``.
    """
    if quiet:
        yield lambda _done, _total: None
    elif sys.stderr.isatty():
        yield from _bar(stage, unit)
    else:
        yield _lines(stage, unit)


def _bar(stage: str, unit: str) -> Iterator[Callable[[int, int], None]]:
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TextColumn(unit),
        TimeRemainingColumn(elapsed_when_finished=True),
    )
    with Progress(*columns, console=Console(stderr=True)) as progress:
        task = progress.add_task(stage, total=None)
        yield lambda done, total: progress.update(task, completed=done, total=total)


def _lines(stage: str, unit: str) -> Callable[[int, int], None]:
    started = last = time.monotonic()

    def report(done: int, total: int) -> None:
        nonlocal last
        now = time.monotonic()
        if now - last < _SECONDS_BETWEEN_LINES or not done:
            return
        last = now
        rate = done / (now - started)
        _log.info("%s: %d of %d %s, %.0f a second, %.0f s left", stage, done, total, unit, rate, (total - done) / rate)

    return report
