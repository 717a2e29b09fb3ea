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
    for i in range(records.size):
        record = records[i]
        is_first = record.start != front
        front = record.start
        if max_depth > 0:
            while n_open > 0 and ends[0] < front:
                n_open -= 1
                ends[0] = ends[n_open]
                _sift_down(ends, n_open)
        if not is_first and max_depth > 0 and n_open >= max_depth:
            record.refused = True
            refused[0] += 1
        elif not is_first and record.end == record.start:
            record.ordinal = -1
        elif max_depth > 0:
            ends[n_open] = record.end
            _sift_up(ends, n_open)
            n_open += 1
    return np.int64(front), np.int64(n_open)
