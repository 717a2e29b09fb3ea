"""From regions of interest to ranges that hold about as many bytes as asked for."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Final

import numpy as np
import numpy.typing as npt

from colonnade.formats.alignments import AlignmentFile
from colonnade.formats.bgzf import Chunk, VirtualOffset
from colonnade.formats.index_kernels import NO_LIMIT
from colonnade.plan import ranges_kernels as kernels
from colonnade.plan.indexes import Batch, IndexSet
from colonnade.regions import Region

Int64Array = npt.NDArray[np.int64]

#: Positions of a range that bound what counts take, and give threads something to share.
MOST_POSITIONS: Final = 1 << 18

SMALLEST_PART: Final = 16  # sizes shrink to this part of what is asked for, no further
_RANGES_AT_ONCE: Final = 1 << 12
_ESTIMATES_AT_ONCE: Final = 1 << 20
_CHUNKS_AT_ONCE: Final = 1 << 16


@dataclass(frozen=True, eq=False, repr=False)
class Range:
    """A region that the planner made, what to read for it, and how much that is.

    It is kept in a few small arrays, for a plan can have a hundred thousand ranges of a thousand files.

    Parameters
    ----------
    region
        Where; 0-based, half-open.
    estimates
        int64 (files,): estimated uncompressed bytes; 0 for a file without an index.
    chunk_starts, packed_chunks
        int64 (files + 1,) and (n, 2): which chunks are of which file, as packed virtual offsets.
    """

    region: Region
    estimates: Int64Array
    chunk_starts: Int64Array
    packed_chunks: Int64Array

    @property
    def bytes(self) -> tuple[int, ...]:
        """Estimated uncompressed bytes of what is to be read of each file."""
        return tuple(self.estimates.tolist())

    @property
    def chunks(self) -> tuple[tuple[Chunk, ...], ...]:
        """What is to be read of each file: disjoint, in file order; the same as ``BinningIndex.chunks`` says."""
        packed = self.packed_chunks.tolist()
        starts = self.chunk_starts.tolist()
        return tuple(
            tuple(Chunk(VirtualOffset.unpack(first), VirtualOffset.unpack(last)) for first, last in packed[start:end])
            for start, end in pairwise(starts)
        )

    def __repr__(self) -> str:
        return f"Range({self.region}, bytes={self.bytes})"

    def __eq__(self, other: object) -> bool:
        return (
            isinstance(other, Range)
            and self.region == other.region
            and np.array_equal(self.estimates, other.estimates)
            and np.array_equal(self.chunk_starts, other.chunk_starts)
            and np.array_equal(self.packed_chunks, other.packed_chunks)
        )

    def __hash__(self) -> int:
        return hash(self.region)


def size_to_range(
    contig: str, start: int, limit: int, *, files: Sequence[AlignmentFile], size: int, positions: int | None = None
) -> Range:
    """The range that begins at ``start`` and holds about ``size`` bytes of a file: the first that ``plan_ranges`` makes.

    Parameters
    ----------
    contig, start, limit
        Where it begins, and the position that it must not pass.
    files, size, positions
        As in ``plan_ranges``.
    """
    return next(plan_ranges([Region(contig, start, limit)], files, size=size, positions=positions))


def plan_ranges(
    regions: Sequence[Region],
    files: Sequence[AlignmentFile],
    *,
    size: int,
    positions: int | None = None,
    workers: int = 1,
) -> Iterator[Range]:
    """Cut regions at window borders into ranges of at most ``size`` estimated uncompressed bytes of any file.

    A range ends where the first of the files would pass ``size``; so all files together hold at most their number times
    ``size``. It is never less than a window, which no index can split: 16 kb with BAI, and the largest among the files if
    their CSI indexes have others. The plan depends on the files and the arguments alone.

    For several workers sizes shrink towards the end, so that none is left idle while another finishes a large range: a range
    holds at most half of a worker's part of what remains, but not less than a sixteenth of ``size``.

    Parameters
    ----------
    regions
        Sorted by contig and start, not overlapping, as ``merge_regions`` gives them. Covered exactly once, in order.
    files
        Open files. One that lacks a contig costs nothing there; one without an index costs nothing anywhere.
    size
        Uncompressed bytes of each file.
    positions
        Most positions of a range, if that is more than a window.
    workers
        How many will share the ranges; 1 for ranges of the same size up to the end.
    """
    indexes = IndexSet(files)
    limits = kernels.Limits(
        size=size,
        smallest=max(1, size // SMALLEST_PART),
        workers=workers,
        positions=NO_LIMIT if positions is None else positions,
        window_shift=indexes.window_shift,
    )
    totals = _totals(indexes, regions) if workers > 1 else np.zeros(len(regions), np.int64)
    later = totals.sum() - np.cumsum(totals)
    first = 0
    for batch in indexes.batches(regions):
        last = first + len(batch.regions)
        for part in _parts(indexes, batch, totals[first:last], later[first:last], limits):
            yield from part.ranges(batch.regions, indexes.numbers, len(files))
        first = last


def _totals(indexes: IndexSet, regions: Sequence[Region]) -> Int64Array:
    """int64 (regions,): estimated bytes of each, in all files together."""
    found = [np.empty(0, np.int64)]
    for batch in indexes.batches(regions):
        totals = np.empty(len(batch.regions), np.int64)
        places, intervals = _room(indexes, batch)
        kernels.measure(batch.indexes, batch.bounds, places, intervals, totals)
        found.append(totals)
    return np.concatenate(found)


def _room(indexes: IndexSet, batch: Batch) -> tuple[Int64Array, Int64Array]:
    """What the kernels need to work in: ``places`` and ``intervals``."""
    starts = batch.indexes.chunk_starts[batch.indexes.bin_starts]
    most_chunks = np.diff(starts, axis=1).max(initial=0)
    shape = (3, len(indexes.numbers), indexes.n_levels)
    return np.zeros(shape, np.int64), np.empty((most_chunks + 1, 2), np.int64)


def _parts(
    indexes: IndexSet, batch: Batch, totals: Int64Array, later: Int64Array, limits: kernels.Limits
) -> Iterator["_Part"]:
    """The ranges of a batch, as many at once as fit the output."""
    n_files = len(indexes.numbers)
    starts = batch.indexes.chunk_starts[batch.indexes.bin_starts]
    capacity = max(_CHUNKS_AT_ONCE, int(np.diff(starts, axis=1).sum(0).max(initial=0)))
    n_ranges = max(1, min(_RANGES_AT_ONCE, _ESTIMATES_AT_ONCE // max(1, n_files)))
    places, intervals = _room(indexes, batch)
    at = np.array([0, batch.bounds[0, 1], 0])
    while at[0] < len(batch.regions):
        part = _Part(
            bounds=np.empty((n_ranges, 3), np.int64),
            estimates=np.empty((n_ranges, n_files), np.int64),
            chunk_starts=np.empty((n_ranges, n_files + 1), np.int64),
            chunks=np.empty((capacity, 2), np.int64),
        )
        n, n_chunks = kernels.plan(
            batch.indexes, batch.bounds, totals, later, limits, at, places, intervals,
            part.bounds, part.estimates, part.chunk_starts, part.chunks,
        )  # fmt: skip
        yield part.cut(n, n_chunks)


@dataclass(frozen=True)
class _Part:
    """Output of the planning kernel."""

    bounds: Int64Array
    estimates: Int64Array
    chunk_starts: Int64Array
    chunks: Int64Array

    def cut(self, n: int, n_chunks: int) -> "_Part":
        """What has been filled, in arrays of its own, so that the rest is freed."""
        return _Part(
            self.bounds[:n].copy(),
            self.estimates[:n].copy(),
            self.chunk_starts[:n].copy(),
            self.chunks[:n_chunks].copy(),
        )

    def ranges(self, regions: Sequence[Region], numbers: Sequence[int], n_files: int) -> Iterator[Range]:
        """One object each; ``numbers`` are the files that were planned with, of ``n_files``."""
        estimates, chunk_starts = self.estimates, self.chunk_starts
        if len(numbers) < n_files:
            estimates, chunk_starts = _spread(estimates, chunk_starts, numbers, n_files)
        for row, (region, start, end) in enumerate(self.bounds.tolist()):
            first, last = chunk_starts[row, 0], chunk_starts[row, -1]
            yield Range(
                Region(regions[region].contig, start, end),
                estimates[row],
                chunk_starts[row] - first,
                self.chunks[first:last],
            )


def _spread(
    estimates: Int64Array, chunk_starts: Int64Array, numbers: Sequence[int], n_files: int
) -> tuple[Int64Array, Int64Array]:
    """Give files without an index an estimate of 0 and no chunks."""
    all_estimates = np.zeros((len(estimates), n_files), np.int64)
    all_estimates[:, numbers] = estimates
    n_before = np.searchsorted(numbers, np.arange(n_files + 1))
    return all_estimates, chunk_starts[:, n_before]
