"""A bar on a terminal, a line now and then elsewhere, nothing where it is quiet."""

import io
import logging

import pytest

from colonnade.run import progress


@pytest.fixture
def clock(monkeypatch):
    class Clock:
        now = 100.0

        def monotonic(self) -> float:
            return self.now

    made = Clock()
    monkeypatch.setattr(progress, "time", made)
    return made


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def test_quiet_says_nothing(monkeypatch, caplog) -> None:
    monkeypatch.setattr("sys.stderr", Terminal())
    with progress.show_progress("comparing", unit="loci", quiet=True) as report:
        report(1, 2)
    assert progress.sys.stderr.getvalue() == ""
    assert not caplog.records


def test_lines_come_at_most_every_ten_seconds(clock, caplog) -> None:
    caplog.set_level(logging.INFO)
    with progress.show_progress("comparing", unit="loci") as report:
        for second in range(1, 26):
            clock.now = 100.0 + second
            report(10 * second, 1000)
    assert [record.getMessage() for record in caplog.records] == [
        "comparing: 100 of 1000 loci, 10 a second, 90 s left",
        "comparing: 200 of 1000 loci, 10 a second, 80 s left",
    ]


def test_short_stages_say_nothing(clock, caplog, capsys) -> None:
    caplog.set_level(logging.INFO)
    with progress.show_progress("comparing", unit="loci") as report:
        clock.now += 9.0
        report(5, 5)
    assert not caplog.records
    assert capsys.readouterr() == ("", "")


def test_nothing_done_yet_is_no_division_by_zero(clock, caplog) -> None:
    caplog.set_level(logging.INFO)
    with progress.show_progress("comparing", unit="loci") as report:
        clock.now += 60.0
        report(0, 10)
    assert not caplog.records


def test_terminal_gets_a_bar_on_stderr_only(monkeypatch, capsys) -> None:
    terminal = Terminal()
    monkeypatch.setattr("sys.stderr", terminal)
    with progress.show_progress("comparing", unit="loci") as report:
        report(3, 10)
        report(10, 10)
    assert "comparing" in terminal.getvalue()
    assert "10/10" in terminal.getvalue()
    assert capsys.readouterr().out == ""


@pytest.mark.parametrize("is_terminal", [True, False])
def test_errors_pass_through(monkeypatch, is_terminal: bool) -> None:
    monkeypatch.setattr("sys.stderr", Terminal() if is_terminal else io.StringIO())
    with pytest.raises(ValueError, match="within"):
        report_and_raise()


def report_and_raise() -> None:
    with progress.show_progress("comparing", unit="loci") as report:
        report(1, 2)
        raise ValueError("within")


def test_an_estimated_total_is_called_about(clock, caplog) -> None:
    caplog.set_level(logging.INFO)
    with progress.show_progress("aligning", unit="reads", estimated=True) as report:
        clock.now += 20.0
        report(200, 1000)
    assert [record.getMessage() for record in caplog.records] == [
        "aligning: 200 of about 1000 reads, 10 a second, 80 s left"
    ]


def test_without_a_total_there_is_no_time_left(clock, caplog, monkeypatch) -> None:
    caplog.set_level(logging.INFO)
    with progress.show_progress("aligning", unit="reads") as report:
        clock.now += 20.0
        report(200, None)
    assert [record.getMessage() for record in caplog.records] == ["aligning: 200 reads, 10 a second"]
    monkeypatch.setattr("sys.stderr", terminal := Terminal())
    with progress.show_progress("aligning", unit="reads") as report:
        report(200, None)
    assert "200/?" in terminal.getvalue()


def test_the_bar_shows_the_pace_also_if_the_total_changes(clock, monkeypatch) -> None:
    monkeypatch.setattr("sys.stderr", terminal := Terminal())
    with progress.show_progress("aligning", unit="reads", estimated=True) as report:
        for _ in range(2):
            clock.now += 2.0
            report(int(5 * (clock.now - 100)), int(clock.now))
    assert "reads 5 a second, 17 s left" in terminal.getvalue()
