"""From CIGARs to segments: runs of columns in which a read is in the same state. The only place of the pileup that walks a CIGAR.

What follows a segment (insertions, deletions, pads) is read as htslib 1.24 does (sam.c, resolve_cigar2).
"""

from typing import NamedTuple

import numpy as np

from colonnade.formats.integers_kernels import read_u32
from colonnade.jit import kernel
from colonnade.records.batch_kernels import DELETION, INSERTION, PAD, SKIP, SOFT_CLIP, is_match

# What a read is in a column.
IS_MATCH, IS_DELETION, IS_SKIP, IS_NO_SPAN = 0, 1, 2, 3

#: One segment, clipped to the columns asked for. ``query`` is the read position of its first base, or of the base after a
#: deletion or skip; ``insertion`` and ``deletion`` follow its last column; ``gap`` is the length of the whole deletion or skip.
SEGMENT = np.dtype(
    [
        ("start", np.int64),
        ("length", np.int32),
        ("query", np.int32),
        ("record", np.int32),
        ("operation", np.int32),
        ("insertion", np.int32),
        ("deletion", np.int32),
        ("gap", np.int32),
        ("state", np.uint8),
        ("head", np.bool_),
        ("tail", np.bool_),
    ],
    align=True,
)


class Wanted(NamedTuple):
    """Which states besides a match are wanted, and whether an operation of length 0 takes a column, as in htslib."""

    deletions: bool
    skips: bool
    no_span: bool
    empty: bool


@kernel
def _total(data, record, operation, step):
    """Length of the deletions from one operation on, in one direction."""
    length = np.int64(0)
    while 0 <= operation < record.n_cigar:
        packed = read_u32(data, record.cigar + 4 * operation)
        if packed & 15 != DELETION:
            break
        length += packed >> 4
        operation += step
    return length


@kernel
def indel_after(data, record, operation):
    """Length of the insertion and of the deletion that follow the last column of an operation."""
    if operation + 1 >= record.n_cigar:
        return np.int64(0), np.int64(0)
    following = read_u32(data, record.cigar + 4 * (operation + 1)) & 15
    if following == DELETION:
        this = read_u32(data, record.cigar + 4 * operation) & 15
        return np.int64(0), np.int64(0) if this == DELETION else _total(data, record, operation + 1, 1)
    if following != INSERTION and following != PAD:
        return np.int64(0), np.int64(0)
    insertion = np.int64(0)
    k = operation + 1
    while k < record.n_cigar:
        packed = read_u32(data, record.cigar + 4 * k)
        kind = packed & 15
        if kind == INSERTION:
            insertion += packed >> 4
        elif kind != PAD and (following == INSERTION or is_match(kind) or kind == DELETION or kind == SKIP):
            break
        k += 1
    return insertion, _total(data, record, k, 1) if insertion else np.int64(0)


@kernel
def find_segments(data, records, start, end, wanted, segments):
    """Cut the records of a file into segments within [start, end), in the order of the records; returns how many.

    Where wanted, an operation of length 0 takes a column from the next one: htslib moves on by one operation a column.
    """
    filled = 0
    for number in range(records.size):
        record = records[number]
        if record.start >= end:
            break
        if record.end == record.start:
            if wanted.no_span and record.start >= start:
                segment = segments[filled]
                filled += 1
                segment.start = record.start
                segment.length = 1
                segment.query = -1
                segment.record = number
                segment.operation = -1
                segment.insertion = segment.deletion = segment.gap = 0
                segment.state = IS_NO_SPAN
                segment.head = segment.tail = True
            continue
        if record.end <= start:
            continue
        position = record.start
        column = record.start
        query = np.int64(0)
        for k in range(record.n_cigar):
            packed = read_u32(data, record.cigar + 4 * k)
            kind = packed & 15
            length = packed >> 4
            if kind == INSERTION or kind == SOFT_CLIP:
                query += length
                continue
            if is_match(kind):
                state = IS_MATCH
            elif kind == DELETION:
                state = IS_DELETION
            elif kind == SKIP:
                state = IS_SKIP
            else:
                continue
            if length == 0 and not wanted.empty:
                continue
            if column >= end or column >= record.end:
                break
            first = column
            column = max(column + 1, position + length)
            is_wanted = state == IS_MATCH or (wanted.deletions if state == IS_DELETION else wanted.skips)
            if is_wanted and column > start:
                first = max(first, start)
                last = min(column, end, record.end)
                segment = segments[filled]
                filled += 1
                segment.start = first
                segment.length = last - first
                segment.query = query + (first - position if state == IS_MATCH else 0)
                segment.record = number
                segment.operation = k
                segment.insertion = segment.deletion = segment.gap = 0
                if last == position + length:
                    segment.insertion, segment.deletion = indel_after(data, record, k)
                if state == IS_SKIP:
                    segment.gap = length
                elif state == IS_DELETION:
                    segment.gap = _total(data, record, k, -1) + _total(data, record, k + 1, 1)
                segment.state = state
                segment.head = first == record.start
                segment.tail = last == record.end
            position += length
            if state == IS_MATCH:
                query += length
    return filled


@kernel
def quality_of(data, record, segment, position):
    """Quality of a read in a column: of its base, or in a deletion or skip of the base after it; 0 where there is none (htslib)."""
    query = np.int64(segment.query)
    if segment.state == IS_MATCH:
        query += position - segment.start
    if query >= record.l_seq or query < 0:
        return np.uint8(0)
    if segment.state != IS_MATCH and position < record.gap_until and query == record.gap_query:
        return record.gap_quality
    return data[record.qual + query]


@kernel
def has_bases(record, segment):
    """Whether a read has a base in each column of a segment."""
    return segment.state == IS_MATCH and segment.query + segment.length <= record.l_seq


@kernel
def cover(segments, start, changes):
    """Add to int32 ``changes`` (columns + 1), whose running sum is the number of reads in each column."""
    for i in range(segments.size):
        changes[segments[i].start - start] += 1
        changes[segments[i].start + segments[i].length - start] -= 1
