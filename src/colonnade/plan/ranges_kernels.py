"""The walk from window to window: which bins a range enters, which parts of their chunks it needs, where it must end.

A range [start, end) needs the chunks of all bins that overlap it, without what lies before ``floor``, the smallest offset
of a record that its first window needs, or behind ``ceiling``, the first record of all bins that begin at ``end`` or later.
Walking on only enters more bins and raises the ceiling, so nothing is ever taken back, and what a large bin holds far
behind the range is not counted before the range gets there.

Bins of one level are sorted by number, and their chunks by offset. Therefore three numbers per file and level say where a
range starts (``places``): the first bin that it can need, the end of the level's bins, and the first chunk behind the floor.
Between two bins nothing changes, so a walk goes from bin to bin, not from window to window.
"""

from typing import NamedTuple

import numpy as np

from colonnade.formats.binning_kernels import first_bin, shift_of
from colonnade.formats.index_kernels import NO_LIMIT, Index, max_offset, min_offset
from colonnade.formats.intervals_kernels import insert
from colonnade.jit import kernel

FIRST_BIN, END_BIN, FIRST_CHUNK = 0, 1, 2  # rows of ``places``, int64 (3, files, levels)
FIRST_REACH = 64  # windows that a range looks ahead at first


class Indexes(NamedTuple):
    """Some contigs of the indexes of all files, one file after the other; arrays are int64 where not said otherwise.

    ``bin_starts`` (files, contigs + 1): where a contig's bins are in ``bins`` and ``loffs``; ``chunk_starts`` (bins + 1): where a
    bin's chunks are in ``chunks`` (chunks, 2); ``window_starts`` (files, contigs + 1): where a contig's linear index is in
    ``windows``; ``unmapped`` (files, contigs); ``min_shifts`` and ``depths`` (files,): the geometries. These are as in
    ``BinningIndex``. ``ratios``, float64 (files,): uncompressed over compressed bytes.
    """

    bin_starts: np.ndarray
    bins: np.ndarray
    loffs: np.ndarray
    chunk_starts: np.ndarray
    chunks: np.ndarray
    window_starts: np.ndarray
    windows: np.ndarray
    unmapped: np.ndarray
    min_shifts: np.ndarray
    depths: np.ndarray
    ratios: np.ndarray


class Limits(NamedTuple):
    """When a range must end.

    ``size``: bytes of each file, which ``workers`` shrinks to ``smallest`` towards the end; ``positions``; ``window_shift``: ranges
    end at multiples of two to the power of this.
    """

    size: int
    smallest: int
    workers: int
    positions: int
    window_shift: int


@kernel
def index_of(indexes, file):
    """What the indexes say of one file."""
    return Index(
        indexes.bin_starts[file],
        indexes.bins,
        indexes.loffs,
        indexes.chunk_starts,
        indexes.chunks,
        indexes.window_starts[file],
        indexes.windows,
        indexes.unmapped[file],
        indexes.min_shifts[file],
        indexes.depths[file],
    )


@kernel
def estimate(compressed, within, ratio):
    """Uncompressed bytes of a compressed distance and a distance within blocks, as an interval set adds them up."""
    return np.int64(max(0.0, compressed * ratio + within))


@kernel
def open_contig(indexes, contig, places):
    """Set ``places`` to the start of a contig."""
    for file in range(places.shape[1]):
        first = indexes.bin_starts[file, contig]
        end = indexes.bin_starts[file, contig + 1]
        for level in range(indexes.depths[file] + 1):
            level_end = first + np.searchsorted(indexes.bins[first:end], first_bin(level + 1))
            places[FIRST_BIN, file, level] = first
            places[END_BIN, file, level] = level_end
            places[FIRST_CHUNK, file, level] = indexes.chunk_starts[first]
            first = level_end


@kernel
def advance(indexes, file, contig, start, places):
    """Move ``places`` on to a range that starts at ``start``, and return its floor; within a contig, starts must not fall."""
    bins, chunks, chunk_starts = indexes.bins, indexes.chunks, indexes.chunk_starts
    if indexes.bin_starts[file, contig] == indexes.bin_starts[file, contig + 1]:
        return np.int64(0)
    min_shift, depth = indexes.min_shifts[file], indexes.depths[file]
    floor = min_offset(contig, start, index_of(indexes, file))
    for level in range(depth + 1):
        smallest = first_bin(level) + (start >> shift_of(level, min_shift, depth))
        first = places[FIRST_BIN, file, level]
        end = places[END_BIN, file, level]
        while first < end and bins[first] < smallest:
            first += 1
        chunk = max(places[FIRST_CHUNK, file, level], chunk_starts[first])
        while chunk > chunk_starts[first] and chunks[chunk - 1, 1] > floor:
            chunk -= 1
        while chunk < chunk_starts[end] and chunks[chunk, 1] <= floor:
            chunk += 1
        places[FIRST_BIN, file, level] = first
        places[FIRST_CHUNK, file, level] = chunk
    return floor


