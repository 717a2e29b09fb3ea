"""What the person at the terminal sees of a long stage: a bar there, a log line now and then elsewhere, one line at its end."""

import logging
import os
import stat
import sys
import threading
import time
from collections.abc import Callable, Collection, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from typing import TYPE_CHECKING, Final, TextIO, TypeAlias

from colonnade.run.pace import Pace, written_duration, written_rate, written_time

if TYPE_CHECKING:
    from rich.console import Console, ConsoleOptions, RenderResult

_log = logging.getLogger(__name__)

#: Called with (done, total); a total of None is not known.
Report: TypeAlias = Callable[[int, int | None], None]

#: Called with (stage, done, total); a stage has ended when all is done, or another one begins.
StageReport: TypeAlias = Callable[[str, int, int | None], None]

_SECONDS_BETWEEN_LINES: Final = 10.0
_SECONDS_WORTH_A_LINE: Final = 2.0
_DRAWN_A_SECOND: Final = 5
_DUMB: Final = ("dumb", "unknown")  # values of TERM: the cursor cannot go back
_STDOUT: Final = 1
_MARGIN: Final = 3  # columns: the terminal writes ^C where the line ends, and some break a line that is full
_NARROWEST_BAR: Final = 8
_WIDEST_BAR: Final = 40


@contextmanager
def show_progress(
    stage: str,
    *,
    unit: str,
    estimated: bool = False,
    quiet: bool = False,
    uses_stdout: bool = False,
    note: Callable[[], str] = lambda: "",
) -> Iterator[Report]:
    """Yield a function to call with (done, total); it is shown on standard error, and nothing where ``quiet``.

    A total of None is not known. On a terminal there is a bar, which is gone at the end; elsewhere a log line every ten seconds. A
    stage that ends well is told of in one more line if it took two seconds; one that does not leaves nothing behind.

    Parameters
    ----------
    stage
        What is being done: ``comparing``.
    unit
        What is counted: ``loci``.
    estimated
        Whether totals are, and so may change from call to call.
    uses_stdout
        Whether results go to standard output: nothing is shown if that is a terminal, and no bar unless it is a file.
    note
        What else is to be said each time: ``5 in flight on 2 workers``. Asked for in another thread.
    """
    if quiet or (uses_stdout and os.isatty(_STDOUT)):
        yield no_report
        return
    shown = _Shown(stage, unit, "about " if estimated else "", note)
    with _drawn(shown) if _can_draw(uses_stdout=uses_stdout) else _told(shown):
        yield shown.pace.update
    if shown.pace.elapsed >= _SECONDS_WORTH_A_LINE:
        _log.info("%s", shown.ending())


def no_report(_done: int, _total: int | None) -> None:
    """A ``Report`` that takes no notice."""


def no_stage_report(_stage: str, _done: int, _total: int | None) -> None:
    """A ``StageReport`` that takes no notice."""


class Stages(ExitStack):
    """What is shown of stages that follow each other; a context manager, called with (stage, done, total).

    Parameters
    ----------
    units
        What is counted in each stage; in others, nothing is. The stage of a step of a longer run is known by what is behind the
        last colon: ``align wk4: aligning``.
    estimated
        Stages with totals that may change; others end when all is done.
    quiet, uses_stdout, note
        As of ``show_progress``.
    """

    def __init__(
        self,
        units: Mapping[str, str],
        *,
        estimated: Collection[str] = (),
        quiet: bool = False,
        uses_stdout: bool = False,
        note: Callable[[], str] = lambda: "",
    ) -> None:
        super().__init__()
        self._units = units
        self._estimated = estimated
        self._quiet = quiet
        self._uses_stdout = uses_stdout
        self._note = note
        self._stage = ""
        self._report: Report = no_report

    def __call__(self, stage: str, done: int, total: int | None) -> None:
        """Tell how far a stage is; the one before has ended."""
        kind = stage.rpartition(": ")[2]
        if stage != self._stage:
            self.close()
            shown = show_progress(
                stage,
                unit=self._units.get(kind, ""),
                estimated=kind in self._estimated,
                quiet=self._quiet,
                uses_stdout=self._uses_stdout,
                note=self._note,
            )
            self._stage, self._report = stage, self.enter_context(shown)
        self._report(done, total)
        if done == total and kind not in self._estimated:
            self.close()
            self._report = no_report


