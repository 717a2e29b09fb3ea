"""Whether an index can be one of sorted records: all that must hold, whoever wrote it.

Records are in the file by position, so bins of one level, which do not overlap, follow each other in the file, and so do
contigs. Where a chunk starts there is a record of its bin, and where it ends there was one. Offsets of windows and bins
never fall from left to right, and each is the place of a record, so it is in some chunk.
"""

import numpy as np

from colonnade.formats.binning_kernels import bin_interval, first_bin, shift_of
from colonnade.formats.index_kernels import lower_bound
from colonnade.jit import kernel


@kernel
def bins_reach_windows(bin_starts, bins, window_starts, windows, min_shift, depth):
    """Whether a bin of each contig reaches over its last window that has an offset, as that of the record there must.

    To be asked before windows without an offset get one.
    """
    for contig in range(bin_starts.size - 1):
        last = window_starts[contig + 1] - 1
        while last >= window_starts[contig] and windows[last] == 0:
            last -= 1
        place = (last - window_starts[contig]) << min_shift
        is_reached = last < window_starts[contig]
        for b in range(bin_starts[contig], bin_starts[contig + 1]):
            is_reached |= bin_interval(bins[b], min_shift, depth)[1] > place
        if not is_reached:
            return False
    return True


@kernel
def is_sound(index):
    """Check a whole index, its linear index completed."""
    bin_starts, bins, chunk_starts, chunks = index.bin_starts, index.bins, index.chunk_starts, index.chunks
    window_starts, windows = index.window_starts, index.windows
    min_shift, depth = index.min_shift, index.depth
    bin_of_chunk = np.empty(chunks.shape[0], np.int64)
    for b in range(bins.size):
        bin_of_chunk[chunk_starts[b] : chunk_starts[b + 1]] = bins[b]
    edges = np.empty(depth + 2, np.int64)  # where each level begins among a contig's bins
    reached = np.int64(0)  # in the file
    for contig in range(bin_starts.size - 1):
        if bin_starts[contig] == bin_starts[contig + 1] and window_starts[contig] == window_starts[contig + 1]:
            continue
        for level in range(depth + 2):
            edges[level] = lower_bound(bins, bin_starts[contig], bin_starts[contig + 1], first_bin(level))
        limits = chunk_starts[edges]
        reached = _end_of_levels(chunks, limits, reached)
        if reached < 0 or not _fits_positions(bin_of_chunk, chunks, limits, min_shift, depth):
            return False
        if window_starts.size and window_starts[-1]:
            own = windows[window_starts[contig] : window_starts[contig + 1]]
            if not _windows_fit(own, bin_of_chunk, chunks, limits, depth):
                return False
        elif not _loffs_fit(bins, index.loffs, edges, chunk_starts, chunks, limits, min_shift, depth):
            return False
    return True


@kernel
def _end_of_levels(chunks, limits, reached):
    """Where the chunks of a contig end, those of each level following each other from ``reached`` on; else -1."""
    end = reached
    for level in range(limits.size - 1):
        before = reached
        for c in range(limits[level], limits[level + 1]):
            if chunks[c, 0] < before or chunks[c, 1] < chunks[c, 0]:
                return np.int64(-1)
            before = chunks[c, 1]
        end = max(end, before)
    return end


