"""Where lines are wanted: a list of positions or intervals, read as ``samtools mpileup -l`` does (bedidx.c)."""

import gzip
import re
from pathlib import Path
from typing import Final

import numpy as np
import numpy.typing as npt

from colonnade.errors import FormatError
from colonnade.regions import Region

_GZIP: Final = b"\x1f\x8b"
_BYTE_ORDER_MARK: Final = b"\xef\xbb\xbf"
_LARGEST: Final = (1 << 62) - 1


class Positions:
    """Intervals by contig, 0-based and half-open, sorted; an empty one holds no position, but lets reads across it in.

    Parameters
    ----------
    intervals
        Contig to starts and ends.
    """

    def __init__(self, intervals: dict[str, list[tuple[int, int]]]) -> None:
        self._starts: dict[str, npt.NDArray[np.int64]] = {}
        self._reached: dict[str, npt.NDArray[np.int64]] = {}
        for contig, pairs in intervals.items():
            starts, ends = np.array(sorted(pairs), np.int64).T
            self._starts[contig] = starts
            self._reached[contig] = np.maximum.accumulate(ends)

    @classmethod
    def read(cls, path: str) -> "Positions":
        """Read lines of contig, start and end (BED, 0-based), or of contig and position (1-based); plain or compressed by gzip.

        Raises
        ------
        FormatError
            A line is neither.
        """
        raw = Path(path).read_bytes()
        content = (gzip.decompress(raw) if raw.startswith(_GZIP) else raw).removeprefix(_BYTE_ORDER_MARK)
        intervals: dict[str, list[tuple[int, int]]] = {}
        for number, raw_line in enumerate(content.split(b"\n"), start=1):
            line = raw_line.decode("utf-8", "surrogateescape")
            fields = [field.decode("utf-8", "surrogateescape") for field in raw_line.split()]  # ASCII white space only
            if (
                not fields
                or fields[0].startswith("#")
                or (fields[0] in ("browser", "track") and not _is_number(fields[1:2]))
            ):
                continue
            is_odd = not _is_number(fields[2:3]) and re.match("[-+0-9]", "".join(fields[2:3]))
            if not _is_number(fields[1:2]) or is_odd:
                raise _not_an_interval(path, number, line)
            start, end = int(fields[1]) - 1, int(fields[1])
            if _is_number(fields[2:3]):
                start, end = int(fields[1]), int(fields[2])
            if start < 0 or end < start:
                raise _not_an_interval(path, number, line)
            intervals.setdefault(fields[0], []).append((min(start, _LARGEST), min(end, _LARGEST)))
        return cls(intervals)

    def hull(self, region: Region) -> Region | None:
        """The part of a region from the first interval to the last; None where there is none."""
        if region.contig not in self._starts:
            return None
        start = max(region.start, int(self._starts[region.contig][0]))
        end = min(region.end, int(self._reached[region.contig][-1]))
        return Region(region.contig, start, end) if start < end else None

    def within(self, region: Region) -> "Positions":
        """The intervals that have a part in a region."""
        part = Positions({})
        if region.contig in self._starts:
            starts, reached = self._starts[region.contig], self._reached[region.contig]
            first = np.searchsorted(reached, region.start, side="right")
            last = np.searchsorted(starts, region.end, side="left")
            part._starts[region.contig], part._reached[region.contig] = starts[first:last], reached[first:last]
        return part

    def overlap(self, contig: str, starts: npt.NDArray[np.int64], ends: npt.NDArray[np.int64]) -> npt.NDArray[np.bool_]:
        """Which of some reads overlap an interval; one without span takes one position."""
        if contig not in self._starts:
            return np.zeros(len(starts), np.bool_)
        before = np.searchsorted(self._starts[contig], np.maximum(ends, starts + 1), side="left")
        reached = np.concatenate([[-1], self._reached[contig]])
        overlapping: npt.NDArray[np.bool_] = reached[before] > starts
        return overlapping

    def mask(self, region: Region) -> npt.NDArray[np.bool_]:
        """Which positions of a region are in an interval."""
        positions = np.arange(region.start, region.end)
        return self.overlap(region.contig, positions, positions + 1)


def _is_number(fields: list[str]) -> bool:
    return bool(fields) and re.fullmatch("[0-9]{1,18}", fields[0]) is not None


def _not_an_interval(path: str, number: int, line: str) -> FormatError:
    return FormatError(
        "neither an interval nor a position",
        path=path,
        place=f"line {number}",
        found=repr(line.strip()[:60]),
        expected="contig, start, end (BED), or contig and 1-based position",
    )
