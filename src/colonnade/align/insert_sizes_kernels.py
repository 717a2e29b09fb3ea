"""Insert sizes of the pairs of a batch, and whose they are."""

import numpy as np

from colonnade.align.record_kernels import BASES, FIRST, KEPT, LAST, flag_of, hash_bytes, is_mate, sequence_of
from colonnade.formats.integers_kernels import read_i32
from colonnade.formats.tags_kernels import tag_end
from colonnade.formats.writing_kernels import NOWHERE
from colonnade.jit import kernel

NO_SIZE = np.int64(-1)
TOO_LARGE = 100_000  # bases: not counted (infer_isize, bwape.c)

_R, _G = (np.uint8(letter) for letter in b"RG")


@kernel
def group_name(data, record, end):
    """Where the name of an unaligned record's read group is, as (start, end); of no bytes where it has none."""
    bases = read_i32(data, record + BASES)
    tag = sequence_of(data, record) + (bases + 1) // 2 + bases
    while tag < end:
        following = tag_end(data, tag, end)
        if data[tag] == _R and data[tag + 1] == _G:
            return tag + 3, following - 1
        tag = following
    return end, end


@kernel
def group_of(data, record, end):
    """The read group of an unaligned record: hash of its name, or of nothing where it has none."""
    start, stop = group_name(data, record, end)
    return hash_bytes(data, start, stop)


@kernel
def measure_inserts(data, records, length, position, mapping_quality, confident, groups, sizes, longest):
    """What each pair, and each single read, tells of the size of inserts; returns how many there are.

    A single read has been merged from two mates, so it is as long as its insert, trimmed or not, unless it has lost its mate.

    Parameters
    ----------
    data, records
        Bytes of the records, and where each begins and the last one ends.
    length, position, mapping_quality
        Of each read, as in ``colonnade.align.batch.SCHEMAS``.
    confident
        Mapping quality from which on a place counts.
    groups, sizes, longest
        Filled, one item for each pair or single read: uint64 read group; int64 insert size or ``NO_SIZE``; int64 bases of the
        longer mate, 0 for a single read.
    """
    count = 0
    read = 0
    while read < length.size:
        if flag_of(data, records[read]) & KEPT:
            read += 1
            continue
        is_pair = is_mate(data, records[read])
        groups[count] = group_of(data, records[read], records[read + 1])
        size = NO_SIZE
        first = read
        last = read + 1 if is_pair else read
        is_placed = position[first] != NOWHERE and position[last] != NOWHERE
        if is_placed and mapping_quality[first] >= confident and mapping_quality[last] >= confident:
            if is_pair:
                size = insert_size(position[first], length[first], position[last], length[last])
            elif not flag_of(data, records[read]) & (FIRST | LAST):
                size = read_i32(data, records[read] + BASES)
        sizes[count] = size if size < TOO_LARGE else NO_SIZE
        longest[count] = max(length[first], length[last]) if is_pair else 0
        count += 1
        read = last + 1
    return count


@kernel
def insert_size(position, length, other_position, other_length):
    """From the start of the leftmost of two mates to the end of the other (infer_isize, bwape.c)."""
    if position < other_position:
        return np.int64(other_position + other_length - position)
    return np.int64(position + length - other_position)


@kernel
def sum_of_squares(sizes, counts, mean, start):
    """Add the squared differences from a mean, one by one in order, to a start: as the rounding of bwa has it."""
    total = start
    for i in range(sizes.size):
        square = (sizes[i] - mean) * (sizes[i] - mean)
        for _ in range(counts[i]):
            total += square
    return total
