"""A bar on a terminal, a line now and then elsewhere, nothing where it is quiet, and a line at the end of each stage."""

import fcntl
import logging
import os
import pty
import re
import signal
import struct
import subprocess
import sys
import termios
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest

from colonnade.run import progress
from colonnade.run.progress import Stages, show_progress

CONTROL = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]")
_PATIENCE = 60  # seconds


@pytest.fixture
def told(caplog, monkeypatch) -> Callable[[], list[str]]:
    """What has been logged, without times; here all stages count as long."""
    caplog.set_level(logging.INFO)
    monkeypatch.setattr(progress, "_SECONDS_WORTH_A_LINE", 0.0)
    return lambda: [record.getMessage().partition(" in ")[0] for record in caplog.records]


class Line:
    """A stage whose clock stands still where it is set."""

    def __init__(
        self, monkeypatch, stage: str = "comparing", unit: str = "loci", about: str = "", note: str = ""
    ) -> None:
        self.now = 0.0
        monkeypatch.setattr(progress.time, "monotonic", lambda: self.now)
        self.shown = progress._Shown(stage, unit, about, lambda: note)

    def at(self, seconds: float, done: int, total: int | None) -> str:
        self.now = seconds
        self.shown.pace.update(done, total)
        return self.shown.line()


# Log lines


def test_a_line_says_how_far_how_fast_and_how_long(monkeypatch) -> None:
    line = Line(monkeypatch)
    assert line.at(20, 1_000_000, 9_000_000) == (
        "comparing: 1,000,000 of 9,000,000 loci, 11 %, 50k/s, 0:20 elapsed, 2:40 left"
    )


def test_an_estimated_total_is_called_about(monkeypatch) -> None:
    line = Line(monkeypatch, "aligning", "reads", about="about ")
    assert line.at(20, 200, 1000) == "aligning: 200 of about 1,000 reads, 20 %, 10/s, 0:20 elapsed, 1:20 left"


def test_without_a_total_there_is_no_time_left(monkeypatch) -> None:
    assert Line(monkeypatch).at(20, 200, None) == "comparing: 200 loci, 10/s, 0:20 elapsed"


def test_before_anything_is_done_the_time_is_told(monkeypatch) -> None:
    assert Line(monkeypatch).at(60, 0, 10) == "comparing: 0 %, 1:00 elapsed"


def test_a_note_comes_last(monkeypatch) -> None:
    line = Line(monkeypatch, note="5 in flight on 2 workers")
    assert line.at(20, 200, None).endswith(", 0:20 elapsed, 5 in flight on 2 workers")


def test_lines_come_also_while_a_stage_tells_nothing(monkeypatch, caplog) -> None:
    caplog.set_level(logging.INFO)
    monkeypatch.setattr(progress, "_SECONDS_BETWEEN_LINES", 0.001)
    spoken = threading.Event()
    with show_progress("sorting", unit="", note=lambda: spoken.set() or "") as report:
        report(0, None)
        assert spoken.wait(_PATIENCE)
    assert caplog.records[0].getMessage() == "sorting: 0:00 elapsed"


# What is said at the end


def test_a_stage_that_ends_well_is_told_of_in_one_line(told) -> None:
    with show_progress("comparing", unit="loci") as report:
        report(9000, 9000)
    assert told() == ["comparing: 9,000 loci"]


def test_short_stages_say_nothing(caplog, capfd) -> None:
    caplog.set_level(logging.INFO)
    with show_progress("comparing", unit="loci") as report:
        report(5, 5)
    assert not caplog.records
    assert capfd.readouterr() == ("", "")


def test_a_stage_that_counts_nothing_is_done(told) -> None:
    with show_progress("sorting", unit=""):
        pass
    assert told() == ["sorting: done"]


def test_the_rate_of_a_long_stage_is_that_of_all_of_it(monkeypatch) -> None:
    line = Line(monkeypatch)
    line.at(1, 600, 1200)
    line.at(120, 1200, 1200)
    assert line.shown.ending() == "comparing: 1,200 loci in 2:00, 10/s"


def test_quiet_says_nothing(told, capfd) -> None:
    with show_progress("comparing", unit="loci", quiet=True) as report:
        report(1, 2)
    assert told() == []
    assert capfd.readouterr() == ("", "")


