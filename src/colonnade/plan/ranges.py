"""From regions of interest to ranges of bounded bytes, by the linear index of each file."""

from collections.abc import Iterator, Sequence
from typing import Final

import numpy as np
import numpy.typing as npt

from colonnade.formats.bai import WINDOW_BITS
from colonnade.formats.bam import BamFile
from colonnade.regions import Region

INFLATION: Final = 4  # uncompressed over compressed bytes of a usual BAM


def plan_ranges(regions: Sequence[Region], files: Sequence[BamFile], *, size: int, positions: int) -> Iterator[Region]:
    """Cut regions at 16 kb windows, so that each range holds about ``size`` uncompressed bytes at most, and ``positions``.

    A single window is never cut, however deep it is. The ranges cover the regions exactly once, in order.
    """
    window = 1 << WINDOW_BITS
    for region in regions:
        costs = _window_costs(region, files)
        start = region.start
        held = 0
        for number, cost in enumerate(costs.tolist(), start=region.start >> WINDOW_BITS):
            left = number * window
            if left > start and (held + cost > size or left + window - start > positions):
                yield Region(region.contig, start, left)
                start, held = left, 0
            held += cost
        yield Region(region.contig, start, region.end)


def _window_costs(region: Region, files: Sequence[BamFile]) -> npt.NDArray[np.int64]:
    first, last = region.start >> WINDOW_BITS, (region.end - 1) >> WINDOW_BITS
    costs = np.zeros(last - first + 1, np.int64)
    for file in files:
        if region.contig in file.contigs:
            sizes = np.diff(file.index.window_offsets(file.contigs[region.contig]))[first : last + 1]
            costs[: sizes.size] += sizes * INFLATION
    return costs
