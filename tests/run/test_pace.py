"""How far, how fast, how long: in numbers and in words."""

import pytest

from colonnade.run.pace import Pace, written_duration, written_rate, written_time


class Clock:
    now = 100.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


def test_before_anything_is_done_nothing_is_known(clock: Clock) -> None:
    pace = Pace(clock)
    assert (pace.rate, pace.left, pace.share) == (None, None, None)
    pace.update(0, 10)
    clock.now += 5
    assert (pace.rate, pace.left, pace.share, pace.elapsed) == (None, None, 0.0, 5.0)


def test_what_is_left_follows_from_rate_and_total(clock: Clock) -> None:
    pace = Pace(clock)
    clock.now += 4
    pace.update(20, 100)
    assert (pace.rate, pace.left, pace.share) == (5.0, 16.0, 0.2)


def test_without_a_total_nothing_is_left_to_tell(clock: Clock) -> None:
    pace = Pace(clock)
    clock.now += 4
    pace.update(20, None)
    assert (pace.rate, pace.left, pace.share) == (5.0, None, None)


@pytest.mark.parametrize("total", [0, 20])
def test_at_the_end_nothing_is_left(clock: Clock, total: int) -> None:
    pace = Pace(clock)
    clock.now += 4
    pace.update(total, total)
    assert (pace.left, pace.share) == (None, 1.0)


def test_the_rate_forgets_what_was_done_at_once_by_an_earlier_run(clock: Clock) -> None:
    pace = Pace(clock)
    pace.update(1_000_000, 2_000_000)
    for second in range(1, 121):
        clock.now = 100.0 + second
        pace.update(1_000_000 + 10 * second, 2_000_000)
    assert pace.rate == 10.0
    assert pace.left == (2_000_000 - pace.done) / 10


def test_the_rate_falls_while_nothing_comes(clock: Clock) -> None:
    pace = Pace(clock)
    clock.now += 10
    pace.update(100, 200)
    clock.now += 10
    assert pace.rate == 5.0


def test_marks_are_few_however_often_it_is_told(clock: Clock) -> None:
    pace = Pace(clock)
    for number in range(100_000):
        clock.now += 0.01
        pace.update(number, None)
    assert len(pace._marks) <= 62


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(0, "0:00"), (59.9, "0:59"), (60, "1:00"), (3599, "59:59"), (3600, "1:00:00"), (90_000, "25:00:00")],
)
def test_times_are_written_as_clocks_show_them(seconds: float, text: str) -> None:
    assert written_time(seconds) == text


@pytest.mark.parametrize(("seconds", "text"), [(0, "0.0 s"), (59.94, "59.9 s"), (59.96, "0:59"), (60, "1:00")])
def test_short_durations_have_tenths(seconds: float, text: str) -> None:
    assert written_duration(seconds) == text


@pytest.mark.parametrize(
    ("rate", "text"),
    [(0, "0/s"), (0.254, "0.254/s"), (9.994, "9.99/s"), (999.4, "999/s"), (999.6, "1k/s"), (1_234, "1.23k/s"),
     (99_960, "100k/s"), (999_600, "1M/s"), (3_210_000, "3.21M/s"), (5e11, "500G/s")],
)  # fmt: skip
def test_rates_have_three_digits_at_most(rate: float, text: str) -> None:
    assert written_rate(rate) == text
