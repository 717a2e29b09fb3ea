"""How far a stage is and how fast it goes, and how such things are written for people."""

import math
from collections import deque
from collections.abc import Callable
from typing import Final

_WINDOW: Final = 30.0  # seconds: long enough for uneven ranges, short enough to forget what an earlier run had done
_BETWEEN_MARKS: Final = 0.5  # seconds
_MINUTE: Final = 60
_THOUSAND: Final = 1000
_PREFIXES: Final = ("", "k", "M", "G")


class Pace:
    """What is done of a stage, and how fast: the speed is that of the last half minute.

    Parameters
    ----------
    clock
        Seconds since any moment.

    Attributes
    ----------
    done, total
        As told last; a total of None is not known.
    """

    def __init__(self, clock: Callable[[], float]) -> None:
        self.done = 0
        self.total: int | None = None
        self._clock = clock
        self._started = clock()
        self._marks = deque([(self._started, 0)])

    def update(self, done: int, total: int | None) -> None:
        """Take note of how far it is."""
        now = self._clock()
        self.done, self.total = done, total
        if now - self._marks[-1][0] >= _BETWEEN_MARKS:
            self._marks.append((now, done))
        while len(self._marks) > 1 and now - self._marks[1][0] >= _WINDOW:
            self._marks.popleft()

    @property
    def elapsed(self) -> float:
        """Seconds since the beginning."""
        return self._clock() - self._started

    @property
    def share(self) -> float | None:
        """Part that is done, 0 to 1; None without a total."""
        if self.total is None:
            return None
        return min(1.0, self.done / self.total) if self.total else 1.0

    @property
    def rate(self) -> float | None:
        """So many a second of late; None before anything is done."""
        since, before = self._marks[0]
        seconds = self._clock() - since
        return (self.done - before) / seconds if seconds > 0 and self.done > before else None

    @property
    def left(self) -> float | None:
        """Seconds to come, if it goes on like this; None where that cannot be known, or nothing is to come."""
        if self.total is None or self.rate is None or self.done >= self.total:
            return None
        return (self.total - self.done) / self.rate


def written_time(seconds: float) -> str:
    """Seconds as clocks show them.

    Examples
    --------
    >>> written_time(83), written_time(7450)
    ('1:23', '2:04:10')
    """
    minutes, rest = divmod(int(seconds), _MINUTE)
    hours, minutes = divmod(minutes, _MINUTE)
    return f"{hours}:{minutes:02}:{rest:02}" if hours else f"{minutes}:{rest:02}"


def written_duration(seconds: float) -> str:
    """How long something took: tenths of seconds where it was short.

    Examples
    --------
    >>> written_duration(2.34), written_duration(83)
    ('2.3 s', '1:23')
    """
    return f"{seconds:.1f} s" if round(seconds, 1) < _MINUTE else written_time(seconds)


def written_rate(a_second: float) -> str:
    """A rate with three digits at most.

    Examples
    --------
    >>> written_rate(0.25), written_rate(853), written_rate(12_400), written_rate(3_200_000)
    ('0.25/s', '853/s', '12.4k/s', '3.2M/s')
    """
    rounded = float(f"{a_second:.3g}")
    power = min(len(_PREFIXES) - 1, max(0, int(math.log10(rounded)) // 3)) if rounded else 0
    return f"{rounded / _THOUSAND**power:.3g}{_PREFIXES[power]}/s"