@kernel
def walk(indexes, file, start, limit, window_shift, share, floor, places, intervals):
    """How far a file's estimate stays within ``share``: one window at least, ``limit`` at most."""
    bins, chunks, chunk_starts = indexes.bins, indexes.chunks, indexes.chunk_starts
    min_shift, depth = indexes.min_shifts[file], indexes.depths[file]
    next_bin = places[FIRST_BIN, file].copy()
    next_chunk = places[FIRST_CHUNK, file].copy()
    first_end = min(limit, ((start >> window_shift) + 1) << window_shift)
    end = first_end
    count = compressed = within = np.int64(0)
    while True:
        # Enter the bins that begin before ``end``; the first record of all others is the ceiling.
        ceiling = np.int64(NO_LIMIT)
        following = limit
        for level in range(depth + 1):
            shift = shift_of(level, min_shift, depth)
            level_end = places[END_BIN, file, level]
            entered = next_bin[level]
            while entered < level_end and (bins[entered] - first_bin(level)) << shift < end:
                entered += 1
            next_bin[level] = entered
            if chunk_starts[entered] < chunk_starts[level_end]:
                begin = (bins[entered] - first_bin(level)) << shift
                following = min(following, ((begin >> window_shift) + 1) << window_shift)
                ceiling = min(ceiling, chunks[chunk_starts[entered], 0])

        # Take what of their chunks lies below the ceiling; one that goes on behind it comes again, longer, at the next step.
        for level in range(depth + 1):
            chunk = next_chunk[level]
            while chunk < chunk_starts[next_bin[level]] and chunks[chunk, 0] < ceiling:
                count, added_compressed, added_within = insert(
                    intervals, count, max(chunks[chunk, 0], floor), min(chunks[chunk, 1], ceiling)
                )
                compressed += added_compressed
                within += added_within
                if chunks[chunk, 1] > ceiling:
                    break
                chunk += 1
            next_chunk[level] = chunk

        if estimate(compressed, within, indexes.ratios[file]) > share:
            return first_end if end == first_end else ((end - 1) >> window_shift) << window_shift
        if end == limit:
            return end
        end = following


@kernel
def common_end(indexes, start, limit, window_shift, share, floors, places, reach, intervals):
    """Where the first of the files meets its share.

    ``reach`` is how many windows to look ahead at first: a file with few records would otherwise walk to the end of the contig
    for every range that another one ends early.
    """
    while True:
        ahead = min(limit, ((start >> window_shift) + reach) << window_shift)
        end = ahead
        for file in range(floors.size):
            end = walk(indexes, file, start, end, window_shift, share, floors[file], places, intervals)
        if end < ahead or ahead == limit:
            return end
        reach *= 4


@kernel
def collect(indexes, file, contig, end, floor, places, intervals):
    """What to read of a file for the range from ``places`` to ``end``, from scratch: (number of intervals, estimated bytes)."""
    bins, chunks, chunk_starts = indexes.bins, indexes.chunks, indexes.chunk_starts
    if indexes.bin_starts[file, contig] == indexes.bin_starts[file, contig + 1]:
        return 0, np.int64(0)
    min_shift, depth = indexes.min_shifts[file], indexes.depths[file]
    end = min(end, np.int64(1) << (min_shift + 3 * depth))
    ceiling = max_offset(contig, end, index_of(indexes, file))
    next_chunk = places[FIRST_CHUNK, file].copy()
    end_chunk = next_chunk.copy()
    for level in range(depth + 1):
        last = first_bin(level) + ((end - 1) >> shift_of(level, min_shift, depth))
        stop = places[FIRST_BIN, file, level]
        while stop < places[END_BIN, file, level] and bins[stop] <= last:
            stop += 1
        end_chunk[level] = chunk_starts[stop]

    # All levels merged in file order, so that no interval has to be put between others.
    count = compressed = within = np.int64(0)
    while True:
        chosen = -1
        for level in range(depth + 1):
            if next_chunk[level] < end_chunk[level] and (
                chosen < 0 or chunks[next_chunk[level], 0] < chunks[next_chunk[chosen], 0]
            ):
                chosen = level
        if chosen < 0 or chunks[next_chunk[chosen], 0] >= ceiling:
            return count, estimate(compressed, within, indexes.ratios[file])
        chunk = next_chunk[chosen]
        count, added_compressed, added_within = insert(
            intervals, count, max(chunks[chunk, 0], floor), min(chunks[chunk, 1], ceiling)
        )
        compressed += added_compressed
        within += added_within
        next_chunk[chosen] += 1


