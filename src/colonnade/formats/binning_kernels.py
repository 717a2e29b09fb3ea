"""Arithmetic of bins (SAM specification, section 5.3; CSIv1), for loops that cannot afford an object.

Bins are numbered from the root (0) down, level by level: level ``l`` has ``8**l`` bins, each over
``2**(min_shift + 3 * (depth - l))`` positions. Positions are 0-based, intervals half-open, all numbers int64.
"""

import numpy as np

from colonnade.jit import kernel


@kernel
def first_bin(level):
    """Number of the first bin of a level; of ``depth + 1``: how many bins there are."""
    return ((np.int64(1) << np.int64(3 * level)) - 1) // 7


@kernel
def level_of(number):
    """Level of a bin, 0 for the root."""
    level = 0
    while first_bin(level + 1) <= number:
        level += 1
    return level


@kernel
def parent(number):
    """The bin one level up that holds a bin; -1 for the root."""
    return (number - 1) >> 3


@kernel
def shift_of(level, min_shift, depth):
    """A bin of this level reaches over two to the power of this many positions."""
    return min_shift + 3 * (depth - level)


@kernel
def bin_interval(number, min_shift, depth):
    """First position of a bin, and the one after its last."""
    level = level_of(number)
    shift = np.int64(shift_of(level, min_shift, depth))
    start = np.int64(number - first_bin(level)) << shift
    return start, start + (np.int64(1) << shift)


@kernel
def bin_range(level, start, end, min_shift, depth):
    """First bin of a level that overlaps [start, end), and the one after the last."""
    first = first_bin(level)
    shift = np.int64(shift_of(level, min_shift, depth))
    return first + (np.int64(start) >> shift), first + (np.int64(end - 1) >> shift) + 1


@kernel
def reg2bin(start, end, min_shift, depth):
    """The smallest bin that holds [start, end) wholly."""
    number, stop = bin_range(depth, start, end, min_shift, depth)
    last = stop - 1
    while number != last:
        number, last = parent(number), parent(last)
    return number