def test_a_stage_that_fails_leaves_the_last_word_to_its_error(told) -> None:
    with suppress(ValueError), show_progress("comparing", unit="loci") as report:
        report(1, 2)
        raise ValueError
    assert told() == []


def test_a_program_without_standard_error_goes_on(monkeypatch) -> None:
    monkeypatch.setattr(sys, "stderr", None)
    with show_progress("comparing", unit="loci") as report:
        report(1, 2)


# Stages


def test_stages_end_when_all_is_done_or_another_begins(told) -> None:
    with Stages({"aligning": "reads", "pairing": "pairs"}, estimated=("aligning",)) as report:
        report("aligning", 5, 5)
        report("aligning", 9, 9)
        assert told() == []
        report("pairing", 3, 4)
        assert told() == ["aligning: 9 reads"]
        report("pairing", 4, 4)
        report("pairing", 4, 4)
        assert told() == ["aligning: 9 reads", "pairing: 4 pairs"]
        report("sorting", 0, None)
    assert told()[2:] == ["sorting: done"]


def test_a_stage_of_a_step_counts_what_the_stage_counts(told, monkeypatch) -> None:
    monkeypatch.setattr(progress, "_SECONDS_BETWEEN_LINES", 0.001)
    with Stages({"aligning": "reads", "pairing": "pairs"}, estimated=("aligning",)) as report:
        report("align wk4: aligning", 5, 5)
        wait_for(lambda: "align wk4: aligning: 5 of about 5 reads, 100 %" in "".join(told()))
        report("align wk4: pairing", 3, 3)
        report("align wk30: aligning", 7, 8)
    ends = [line for line in told() if " of " not in line and "elapsed" not in line]
    assert ends == ["align wk4: aligning: 5 reads", "align wk4: pairing: 3 pairs", "align wk30: aligning: 7 reads"]


def wait_for(condition: Callable[[], bool]) -> None:
    until = time.monotonic() + _PATIENCE
    while not condition():
        assert time.monotonic() < until
        time.sleep(0.001)


def test_a_stage_that_fails_ends_without_a_word(told) -> None:
    with suppress(ValueError), Stages({"aligning": "reads"}) as report:
        report("aligning", 5, 9)
        raise ValueError
    assert told() == []


# On a terminal

PROGRAM = """\
import argparse, logging, sys, time
from colonnade import cli
from colonnade.run import progress
from colonnade.run.progress import show_progress
progress._SECONDS_WORTH_A_LINE = 0.0
progress._SECONDS_BETWEEN_LINES = 0.05
cli._log_to_stderr(argparse.Namespace(verb="compare", quiet=False, verbose=False))
with show_progress("comparing", unit="loci", uses_stdout={uses_stdout}, note=lambda: "5 in flight on 2 workers") as report:
    report(1_234_567, 12_345_678)
    time.sleep(0.3)
    logging.getLogger("colonnade").info("in between")
    print("result")
    {last}
"""


class Screen:
    """What a program has written to a terminal."""

    def __init__(self, raw: str, code: int, stdout: str) -> None:
        self.raw = raw
        self.code = code
        self.stdout = stdout
        self.lines = [CONTROL.sub("", line) for line in re.split(r"[\r\n]+|\x1b\[2K", raw)]

    @property
    def bars(self) -> list[str]:
        return [line for line in self.lines if line.startswith("comparing ")]

    @property
    def log(self) -> list[str]:
        return [line for line in self.lines if line.startswith("colonnade compare: ")]


@pytest.fixture
def on_terminal(tmp_path: Path) -> Callable[..., Screen]:
    """Run the program with standard error on a terminal, and standard output in a file or there, too."""

    def run(
        columns: int = 80, last: str = "", *, stdout: str = "file", uses_stdout: bool = False, **environ: str
    ) -> Screen:
        ours, theirs = pty.openpty()
        fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", 24, columns, 0, 0))
        environment = {**os.environ, "TERM": "xterm", "COLUMNS": "", "NO_COLOR": "", **environ}
        command = [sys.executable, "-c", PROGRAM.format(last=last, uses_stdout=uses_stdout)]
        with (tmp_path / "out").open("wb") as file:
            outs: dict[str, Any] = {"file": file, "pipe": subprocess.PIPE, "terminal": theirs}
            with subprocess.Popen(command, stdout=outs[stdout], stderr=theirs, env=environment) as process:
                os.close(theirs)
                raw = read_all(ours)
                piped = b"" if process.stdout is None else process.stdout.read()
        os.close(ours)
        return Screen(raw, process.returncode, (piped or (tmp_path / "out").read_bytes()).decode())

    return run


