"""Reading a BAI or CSI index into flat arrays, and asking them (SAM specification, section 5.2; CSIv1).

Virtual offsets are packed: file offset of the block << 16 | within.
"""

from typing import NamedTuple

import numpy as np

from colonnade.formats.binning_kernels import bin_interval, bin_range, first_bin, parent, shift_of
from colonnade.formats.integers_kernels import read_i64, read_u32
from colonnade.formats.intervals_kernels import insert
from colonnade.jit import kernel

NO_LIMIT = (1 << 63) - 1  # behind every virtual offset
UNKNOWN = -1


class Index(NamedTuple):
    """A whole index; arrays are int64.

    ``bin_starts`` (contigs + 1) says where a contig's bins are in ``bins``, their numbers, ascending, and ``loffs``, an offset
    each; ``chunk_starts`` (bins + 1), where a bin's chunks are in ``chunks`` (chunks, 2), in file order; ``window_starts``
    (contigs + 1), where a contig's linear index is in ``windows``; ``unmapped`` (contigs,), how many unmapped records have a
    position, or ``UNKNOWN``.
    """

    bin_starts: np.ndarray
    bins: np.ndarray
    loffs: np.ndarray
    chunk_starts: np.ndarray
    chunks: np.ndarray
    window_starts: np.ndarray
    windows: np.ndarray
    unmapped: np.ndarray
    min_shift: int
    depth: int


@kernel
def count_index(data, offset, n_contigs, is_csi, n_bins):
    """Count what ``fill_index`` will find from ``offset`` on in uint8 ``data``, without the metadata bins.

    Returns (bins, chunks, windows, end offset); the end is -1 if the data are cut short, or a number in them is impossible.
    """
    size = data.size
    header = 16 if is_csi else 8
    bins = chunks = windows = 0
    for _ in range(n_contigs):
        if offset + 4 > size:
            return bins, chunks, windows, -1
        n = read_u32(data, offset)
        offset += 4
        for _bin in range(n):
            if offset + header > size:
                return bins, chunks, windows, -1
            number = read_u32(data, offset)
            n_chunks = read_u32(data, offset + header - 4)
            offset += header + 16 * n_chunks
            is_metadata = number == n_bins + 1
            if offset > size or (number >= n_bins and not is_metadata) or (is_metadata and n_chunks != 2):
                return bins, chunks, windows, -1
            if not is_metadata:
                bins += 1
                chunks += n_chunks
        if not is_csi:
            if offset + 4 > size:
                return bins, chunks, windows, -1
            n = read_u32(data, offset)
            offset += 4 + 8 * n
            if offset > size:
                return bins, chunks, windows, -1
            windows += n
    return bins, chunks, windows, offset


@kernel
def fill_index(
    data, offset, is_csi, n_bins, bin_starts, bins, loffs, chunk_starts, chunks, window_starts, windows, unmapped
):
    """Fill arrays sized by ``count_index``, from the same data; bins and chunks are sorted.

    ``unmapped`` (contigs,) gets the number of unmapped records with a position, or ``UNKNOWN``. Returns whether each contig
    names each bin once.
    """
    header = 16 if is_csi else 8
    places = np.empty(bins.size, np.int64)
    c = w = 0
    for contig in range(unmapped.size):
        # Where each bin is in the data: htslib writes them in the order of its hash table.
        first = end = bin_starts[contig]
        unmapped[contig] = UNKNOWN
        n = read_u32(data, offset)
        offset += 4
        for _bin in range(n):
            if read_u32(data, offset) == n_bins + 1:
                if unmapped[contig] != UNKNOWN:
                    return False
                unmapped[contig] = max(0, read_i64(data, offset + header + 24))
            else:
                bins[end] = read_u32(data, offset)
                places[end] = offset
                end += 1
            offset += header + 16 * read_u32(data, offset + header - 4)
        order = np.argsort(bins[first:end])
        bins[first:end] = bins[first:end][order]
        places[first:end] = places[first:end][order]
        bin_starts[contig + 1] = end

        for b in range(first, end):
            if b > first and bins[b] == bins[b - 1]:
                return False
            place = places[b]
            loffs[b] = read_i64(data, place + 4) if is_csi else 0
            first_chunk = c
            is_sorted = True
            for at in range(place + header, place + header + 16 * read_u32(data, place + header - 4), 16):
                chunks[c, 0] = read_i64(data, at)
                chunks[c, 1] = read_i64(data, at + 8)
                is_sorted &= c == first_chunk or chunks[c - 1, 0] <= chunks[c, 0]
                c += 1
            chunk_starts[b + 1] = c
            if not is_sorted:
                _sort_chunks(chunks[first_chunk:c])

        if not is_csi:
            n = read_u32(data, offset)
            offset += 4
            for _window in range(n):
                windows[w] = read_i64(data, offset)
                offset += 8
                w += 1
        window_starts[contig + 1] = w
    return True


@kernel
def _sort_chunks(chunks):
    order = np.argsort(chunks[:, 0])
    found = chunks.copy()
    for i in range(order.size):
        chunks[i, 0] = found[order[i], 0]
        chunks[i, 1] = found[order[i], 1]


@kernel
def complete_linear_index(bin_starts, bins, loffs, window_starts, windows, min_shift, depth):
    """Give windows without an offset that of the window before, and each bin that of its first window.

    htslib did so up to 1.12 and takes the window after since, which is the same where nothing overlaps the window; but if its
    offset was lost, only the one before still has no record left out. Zeros before the first offset stay, and bins without a
    window get one.
    """
    for contig in range(bin_starts.size - 1):
        first, end = window_starts[contig], window_starts[contig + 1]
        for w in range(first + 1, end):
            if windows[w] == 0:
                windows[w] = windows[w - 1]
        for b in range(bin_starts[contig], bin_starts[contig + 1]):
            w = first + (bin_interval(bins[b], min_shift, depth)[0] >> min_shift)
            loffs[b] = windows[w] if w < end else 0


