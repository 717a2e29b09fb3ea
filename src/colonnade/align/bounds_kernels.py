"""What is known of reads before their search: their bases, how far they match exactly, and bounds of their differences.

Memory is what this waits for, so it is done for a group of reads side by side: each asks for the cache lines of its next step
long before that is taken.
"""

from typing import NamedTuple

import numpy as np

from colonnade.align.absence_kernels import is_hopeless
from colonnade.align.fm_kernels import block_of, prefetch, step
from colonnade.align.record_kernels import BASES, KEPT, PASSED, flag_of, read_bases, sequence_of
from colonnade.formats.bases import AMBIGUOUS
from colonnade.formats.integers_kernels import read_i32
from colonnade.jit import kernel

GROUP = 64  # reads
LONGEST_READ = 65535  # bases: what a partial alignment has room for, as in bwa
SHORTEST_TRIMMED = 35  # bases that trimming leaves (BWA_MIN_RDLEN, bwtaln.h)
HIGHEST_QUALITY = 93  # that FASTQ can say; reads without qualities, which have 255, count as if they had it


class Group(NamedTuple):
    """Some reads, by slot, and what is known of each before its search."""

    reads: np.ndarray  # int64 (GROUP,)
    lengths: np.ndarray  # int64 (GROUP,)
    codes: np.ndarray  # uint8 (GROUP, longest + 1): reverse complement
    path: np.ndarray  # int64 (GROUP, longest + 1, 2): intervals of its exact match, by bases left
    dead: np.ndarray  # int64 (GROUP,): bases left where the exact match ends
    widths: np.ndarray  # int64 (GROUP, longest + 1): rows of the parts that end with the read
    bounds: np.ndarray  # int32 (GROUP, longest + 1): of the differences of these parts
    seed_widths: np.ndarray  # int64 (GROUP, seed + 1): of the seed's
    seed_bounds: np.ndarray  # int32 (GROUP, seed + 1)
    waiting: np.ndarray  # int64 (GROUP + 1,): slots, and how many at the end
    intervals: np.ndarray  # int64 (GROUP, 2): of the part that a slot's bound has come to
    hopeless: np.ndarray  # uint8 (GROUP,): whether it is known that there are no hits
    tight: np.ndarray  # int64 (longest,)
    states: np.ndarray  # int64 (2, MOST_STATES, 3)


@kernel
def trim(data, offsets, trim_quality, lengths):
    """Fill ``lengths``, int32 (reads,), with how many bases are searched; returns the highest that is at most ``LONGEST_READ``."""
    longest = np.int64(0)
    for read in range(lengths.size):
        lengths[read] = searched_length(data, offsets[read], trim_quality)
        if lengths[read] <= LONGEST_READ:
            longest = max(longest, np.int64(lengths[read]))
    return longest


@kernel
def searched_length(data, start, trim_quality):
    """How many bases of a record are searched: all, or what is left of them after trimming (bwa_trim_read, bwaseqio.c)."""
    length = read_i32(data, start + BASES)
    if trim_quality < 1 or flag_of(data, start) & (KEPT | PASSED):
        return length
    qualities = sequence_of(data, start) + (length + 1) // 2
    total = highest = np.int64(0)
    kept = length
    for i in range(length - 1, SHORTEST_TRIMMED - 1, -1):
        total += trim_quality - min(np.int64(data[qualities + i]), HIGHEST_QUALITY)
        if total < 0:
            break
        if total > highest:
            highest = total
            kept = i
    return kept


@kernel
def _load(data, start, length, codes, slot):
    """Fill ``codes`` with the reverse complement of the first bases of a record; returns how many of them are not bases."""
    read_bases(data, sequence_of(data, start), length, True, codes[slot])
    ambiguous = 0
    for i in range(length):
        ambiguous += codes[slot, i] == AMBIGUOUS
    return ambiguous