def read_all(terminal: int) -> str:
    raw = b""
    while True:
        try:
            part = os.read(terminal, 1 << 16)
        except OSError:  # how Linux says that nobody has it open any more
            part = b""
        if not part:
            return raw.decode()
        raw += part


@pytest.mark.parametrize("columns", [20, 40, 60, 80, 200])
def test_a_bar_is_one_line_that_never_wraps(on_terminal, columns: int) -> None:
    screen = on_terminal(columns)
    assert screen.bars
    assert max(map(len, screen.bars)) <= columns - 2


def test_a_wide_terminal_shows_everything_and_a_narrow_one_what_matters_most(on_terminal) -> None:
    assert re.search(
        r"━ 1,234,567/12,345,678 loci, \S+M/s, 0:00, 0:0\d left, 5 in flight on 2 workers *$", on_terminal(120).bars[-1]
    )
    assert re.search(r"━ 1,234,567/12,345,678 loci, \S+M/s, 0:00, 0:0\d left *$", on_terminal(80).bars[-1])
    assert re.search(r"━ 1,234,567/12,345,678 loci, 0:00, 0:0\d left *$", on_terminal(66).bars[-1])
    assert re.search(r"━ 0:0\d left *$", on_terminal(36).bars[-1])
    assert re.search(r"comparing \S+ 9 % *$", on_terminal(27).bars[-1])


def test_at_the_end_the_bar_is_gone_and_the_log_remains_whole(on_terminal) -> None:
    screen = on_terminal()
    assert [re.sub("in .*", "in", line) for line in screen.log] == [
        "colonnade compare: in",
        "colonnade compare: comparing: 1,234,567 loci in",
    ]
    assert screen.raw.rindex("comparing: ") > screen.raw.rindex("\x1b[2K")
    assert "━" not in screen.raw[screen.raw.rindex("\x1b[2K") :]


def test_results_on_stdout_stay_what_they_are(on_terminal) -> None:
    assert on_terminal().stdout == "result\n"


@pytest.mark.parametrize(
    "last", ["raise ValueError", "import os, signal; os.kill(os.getpid(), signal.SIGINT); time.sleep(60)"]
)
def test_an_error_or_ctrl_c_leaves_no_bar_and_a_cursor(on_terminal, last: str) -> None:
    screen = on_terminal(last=last)
    assert screen.code in (1, -signal.SIGINT)
    assert screen.raw.rindex("\x1b[?25h") > screen.raw.rindex("\x1b[?25l")
    assert "━" not in screen.raw[screen.raw.rindex("\x1b[2K") :]


@pytest.mark.parametrize("kind", ["dumb", "unknown"])
def test_a_dumb_terminal_gets_lines_only(on_terminal, kind: str) -> None:
    screen = on_terminal(TERM=kind)
    assert "\x1b" not in screen.raw
    assert re.search(r"^colonnade compare: comparing: 1,234,567 of 12,345,678 loci, 9 %, ", screen.raw, re.MULTILINE)
    assert re.search(r"^colonnade compare: comparing: 1,234,567 loci in ", screen.raw, re.MULTILINE)


def test_without_colour_there_is_a_bar_all_the_same(on_terminal) -> None:
    screen = on_terminal(NO_COLOR="1")
    assert screen.bars
    assert not re.search(r"\x1b\[(?!\?25|2K|0m|1A)[0-9;]*m", screen.raw)


def test_a_bar_is_not_drawn_into_results(on_terminal) -> None:
    assert on_terminal(uses_stdout=True).bars
    assert "\x1b" not in on_terminal(uses_stdout=True, stdout="pipe").raw
    screen = on_terminal(uses_stdout=True, stdout="terminal")
    assert screen.raw.splitlines() == ["colonnade compare: in between", "result"]