@kernel
def bin_begins(bins, min_shift, depth):
    """The first position of each bin."""
    begins = np.empty(bins.size, np.int64)
    for b in range(bins.size):
        begins[b] = bin_interval(bins[b], min_shift, depth)[0]
    return begins


@kernel
def lower_bound(sorted_numbers, first, end, wanted):
    """Index of the first number in [first, end) that is ``wanted`` or greater; ``end`` if there is none."""
    while first < end:
        middle = (first + end) // 2
        if sorted_numbers[middle] < wanted:
            first = middle + 1
        else:
            end = middle
    return first


@kernel
def min_offset(contig, position, index):
    """A packed offset that no record overlapping or behind a position comes before, as in htslib's ``hts_itr_query``.

    That is the ``loff`` of the position's smallest bin; failing that, of the nearest bin to the left under the same parent;
    failing that, of the parent, and so on up. A linear index knows better. No ``loff`` is behind the first record of its own
    bin; where an index says so (old ones leave out unmapped records, damaged ones anything), that record's offset counts.
    """
    bin_starts, bins, chunk_starts, chunks = index.bin_starts, index.bins, index.chunk_starts, index.chunks
    window_starts, windows = index.window_starts, index.windows
    min_shift, depth = index.min_shift, index.depth
    last = (np.int64(1) << np.int64(min_shift + 3 * depth)) - 1
    position = min(max(position, 0), last)
    leaf = first_bin(depth) + (position >> min_shift)
    number = leaf
    found = -1
    while found < 0 and number >= 0:
        eldest = (parent(number) << 3) + 1 if number else 0
        b = lower_bound(bins, bin_starts[contig], bin_starts[contig + 1], number + 1) - 1
        if b >= bin_starts[contig] and bins[b] >= eldest:
            found = b
        number = parent(number)
    loff = np.int64(0)
    own = np.int64(NO_LIMIT)  # where the first record of the position's smallest bin is
    if found >= 0:
        loff = index.loffs[found]
        if chunk_starts[found] < chunk_starts[found + 1]:
            loff = min(loff, chunks[chunk_starts[found], 0])
            if bins[found] == leaf:
                own = chunks[chunk_starts[found], 0]

    window = window_starts[contig] + (position >> min_shift)
    if window >= window_starts[contig + 1]:
        return loff
    offset = max(loff, windows[window])
    if index.unmapped[contig] != 0:
        # Unmapped records may be left out of the linear index: go back to where an earlier record overlaps an earlier window.
        before = lower_bound(windows, window_starts[contig], window, offset) - 1
        if before >= window_starts[contig]:
            offset = max(loff, windows[before])
        elif found >= 0:
            offset = loff
    return min(offset, own)


@kernel
def max_offset(contig, end, index):
    """A packed offset from which on all records start at ``end`` or later; ``NO_LIMIT`` if there is none.

    That is where the first record is of the bins that begin at ``end`` or later: on each level, of the first of them. htslib's
    ``hts_itr_query`` takes that of one such bin, which may be further on.
    """
    bin_starts, bins, chunk_starts = index.bin_starts, index.bins, index.chunk_starts
    ceiling = np.int64(NO_LIMIT)
    for level in range(index.depth + 1):
        number = first_bin(level) + ((end - 1) >> shift_of(level, index.min_shift, index.depth)) + 1
        level_end = first_bin(level + 1)
        b = lower_bound(bins, bin_starts[contig], bin_starts[contig + 1], number)
        while b < bin_starts[contig + 1] and bins[b] < level_end:
            if chunk_starts[b] < chunk_starts[b + 1]:
                ceiling = min(ceiling, index.chunks[chunk_starts[b], 0])
                break
            b += 1
    return ceiling


@kernel
def find_chunks(contig, start, end, smallest, largest, index):
    """Disjoint intervals (n, 2), in file order, of the chunks of all bins that overlap [start, end), clipped to two offsets."""
    bin_starts, bins, chunk_starts, chunks = index.bin_starts, index.bins, index.chunk_starts, index.chunks
    depth = index.depth
    ranges = np.empty((depth + 1, 2), np.int64)
    n = 0
    for level in range(depth + 1):
        first, stop = bin_range(level, start, end, index.min_shift, depth)
        first = lower_bound(bins, bin_starts[contig], bin_starts[contig + 1], first)
        stop = lower_bound(bins, first, bin_starts[contig + 1], stop)
        ranges[level, 0] = chunk_starts[first]
        ranges[level, 1] = chunk_starts[stop]
        n += chunk_starts[stop] - chunk_starts[first]

    clipped = np.empty((n, 2), np.int64)
    n = 0
    for level in range(depth + 1):
        for c in range(ranges[level, 0], ranges[level, 1]):
            first, stop = max(chunks[c, 0], smallest), min(chunks[c, 1], largest)
            if first < stop:
                clipped[n, 0] = first
                clipped[n, 1] = stop
                n += 1

    intervals = np.empty((n, 2), np.int64)
    count = 0
    for i in np.argsort(clipped[:n, 0]):  # in file order, so that none has to be put between others
        count = insert(intervals, count, clipped[i, 0], clipped[i, 1])[0]
    return intervals[:count]
