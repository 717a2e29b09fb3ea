"""What of the genome is covered, range by range, and how it is cut into parts."""

from collections import deque
from collections.abc import Sequence
from itertools import groupby
from typing import Final

import numpy as np

from colonnade.formats.alignments import AlignmentFile
from colonnade.plan.ranges import plan_ranges
from colonnade.regions import Region

# Parts are cut between ranges of this plan, the same on every machine.
_FINE_SIZE: Final = 1 << 20  # uncompressed bytes of any file
_FINE_POSITIONS: Final = 1 << 16


class Cover:
    """Regions that are covered by ranges in order.

    Parameters
    ----------
    regions
        Sorted, as ``merge_regions`` gives them.
    before
        The last region in front of them that something else has covered.
    """

    def __init__(self, regions: Sequence[Region], *, before: Region | None = None) -> None:
        self._left = deque(regions)
        self._before = before

    @property
    def left(self) -> list[Region]:
        """What is not covered."""
        return list(self._left)

    def take(self, region: Region) -> int:
        """Cover the next range; returns where the one before it on the contig ended, or 0.

        Raises
        ------
        ValueError
            It is not the next.
        """
        first = self._left[0] if self._left else None
        if first is None or (region.contig, region.start) != (first.contig, first.start) or region.end > first.end:
            raise ValueError(f"{region} where {'nothing' if first is None else first} is next")
        self._left.popleft()
        if region.end < first.end:
            self._left.appendleft(Region(first.contig, region.end, first.end))
        before, self._before = self._before, region
        return before.end if before is not None and before.contig == region.contig else 0


def cut(regions: Sequence[Region], files: Sequence[AlignmentFile], parts: int) -> list[list[Region]]:
    """Cut regions, at window borders, into runs of about as many bytes each; some have none where a window has many.

    The cuts depend on regions, files and the number of parts alone.
    """
    ranges, weights = [], []
    for planned in plan_ranges(regions, files, size=_FINE_SIZE, positions=_FINE_POSITIONS):
        ranges.append(planned.region)
        weights.append(sum(planned.bytes) + len(planned.region))  # positions cost something where no read is
    ends = np.cumsum(weights, dtype=np.float64)
    middles = (ends - np.array(weights) / 2) / (ends[-1] if ranges else 1)
    numbers = np.minimum(np.floor(middles * parts), parts - 1).astype(np.int64)
    runs: list[list[Region]] = [[] for _ in range(parts)]
    for number, group in groupby(zip(numbers.tolist(), ranges, strict=True), key=lambda numbered: numbered[0]):
        runs[number] = _joined([region for _, region in group])
    return runs


def _joined(ranges: Sequence[Region]) -> list[Region]:
    """Ranges in order, those that touch as one."""
    joined: list[Region] = []
    for region in ranges:
        last = joined[-1] if joined else None
        if last is not None and (last.contig, last.end) == (region.contig, region.start):
            joined[-1] = Region(last.contig, last.start, region.end)
        else:
            joined.append(region)
    return joined
