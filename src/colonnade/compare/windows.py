"""Fixed windows over everything looked at: sums of integers, so that they are the same however the genome is cut."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from colonnade.compare.loading import LoadedRange
from colonnade.compare.samples import Comparison
from colonnade.compare.windows_kernels import add_depths
from colonnade.method.screen import Screened
from colonnade.method.screen_kernels import CHANGED, DISTANCE_UNITS

Sums = npt.NDArray[np.int64]

_WINDOWS_AT_ONCE = 1 << 10


@dataclass(frozen=True)
class WindowSums:
    """Sums over the windows that a stretch of a contig touches.

    Parameters
    ----------
    contig, first
        The contig, and the number of its first window here.
    positions
        int64 (windows,): positions looked at.
    comparisons
        int64 (windows, comparisons, 3): loci compared, their distances in units of 1 / ``DISTANCE_UNITS``, loci changed.
    samples
        int64 (windows, samples, 3): positions covered, bases of good quality, bases of low quality.
    """

    contig: str
    first: int
    positions: Sums
    comparisons: Sums
    samples: Sums

    @classmethod
    def of(cls, loaded: LoadedRange, screened: Screened, window: int) -> "WindowSums":
        """The sums of one range, whose states are final."""
        region = loaded.region
        first, last = region.start // window, (region.end - 1) // window
        edges = np.clip(np.arange(first, last + 2) * window, region.start, region.end)
        changed = np.zeros_like(screened.tested)
        for row, states in zip(changed, screened.states, strict=True):
            rows = np.flatnonzero(states == CHANGED)
            np.add.at(row, (rows + region.start) // window - first, 1)
        samples = np.zeros((len(loaded.tallies), last + 1 - first, 3), np.int64)
        for sums, counts, tally in zip(samples, loaded.counts, loaded.tallies.values(), strict=False):
            add_depths(counts, tally.low_quality, region.start, window, sums)
        comparisons = np.stack([screened.tested, screened.distances, changed], axis=2)
        return cls(region.contig, first, np.diff(edges), comparisons.transpose(1, 0, 2), samples.transpose(1, 0, 2))

    def rows(self, rows: slice) -> "WindowSums":
        """Some of the windows."""
        first = self.first + rows.indices(len(self.positions))[0]
        return WindowSums(self.contig, first, self.positions[rows], self.comparisons[rows], self.samples[rows])

    def add_to_first(self, before: "WindowSums") -> None:
        """Add, in place, another part of the first window."""
        self.positions[0] += before.positions[-1]
        self.comparisons[0] += before.comparisons[-1]
        self.samples[0] += before.samples[-1]


class WindowTables:
    """Makes the tables windows and depth of sums that come in the order of the genome.

    Parameters
    ----------
    lengths
        Of the contigs.
    window
        Positions of a window; the last one of a contig may have fewer.
    comparisons, samples
        In the order of the sums.
    schemas
        Of the tables.
    """

    def __init__(
        self,
        lengths: Mapping[str, int],
        window: int,
        *,
        comparisons: Sequence[Comparison],
        samples: Sequence[str],
        schemas: Mapping[str, pa.Schema],
    ) -> None:
        self._lengths = lengths
        self._window = window
        self._comparisons = tuple(comparisons)
        self._samples = tuple(samples)
        self._schemas = schemas
        self._open: WindowSums | None = None  # the last window, which the next sums may go on with
        self._complete: list[WindowSums] = []
        self._n_complete = 0

    def add(self, sums: WindowSums) -> dict[str, pa.Table]:
        """Tables of windows that are complete now; none until there are many."""
        if self._open is not None:
            if (sums.contig, sums.first) == (self._open.contig, self._open.first):
                sums.add_to_first(self._open)
            else:
                self._complete.append(self._open)
        self._open = sums.rows(slice(-1, None))
        self._complete.append(sums.rows(slice(0, -1)))
        self._n_complete += len(sums.positions)
        return self._tables() if self._n_complete >= _WINDOWS_AT_ONCE else {}

    def rest(self) -> dict[str, pa.Table]:
        """Tables of the windows that are left."""
        if self._open is not None:
            self._complete.append(self._open)
        return self._tables()

    def _tables(self) -> dict[str, pa.Table]:
        parts, self._complete, self._n_complete = self._complete, [], 0
        if not parts:
            return {}
        return {"windows": self._windows_table(parts), "depth": self._depth_table(parts)}

    def _windows_table(self, parts: Sequence[WindowSums]) -> pa.Table:
        tested, distances, changed = np.concatenate([part.comparisons for part in parts]).reshape(-1, 3).T
        number = np.tile(np.arange(len(self._comparisons)), len(tested) // len(self._comparisons))
        return pa.table(
            [
                *self._places(parts, len(self._comparisons)),
                pa.array([comparison.sample_1 for comparison in self._comparisons]).take(number),
                pa.array([comparison.sample_2 for comparison in self._comparisons]).take(number),
                pa.array(tested),
                pa.array(distances / np.maximum(tested, 1) / float(DISTANCE_UNITS), mask=tested == 0),
                pa.array(changed),
            ],
            schema=self._schemas["windows"],
        )

    def _depth_table(self, parts: Sequence[WindowSums]) -> pa.Table:
        covered, good, low = np.concatenate([part.samples for part in parts]).reshape(-1, 3).T
        positions = np.repeat(np.concatenate([part.positions for part in parts]), len(self._samples))
        number = np.tile(np.arange(len(self._samples)), len(covered) // len(self._samples))
        return pa.table(
            [
                *self._places(parts, len(self._samples)),
                pa.array(self._samples).take(number),
                pa.array(covered),
                pa.array(good / positions),
                pa.array(low / positions),
            ],
            schema=self._schemas["depth"],
        )

    def _places(self, parts: Sequence[WindowSums], times: int) -> tuple[pa.Array, pa.Array, pa.Array]:
        """Contig, first and last position (1-based) of each window, so many times."""
        sizes = [len(part.positions) for part in parts]
        part = np.repeat(np.arange(len(parts)), [size * times for size in sizes])
        numbers = np.concatenate([part.first + np.arange(size) for part, size in zip(parts, sizes, strict=True)])
        starts = np.repeat(numbers * self._window, times)
        ends = np.minimum(starts + self._window, np.array([self._lengths[part.contig] for part in parts])[part])
        return pa.array([part.contig for part in parts]).take(part), pa.array(starts + 1), pa.array(ends)