@kernel
def measure(indexes, regions, places, intervals, totals):
    """Estimate the bytes of whole regions (n, 3: contig, start, end), in all files together, into int64 ``totals`` (n,)."""
    opened = -1
    for region in range(regions.shape[0]):
        contig, start, end = regions[region]
        if contig != opened:
            open_contig(indexes, contig, places)
            opened = contig
        totals[region] = 0
        for file in range(places.shape[1]):
            floor = advance(indexes, file, contig, start, places)
            totals[region] += collect(indexes, file, contig, end, floor, places, intervals)[1]


@kernel
def target_of(limits, remaining):
    """Bytes of the next range in each file: half of a worker's part of what remains, but neither tiny nor above ``size``."""
    if limits.workers == 1:
        return limits.size
    return min(limits.size, max(limits.smallest, remaining // (2 * limits.workers)))


@kernel
def limit_of(start, region_end, limits):
    """The last place where a range may end for its positions: a window's end, or the region's."""
    if region_end - start <= limits.positions:
        return region_end
    window_end = ((start >> limits.window_shift) + 1) << limits.window_shift
    last = ((start + limits.positions) >> limits.window_shift) << limits.window_shift
    return min(region_end, max(window_end, last))


@kernel
def fill(indexes, contig, end, floors, places, intervals, estimates, chunk_starts, chunks, n_chunks):
    """Write estimates (files,) and chunks of one range, from ``n_chunks`` on; returns their new number, -1 if they don't fit."""
    for file in range(floors.size):
        count, estimates[file] = collect(indexes, file, contig, end, floors[file], places, intervals)
        if n_chunks + count > chunks.shape[0]:
            return -1
        chunk_starts[file] = n_chunks
        for i in range(count):
            chunks[n_chunks, 0] = intervals[i, 0]
            chunks[n_chunks, 1] = intervals[i, 1]
            n_chunks += 1
    chunk_starts[floors.size] = n_chunks
    return n_chunks


@kernel
def plan(indexes, regions, totals, later, limits, at, places, intervals, bounds, estimates, chunk_starts, chunks):
    """Cut regions into ranges, from a position of one of them on, until the output is full.

    Parameters
    ----------
    regions, totals, later
        int64 (n, 3) contig, start and end; (n,) bytes of each in all files; (n,) bytes of all regions that follow it.
    at
        int64 (3,): region and position of the next range, and bytes of the region's ranges before it. Moved on.
    places, intervals
        Room to work in: (3, files, levels), and for the chunks of one contig of one file (n, 2).
    bounds, estimates, chunk_starts, chunks
        int64 output: (k, 3) region, start, end; (k, files) bytes; (k, files + 1) and (n, 2) chunks.

    Returns
    -------
    tuple of int
        Number of ranges, and of chunks.
    """
    n_files = places.shape[1]
    window_shift = limits.window_shift
    region, position, done = at
    floors = np.empty(n_files, np.int64)
    n = n_chunks = 0
    opened = -1
    reach = FIRST_REACH
    while region < regions.shape[0] and n < bounds.shape[0]:
        contig, _, region_end = regions[region]
        if contig != opened:
            open_contig(indexes, contig, places)
            opened = contig
        for file in range(n_files):
            floors[file] = advance(indexes, file, contig, position, places)
        remaining = (later[region] + max(0, totals[region] - done)) // max(1, n_files)
        target = target_of(limits, remaining)
        limit = limit_of(position, region_end, limits)
        end = common_end(indexes, position, limit, window_shift, target, floors, places, reach, intervals)

        filled = fill(indexes, contig, end, floors, places, intervals, estimates[n], chunk_starts[n], chunks, n_chunks)
        if filled < 0:
            break
        bounds[n, 0], bounds[n, 1], bounds[n, 2] = region, position, end
        n_chunks = filled
        reach = max(FIRST_REACH, 2 * ((end - position) >> window_shift))
        done += estimates[n].sum()
        n += 1
        position = end
        if end == region_end:
            region, done = region + 1, 0
            if region < regions.shape[0]:
                position = regions[region, 1]
    at[0], at[1], at[2] = region, position, done
    return n, n_chunks