class _Shown:
    """A stage in words, and as a line of a terminal."""

    def __init__(self, stage: str, unit: str, about: str, note: Callable[[], str]) -> None:
        self.pace = Pace(time.monotonic)
        self._stage = stage
        self._unit = unit
        self._about = about
        self._note = note

    def line(self) -> str:
        """How far it is, for a log."""
        pace = self.pace
        of_all = "" if pace.total is None else f" of {self._about}{pace.total:,}"
        count = f"{pace.done:,}{of_all} {self._unit}" if pace.done and self._unit else ""
        parts = (
            count,
            self._share(),
            self._rate(),
            f"{written_time(pace.elapsed)} elapsed",
            self._left(),
            self._note(),
        )
        return f"{self._stage}: {', '.join(filter(None, parts))}"

    def ending(self) -> str:
        """What has been done, and in what time."""
        pace = self.pace
        seconds = pace.elapsed
        if not (pace.done and self._unit):
            return f"{self._stage}: done in {written_duration(seconds)}"
        rate = f", {written_rate(pace.done / seconds)}" if seconds else ""
        return f"{self._stage}: {pace.done:,} {self._unit} in {written_duration(seconds)}{rate}"

    def __rich_console__(self, console: "Console", options: "ConsoleOptions") -> "RenderResult":
        """One line that is never wider than the terminal: on a narrow one less is said."""
        from rich.progress_bar import ProgressBar
        from rich.table import Table

        width = options.max_width - _MARGIN
        words = self._words(width - _NARROWEST_BAR - len(self._stage) - 2)
        room = min(_WIDEST_BAR, width - len(self._stage) - len(words) - 2)
        share = self.pace.share
        bar = ProgressBar(1.0, share or 0.0, width=max(1, room), pulse=share is None)
        grid = Table.grid(padding=(0, 1, 0, 0), pad_edge=False)
        for _ in range(3):
            grid.add_column(no_wrap=True, overflow="crop")
        grid.add_row(self._stage, bar, words)
        yield from console.render(grid, options.update(width=width, highlight=False))

    def _words(self, width: int) -> str:
        """As much as fits, from what matters most to what matters least, in an order of its own."""
        pace = self.pace
        of_all = "" if pace.total is None else f"/{pace.total:,}"
        count = f"{pace.done:,}{of_all} {self._unit}" if pace.done and self._unit else ""
        parts = [count, self._rate(), written_time(pace.elapsed), self._left(), self._note()]
        for least in (None, 4, 1, 2, 0):
            if least is not None:
                parts[least] = ""
            words = ", ".join(filter(None, parts))
            if len(words) <= width:
                return words
        return self._share()

    def _share(self) -> str:
        share = self.pace.share
        return "" if share is None else f"{int(100 * share)} %"

    def _rate(self) -> str:
        return "" if self.pace.rate is None or not self._unit else written_rate(self.pace.rate)

    def _left(self) -> str:
        return "" if self.pace.left is None else f"{written_time(self.pace.left)} left"


def _can_draw(*, uses_stdout: bool) -> bool:
    """Whether standard error is a terminal on which a line can be drawn anew, and nothing else goes there."""
    if not _is_terminal(sys.stderr) or os.environ.get("TERM") in _DUMB:
        return False
    return not uses_stdout or stat.S_ISREG(os.fstat(_STDOUT).st_mode)


def _is_terminal(stream: TextIO | None) -> bool:
    """Whether it is one; a program that was started without standard error has None for it."""
    return stream is not None and stream.isatty()


@contextmanager
def _drawn(shown: _Shown) -> Iterator[None]:
    from rich.console import Console
    from rich.live import Live

    # Log lines may be longer than the terminal is wide. Results go to stdout, which must stay what it is.
    console = Console(stderr=True, soft_wrap=True)
    with Live(shown, console=console, refresh_per_second=_DRAWN_A_SECOND, transient=True, redirect_stdout=False):
        yield


@contextmanager
def _told(shown: _Shown) -> Iterator[None]:
    """Let a thread speak, as a stage may have nothing to tell for a long time."""
    ended = threading.Event()

    def tell() -> None:
        while not ended.wait(_SECONDS_BETWEEN_LINES):
            _log.info("%s", shown.line())

    speaker = threading.Thread(target=tell, daemon=True)
    speaker.start()
    try:
        yield
    finally:
        ended.set()
        speaker.join()
