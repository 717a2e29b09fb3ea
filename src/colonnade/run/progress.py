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
def show_progress(
    stage: str, *, unit: str, estimated: bool = False, quiet: bool = False
) -> Iterator[Callable[[int, int | None], None]]:
    """Yield a function to call with (done, total); it draws on standard error, and nothing where ``quiet``.

    A total of None is not known.

    Parameters
    ----------
    stage
        What is being done: ``comparing``.
    unit
        What is counted: ``loci``.
    estimated
        Whether totals are, and so may change from call to call.
    """
    if quiet:
        yield lambda _done, _total: None
    elif sys.stderr.isatty():
        yield from _bar(stage, unit)
    else:
        yield _lines(stage, unit, "about " if estimated else "")


def _bar(stage: str, unit: str) -> Iterator[Callable[[int, int | None], None]]:
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn

    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TextColumn(unit),
        TextColumn("{task.fields[pace]}"),
    )
    started = time.monotonic()
    with Progress(*columns, console=Console(stderr=True, soft_wrap=True)) as progress:
        task = progress.add_task(stage, total=None, pace="")

        def report(done: int, total: int | None) -> None:
            pace = _pace(done, total, time.monotonic() - started)
            progress.update(task, completed=done, total=total, pace=pace)

        yield report


def _lines(stage: str, unit: str, about: str) -> Callable[[int, int | None], None]:
    started = last = time.monotonic()

    def report(done: int, total: int | None) -> None:
        nonlocal last
        now = time.monotonic()
        if now - last < _SECONDS_BETWEEN_LINES or not done:
            return
        last = now
        of_all = "" if total is None else f" of {about}{total}"
        _log.info("%s: %d%s %s, %s", stage, done, of_all, unit, _pace(done, total, now - started))

    return report


def _pace(done: int, total: int | None, seconds: float) -> str:
    """So many a second and, with a total, the time left; rich would measure anew with each change of the total."""
    if not (done and seconds):
        return ""
    rate = done / seconds
    left = "" if total is None else f", {(total - done) / rate:.0f} s left"
    return f"{rate:.0f} a second{left}"
