"""Which reads htslib's pileup lets in under its depth limit (sam.c, bam_plp_push): records of one file in order."""

import numpy as np

from colonnade.jit import kernel


@kernel
def _sift_up(ends, child):
    while child > 0:
        parent = (child - 1) >> 1
        if ends[parent] <= ends[child]:
            break
        ends[parent], ends[child] = ends[child], ends[parent]
        child = parent


@kernel
def _sift_down(ends, size):
    parent = 0
    while 2 * parent + 1 < size:
        child = 2 * parent + 1
        if child + 1 < size and ends[child + 1] < ends[child]:
            child += 1
        if ends[parent] <= ends[child]:
            break
        ends[parent], ends[child] = ends[child], ends[parent]
        parent = child


@kernel
def _most_open(records, n_open):
    """A bound on how many reads are open at once, cheaper than counting them."""
    longest = np.int64(0)
    for i in range(records.size):
        longest = max(longest, records[i].end - records[i].start)
    most = 0
    oldest = 0
    for i in range(records.size):
        while records[oldest].start + longest < records[i].start:
            oldest += 1
        most = max(most, i + 1 - oldest)
    return n_open + most


@kernel
def _still_open(records, front, ends, n_open):
    """Leave in the heap what is open at ``front``, of it and of some records that were all let in; returns how many that is."""
    filled = np.int64(0)
    for i in range(n_open):
        if ends[i] >= front:
            ends[filled] = ends[i]
            filled += 1
    for i in range(records.size):
        if records[i].end >= front and records[i].ordinal >= 0:
            ends[filled] = records[i].end
            filled += 1
    ends[:filled].sort()
    return filled


@kernel
def admit(records, max_depth, front, ends, n_open, refused):
    """Mark the records that come when ``max_depth`` others are open as ``refused``, unless they are the first at their start.

    Parameters
    ----------
    records
        Array of RECORD.
    max_depth
        Largest number of open reads that lets another one in; 0 for no limit.
    front
        Start of the record before; -1 for none.
    ends
        int64, room for all records and those open: a heap of the ends of the reads that are open.
    n_open
        How many that are.
    refused
        int64 (1,): how many were.

    Returns
    -------
    Start of the last record, and how many reads are open after it. ``ignored`` records, those without span that are not the first
    at their start, are never open in htslib; they are marked by an ``ordinal`` of -1.
    """
    is_limited = max_depth > 0 and _most_open(records, n_open) > max_depth
    for i in range(records.size):
        record = records[i]
        is_first = record.start != front
        front = record.start
        if is_limited:
            while n_open > 0 and ends[0] < front:
                n_open -= 1
                ends[0] = ends[n_open]
                _sift_down(ends, n_open)
        if not is_first and is_limited and n_open >= max_depth:
            record.refused = True
            refused[0] += 1
        elif not is_first and record.end == record.start:
            record.ordinal = -1
        elif is_limited:
            ends[n_open] = record.end
            _sift_up(ends, n_open)
            n_open += 1
    if max_depth > 0 and not is_limited:
        n_open = _still_open(records, front, ends, n_open)
    return np.int64(front), np.int64(n_open)
