"""Keeping a sorted array of disjoint BGZF intervals. Virtual offsets are packed: file offset of a block << 16 | within."""

import numpy as np

from colonnade.jit import kernel

BLOCK_BITS = 16
WITHIN = 0xFFFF


@kernel
def insert(intervals, count, start, end):
    """Add the interval from ``start`` to ``end`` to the ``count`` that stand sorted at the front of ``intervals``.

    Kept intervals never share a block, not even the one where the first ends and the second begins: what overlaps,
    touches or shares a block becomes one. The array, int64 (capacity, 2), needs room for one interval more.

    Returns
    -------
    count
        How many intervals there are now.
    added_compressed, added_within
        By how much the sums over all intervals of (end block - start block) and (end within - start within) grew.
    """
    if end <= start:
        return count, np.int64(0), np.int64(0)
    start_block, end_block = start >> BLOCK_BITS, end >> BLOCK_BITS
    compressed = end_block - start_block
    within = (end & WITHIN) - (start & WITHIN)
    if count == 0 or intervals[count - 1, 1] >> BLOCK_BITS < start_block:  # the usual case: chunks in file order
        intervals[count, 0] = start
        intervals[count, 1] = end
        return count + 1, compressed, within

    # The first kept interval that does not end in a block before this one's.
    first, high = 0, count
    while first < high:
        middle = (first + high) // 2
        if intervals[middle, 1] >> BLOCK_BITS < start_block:
            first = middle + 1
        else:
            high = middle
    stop = first
    while stop < count and intervals[stop, 0] >> BLOCK_BITS <= end_block:
        stop += 1

    if stop == first:
        for i in range(count, first, -1):
            intervals[i, 0] = intervals[i - 1, 0]
            intervals[i, 1] = intervals[i - 1, 1]
        intervals[first, 0] = start
        intervals[first, 1] = end
        return count + 1, compressed, within

    start = min(start, intervals[first, 0])
    end = max(end, intervals[stop - 1, 1])
    compressed = (end >> BLOCK_BITS) - (start >> BLOCK_BITS)
    within = (end & WITHIN) - (start & WITHIN)
    for i in range(first, stop):
        compressed -= (intervals[i, 1] >> BLOCK_BITS) - (intervals[i, 0] >> BLOCK_BITS)
        within -= (intervals[i, 1] & WITHIN) - (intervals[i, 0] & WITHIN)
    intervals[first, 0] = start
    intervals[first, 1] = end
    gone = stop - first - 1
    if gone:
        for i in range(stop, count):
            intervals[i - gone, 0] = intervals[i, 0]
            intervals[i - gone, 1] = intervals[i, 1]
    return count - gone, compressed, within