@kernel
def _match_exactly(fm, group, size):
    """Match reads from their end until no row is left; several side by side."""
    codes, path, dead, waiting = group.codes, group.path, group.dead, group.waiting
    for slot in range(size):
        waiting[slot] = slot
        dead[slot] = group.lengths[slot]
        path[slot, dead[slot], 0] = 0
        path[slot, dead[slot], 1] = fm.length + 1
    left_over = size
    while left_over > 0:
        going_on = 0
        for at in range(left_over):
            slot = waiting[at]
            left = dead[slot]
            base = np.int64(codes[slot, left - 1])
            if base < 4:
                lo = step(fm, path[slot, left, 0], base)
                hi = step(fm, path[slot, left, 1], base)
                if lo < hi:
                    left -= 1
                    dead[slot] = left
                    path[slot, left, 0] = lo
                    path[slot, left, 1] = hi
                    if left > 0:
                        waiting[going_on] = slot
                        going_on += 1
                        prefetch(fm.blocks, block_of(fm, lo))
                        prefetch(fm.blocks, block_of(fm, hi))
        left_over = going_on


@kernel
def _bound(fm, group, seed_length, widths, bounds):
    """Fill, for each part that ends with a read, its rows and a bound of its differences (bwt_cal_width, bwtaln.c).

    Of the ``seed_length`` bases of a seed, or of whole reads if that is 0; for the first ``group.waiting[GROUP]`` slots waiting.
    """
    codes, waiting, intervals, lengths = group.codes, group.waiting, group.intervals, group.lengths
    top = fm.length + 1
    left_over = waiting[GROUP]
    for at in range(left_over):
        slot = waiting[at]
        intervals[slot, 0] = 0
        intervals[slot, 1] = top
    j = 0
    while left_over > 0:
        going_on = 0
        for at in range(left_over):
            slot = waiting[at]
            end = seed_length if seed_length > 0 else lengths[slot]
            bound = bounds[slot, j - 1] if j > 0 else np.int32(0)
            base = np.int64(codes[slot, lengths[slot] - end + j])
            lo = hi = np.int64(0)
            if base < 4:
                lo = step(fm, intervals[slot, 0], 3 - base)
                hi = step(fm, intervals[slot, 1], 3 - base)
            if lo >= hi:
                lo, hi = np.int64(0), top
                bound += 1
            widths[slot, j] = hi - lo
            bounds[slot, j] = bound
            if j < end - 1 and not (hi - lo == 1 and group.dead[slot] == 0):
                intervals[slot, 0] = lo
                intervals[slot, 1] = hi
                waiting[going_on] = slot
                going_on += 1
                prefetch(fm.blocks, block_of(fm, lo))
                prefetch(fm.blocks, block_of(fm, hi))
            else:  # the end, or one row of a read that matches exactly: it stays
                for k in range(j + 1, end):
                    widths[slot, k] = 1
                    bounds[slot, k] = bound
                widths[slot, end] = 0
                bounds[slot, end] = bound + 1
        left_over = going_on
        j += 1


@kernel
def prepare(fm, data, offsets, lengths, settings, group, first):
    """Fill a group with reads from ``first`` on; returns how many slots are used and which read is the next.

    Reads that are kept or passed, without bases, with too many of them, or with more unknown ones than differences allowed have no
    hits, and no slot.
    """
    size = 0
    read = first
    while read < lengths.size and size < GROUP:
        length = np.int64(lengths[read])
        if (
            0 < length <= LONGEST_READ
            and not flag_of(data, offsets[read]) & (KEPT | PASSED)
            and _load(data, offsets[read], length, group.codes, size) <= settings.differences[length]
        ):
            group.reads[size] = read
            group.lengths[size] = length
            size += 1
        read += 1
    _match_exactly(fm, group, size)

    waiting = group.waiting
    for slot in range(size):
        waiting[slot] = slot
    waiting[GROUP] = size
    _bound(fm, group, np.int64(0), group.widths, group.bounds)
    waiting[GROUP] = 0
    for slot in range(size):
        if group.lengths[slot] > settings.seed_length:
            waiting[waiting[GROUP]] = slot
            waiting[GROUP] += 1
    _bound(fm, group, settings.seed_length, group.seed_widths, group.seed_bounds)
    for slot in range(size):
        length = group.lengths[slot]
        most = settings.differences[length]
        bound = np.int64(group.bounds[slot, length - 1])
        is_tried = settings.count_extensions and length <= settings.seed_length and 2 <= bound <= most
        group.hopeless[slot] = is_tried and is_hopeless(
            fm,
            group.codes[slot],
            length,
            bound,
            most,
            min(settings.gap_opens, most),
            settings.indel_end_skip,
            group.tight,
            group.states,
        )
    return size, read