@kernel
def _fits_positions(bin_of_chunk, chunks, limits, min_shift, depth):
    """Whether positions can rise along the file with each chunk starting and ending with a record of its bin.

    Goes through all starts and ends in file order, which is that of each level: none may be in a bin that ends before one
    begins that came earlier.
    """
    next_start = limits[:-1].copy()
    next_end = limits[:-1].copy()
    furthest = np.int64(0)
    while True:
        place = np.int64(-1)
        level = 0
        is_end = True
        for each in range(
            depth + 1
        ):  # a chunk that ends where another starts comes first: its record is the earlier one
            if next_end[each] < next_start[each]:
                offset = chunks[next_end[each], 1]
                if place < 0 or offset < place or (offset == place and not is_end):
                    place, level, is_end = offset, each, True
            if next_start[each] < limits[each + 1]:
                offset = chunks[next_start[each], 0]
                if place < 0 or offset < place:
                    place, level, is_end = offset, each, False
        if place < 0:
            return True
        c = next_end[level] if is_end else next_start[level]
        if is_end:
            next_end[level] += 1
        else:
            next_start[level] += 1
        shift = np.int64(shift_of(level, min_shift, depth))
        begin = (bin_of_chunk[c] - first_bin(level)) << shift
        if begin + (np.int64(1) << shift) <= furthest:
            return False
        furthest = max(furthest, begin)


@kernel
def _find(chunks, next_chunk, limits, level, offset):
    """The chunk of a level that holds an offset, or -1; ``next_chunk`` moves on, so offsets must not fall."""
    c = next_chunk[level]
    while c < limits[level + 1] and chunks[c, 1] <= offset:
        c += 1
    next_chunk[level] = c
    return c if c < limits[level + 1] and chunks[c, 0] <= offset else -1


@kernel
def _windows_fit(windows, bin_of_chunk, chunks, limits, depth):
    """Whether the offsets of windows never fall, and each is in a chunk of a bin that overlaps a window that has it.

    Windows that nothing overlaps have the offset of a neighbour, or at the start 0 or that of the contig's first record: htslib
    up to 1.12 wrote it there, also where that record is an unmapped one of a later window (update_loff).
    """
    next_chunk = limits[:-1].copy()
    first_record = np.int64(-1)
    for level in range(depth + 1):
        if limits[level] < limits[level + 1] and (first_record < 0 or chunks[limits[level], 0] < first_record):
            first_record = chunks[limits[level], 0]
    first = 0
    while first < windows.size:
        offset = windows[first]
        end = first + 1
        while end < windows.size and windows[end] == offset:
            end += 1
        if offset < 0 or (first and offset < windows[first - 1]):
            return False
        is_found = offset == 0 or (first == 0 and offset == first_record)
        for level in range(depth + 1):
            c = -1 if is_found else _find(chunks, next_chunk, limits, level, offset)
            if c >= 0:
                begin = (bin_of_chunk[c] - first_bin(level)) << np.int64(3 * (depth - level))
                is_found = begin < end and begin + (np.int64(1) << np.int64(3 * (depth - level))) > first
        if not is_found:
            return False
        first = end
    return True


@kernel
def _loffs_fit(bins, loffs, edges, chunk_starts, chunks, limits, min_shift, depth):
    """Whether the offsets of a contig's bins never fall from left to right, and each is in a chunk.

    Bins that begin at the same position have the same one: what overlaps the larger and comes before all that overlaps the
    smaller would have to end before it, and so before both. Some writers leave all at 0.
    """
    next_bin = edges[:-1].copy()
    next_chunk = limits[:-1].copy()
    last_offset = last_begin = np.int64(0)
    while True:
        begin = np.int64(-1)
        level = 0
        for each in range(depth + 1):
            if next_bin[each] < edges[each + 1]:
                own = (bins[next_bin[each]] - first_bin(each)) << np.int64(shift_of(each, min_shift, depth))
                if begin < 0 or own < begin:
                    begin, level = own, each
        if begin < 0:
            return True
        b = next_bin[level]
        next_bin[level] += 1
        offset = loffs[b]
        if offset == 0 or chunk_starts[b] == chunk_starts[b + 1]:
            continue
        if offset < last_offset or (last_offset and begin == last_begin and offset != last_offset):
            return False
        is_found = offset == last_offset
        for each in range(depth + 1):
            if not is_found:
                is_found = _find(chunks, next_chunk, limits, each, offset) >= 0
        if not is_found:
            return False
        last_offset, last_begin = offset, begin
