"""The indexes of many files side by side, some contigs at a time, as flat arrays for the planning kernels."""

from collections.abc import Iterator, Sequence
from typing import Final

import numpy as np
import numpy.typing as npt

from colonnade.formats.alignments import AlignmentFile
from colonnade.formats.index import BinningIndex
from colonnade.plan.inflation import inflation_ratio, window_shift
from colonnade.plan.ranges_kernels import Indexes
from colonnade.regions import Region

Int64Array = npt.NDArray[np.int64]

_ENTRIES_AT_ONCE: Final = 1 << 21  # bins, windows and contigs that are copied side by side, if not for one large contig


class Batch:
    """Regions of a few contigs, and what the indexes say about these contigs.

    Attributes
    ----------
    regions
        The regions.
    bounds
        int64 (regions, 3): contig, counted within the batch, start and end.
    indexes
        The indexes, of these contigs only.
    """

    def __init__(self, regions: Sequence[Region], indexes: Indexes) -> None:
        self.regions = regions
        self.indexes = indexes
        numbers = {contig: number for number, contig in enumerate(dict.fromkeys(r.contig for r in regions))}
        self.bounds = np.array([(numbers[r.contig], r.start, r.end) for r in regions], np.int64)


class IndexSet:
    """The files that have an index, and what is the same for all their contigs.

    Parameters
    ----------
    files
        Files; their inflation ratios are measured here. Those without an index cost nothing.
    """

    def __init__(self, files: Sequence[AlignmentFile]) -> None:
        #: Which of the files have an index.
        self.numbers = [number for number, file in enumerate(files) if file.index is not None]
        self._contigs = [files[number].contigs for number in self.numbers]
        self._indexes = [index for file in files if (index := file.index) is not None]
        self._ratios = np.array([inflation_ratio(files[number]) for number in self.numbers], np.float64)
        self.window_shift = window_shift(files)
        #: Most levels that an index has.
        self.n_levels = 1 + max((index.geometry.depth for index in self._indexes), default=0)

    def batches(self, regions: Sequence[Region]) -> Iterator[Batch]:
        """Regions, sorted by contig, in batches of whole contigs, so that not all indexes are copied at once."""
        names = list(dict.fromkeys(region.contig for region in regions))
        numbers = self._contig_numbers(names)
        weights = self._weights(numbers)
        batch_of = dict(zip(names, ((np.cumsum(weights) - 1) // _ENTRIES_AT_ONCE).tolist(), strict=True))
        first = first_name = 0
        while first < len(regions):
            last = first
            while last < len(regions) and batch_of[regions[last].contig] == batch_of[regions[first].contig]:
                last += 1
            chosen = regions[first:last]
            n_names = len({region.contig for region in chosen})
            yield Batch(chosen, self._gather(numbers[:, first_name : first_name + n_names]))
            first, first_name = last, first_name + n_names

    def _contig_numbers(self, names: Sequence[str]) -> Int64Array:
        """int64 (files, names): the number of each contig in each file, -1 where a file lacks it."""
        numbers = np.empty((len(self._indexes), len(names)), np.int64)
        for file, contigs in enumerate(self._contigs):
            if file and contigs == self._contigs[file - 1]:  # as is usual, and much faster
                numbers[file] = numbers[file - 1]
            else:
                numbers[file] = [contigs.get(name, -1) for name in names]
        return numbers

    def _weights(self, numbers: Int64Array) -> Int64Array:
        """int64 (names,): entries of each contig in all indexes."""
        weights = np.full(numbers.shape[1], len(numbers), np.int64)
        for index, chosen in zip(self._indexes, numbers, strict=True):
            for starts in (index.bin_starts, index.window_starts):
                weights += _sizes(starts, chosen)
        return weights

    def _gather(self, numbers: Int64Array) -> Indexes:
        """Copy some contigs, (files, contigs) by number, out of all indexes."""
        parts = [_Part(index, chosen) for index, chosen in zip(self._indexes, numbers, strict=True)]
        n_contigs = numbers.shape[1]
        chunk_counts = _joined([part.chunk_counts for part in parts])
        return Indexes(
            bin_starts=_all_starts([part.n_bins for part in parts], n_contigs),
            bins=_joined([part.bins for part in parts]),
            loffs=_joined([part.loffs for part in parts]),
            chunk_starts=np.concatenate(([0], np.cumsum(chunk_counts))),
            chunks=_joined([part.chunks for part in parts], width=2),
            window_starts=_all_starts([part.n_windows for part in parts], n_contigs),
            windows=_joined([part.windows for part in parts]),
            unmapped=np.array([part.unmapped for part in parts], np.int64).reshape(len(parts), n_contigs),
            min_shifts=np.array([index.geometry.min_shift for index in self._indexes], np.int64),
            depths=np.array([index.geometry.depth for index in self._indexes], np.int64),
            ratios=self._ratios,
        )


class _Part:
    """Some contigs of one index: views of it where they follow each other there, as they usually do."""

    def __init__(self, index: BinningIndex, numbers: Int64Array) -> None:
        contigs = _as_slice(numbers)
        chosen = _entries(index.bin_starts, contigs)
        self.n_bins = _sizes(index.bin_starts, contigs)
        self.bins = index.bins[chosen]
        self.loffs = index.loffs[chosen]
        self.chunk_counts = _sizes(index.chunk_starts, chosen)
        self.chunks = index.chunk_array[_entries(index.chunk_starts, chosen)]
        self.n_windows = _sizes(index.window_starts, contigs)
        self.windows = index.windows[_entries(index.window_starts, contigs)]
        self.unmapped = np.where(numbers < 0, 0, index.unmapped[numbers] if index.n_contigs else 0)


def _as_slice(numbers: Int64Array) -> slice | Int64Array:
    """Numbers that follow each other as a slice; a negative number stands for nothing, so it is never in one."""
    if numbers.size and numbers[0] >= 0 and (np.diff(numbers) == 1).all():
        return slice(int(numbers[0]), int(numbers[-1]) + 1)
    return numbers


def _sizes(starts: Int64Array, groups: slice | Int64Array) -> Int64Array:
    """How many entries each of some groups has; none where its number is negative."""
    if isinstance(groups, slice):
        return np.diff(starts[groups.start : groups.stop + 1])
    if starts.size < 2:
        return np.zeros(groups.size, np.int64)
    sizes: Int64Array = np.where(groups < 0, 0, starts[groups + 1] - starts[groups])
    return sizes


def _entries(starts: Int64Array, groups: slice | Int64Array) -> slice | Int64Array:
    """Indices of all entries of some groups, one group after the other."""
    if isinstance(groups, slice):
        return slice(int(starts[groups.start]), int(starts[groups.stop]))
    sizes = _sizes(starts, groups)
    ends = np.cumsum(sizes)
    if not ends.size or not ends[-1]:
        return np.empty(0, np.int64)
    entries: Int64Array = np.repeat(starts[groups] - (ends - sizes), sizes) + np.arange(ends[-1])
    return entries


def _all_starts(sizes: Sequence[Int64Array], n_contigs: int) -> Int64Array:
    """Where each contig of each file starts (files, contigs + 1), if all stand one after the other."""
    starts = np.zeros((len(sizes), n_contigs + 1), np.int64)
    ends = np.cumsum(np.array(sizes, np.int64).reshape(len(sizes), n_contigs))
    starts[:, 1:] = ends.reshape(len(sizes), n_contigs)
    starts[1:, 0] = starts[:-1, -1]
    return starts


def _joined(parts: Sequence[Int64Array], *, width: int | None = None) -> Int64Array:
    """One array of all parts, also of none."""
    empty = np.empty(0 if width is None else (0, width), np.int64)
    return np.concatenate([empty, *parts])
